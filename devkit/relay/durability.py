"""Whether an engine keeps what it acknowledged: what is wrong with its settings, and what to type. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from devkit.relay.stream import EngineState
from devkit.webhook.masking import counted, one_line

_OLDEST = 7  # the oldest version of Redis whose answers are known
_SKEW = timedelta(seconds=2)
_FULL = 0.8  # of maxmemory

Severity = Literal["loses", "unknown", "warning"]


@dataclass(frozen=True, slots=True)
class EngineProblem:
    """One finding. severity: `loses` for a receipt that was answered 200, `unknown` where that cannot be found out."""

    severity: Severity
    text: str
    hint: str


def problems(state: EngineState, now: datetime) -> list[EngineProblem]:
    """All findings, the worst first. now: of this machine."""
    found = [
        *_persistence(state),
        *_eviction(state.info or {}),
        *_server(state.info or {}),
        *_clock(state.clock, now),
    ]
    return sorted(found, key=lambda each: ("loses", "unknown", "warning").index(each.severity))


def product(info: Mapping[str, str] | None) -> str:
    """The engine and its version: `Redis 7.0.15`; empty when it is not known."""
    if not info:
        return ""
    name, key = ("Valkey", "valkey_version") if "valkey_version" in info else ("Redis", "redis_version")
    return f"{name} {one_line(info.get(key, ''), 20)}".rstrip()


def _persistence(state: EngineState) -> Iterator[EngineProblem]:
    settings, info = state.settings or {}, state.info or {}
    if state.settings is None:
        yield EngineProblem(
            "unknown",
            "CONFIG is forbidden, so it is not known whether appendfsync is always.",
            "Ask the administrator of the engine whether appendfsync is always",
        )
    if state.info is None:
        yield EngineProblem(
            "unknown",
            "INFO is forbidden, so persistence and eviction are not known.",
            "Check as the engine's administrator, or allow it: ACL SETUSER NAME +info",
        )
    if settings.get("appendonly") == "no" or info.get("aof_enabled") == "0":
        yield _setting("appendonly", "no", "yes", "a restart loses everything since the last snapshot")
        return
    fsync = settings.get("appendfsync", "always")
    if fsync != "always":
        lost = "up to a second of" if fsync == "everysec" else "some"
        yield _setting("appendfsync", fsync, "always", f"a crash loses {lost} acknowledged receipts")
    if settings.get("no-appendfsync-on-rewrite") == "yes":
        yield _setting(
            "no-appendfsync-on-rewrite", "yes", "no", "while its file is rewritten, nothing is synced"
        )
    if info.get("aof_last_write_status", "ok") != "ok":
        yield EngineProblem(
            "loses", "The last write to its append-only file failed.", "Free space on the engine's disk"
        )


def _eviction(info: Mapping[str, str]) -> Iterator[EngineProblem]:
    policy = info.get("maxmemory_policy", "")
    limit, used = _number(info, "maxmemory"), _number(info, "used_memory")
    if policy.startswith("allkeys-"):
        yield _setting("maxmemory-policy", policy, "noeviction", "a full engine deletes the whole stream")
    elif policy not in ("noeviction", ""):
        yield _setting("maxmemory-policy", policy, "noeviction", "it is meant for a cache", "warning")
    if info and not limit:
        yield EngineProblem(
            "warning",
            "maxmemory is not set: the system may end the engine when memory runs out.",
            "Set it to what the machine can spare, such as: CONFIG SET maxmemory 1gb",
        )
    elif limit and used > _FULL * limit:
        yield EngineProblem(
            "warning",
            f"It uses {used / limit:.0%} of maxmemory; a full engine refuses receipts.",
            "Raise maxmemory, or keep receipts for less time: DEVKIT_RELAY_KEEP",
        )


def _server(info: Mapping[str, str]) -> Iterator[EngineProblem]:
    version = info.get("redis_version", "")  # Valkey has it too, for programs that know only Redis
    major = version.partition(".")[0]
    if major.isdecimal() and int(major) < _OLDEST:
        yield EngineProblem(
            "loses",
            f"Version {one_line(version, 20)} is older than 7.",
            "Use Redis 7 or newer, or any Valkey",
        )
    if info.get("role", "master") != "master":
        yield EngineProblem(
            "loses", "It is a replica, which takes no writes.", "Name the primary in DEVKIT_RELAY"
        )
    if replicas := _number(info, "connected_slaves"):
        yield EngineProblem(
            "warning",
            f"It has {counted(replicas, 'replica')}: a failover can lose acknowledged receipts of its last second.",
            "Nothing to type: replication does not wait. Make failovers rare",
        )
    if info.get("redis_mode") == "cluster":
        yield EngineProblem(
            "warning",
            "It is a cluster, which devkit was never run with.",
            "Name the node that has the account's slot, or use one without cluster mode",
        )


def _clock(clock: datetime | None, now: datetime) -> Iterator[EngineProblem]:
    if clock and abs(clock - now) > _SKEW:
        yield EngineProblem(
            "warning",
            f"Its clock and that of this machine differ by {abs(clock - now).total_seconds():,.0f} s.",
            "Have both set their clocks by NTP: order and retention go by the engine's",
        )


def _setting(name: str, value: str, wanted: str, reason: str, severity: Severity = "loses") -> EngineProblem:
    return EngineProblem(
        severity,
        f"{name} is {one_line(value, 30)}: {reason}.",
        f"redis-cli CONFIG SET {name} {wanted}, and the same in redis.conf",
    )


def _number(info: Mapping[str, str], name: str) -> int:
    text = info.get(name, "")
    return int(text) if text.isdecimal() else 0
