from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from devkit.relay.durability import EngineProblem, problems, product
from devkit.relay.engine import acl_commands
from devkit.relay.stream import EngineState

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
INFO = {
    "redis_version": "7.0.15",
    "redis_mode": "standalone",
    "role": "master",
    "connected_slaves": "0",
    "aof_enabled": "1",
    "aof_last_write_status": "ok",
    "maxmemory": "1000",
    "used_memory": "100",
    "maxmemory_policy": "noeviction",
}
SETTINGS = {"appendonly": "yes", "appendfsync": "always", "no-appendfsync-on-rewrite": "no"}


def found(
    info: Mapping[str, str] | None = None, settings: Mapping[str, str] | None = None, clock: datetime = NOW
) -> list[EngineProblem]:
    return problems(EngineState({**INFO, **(info or {})}, {**SETTINGS, **(settings or {})}, clock), NOW)


def test_an_engine_with_the_five_settings_is_right() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("info", "settings", "severity", "text", "hint"),
    [
        ({}, {"appendonly": "no"}, "loses", "appendonly is no", "CONFIG SET appendonly yes"),
        ({}, {"appendfsync": "everysec"}, "loses", "up to a second of", "CONFIG SET appendfsync always"),
        ({}, {"appendfsync": "no"}, "loses", "a crash loses some", "CONFIG SET appendfsync always"),
        (
            {},
            {"no-appendfsync-on-rewrite": "yes"},
            "loses",
            "nothing is synced",
            "no-appendfsync-on-rewrite no",
        ),
        ({"aof_last_write_status": "err"}, {}, "loses", "last write", "disk"),
        (
            {"maxmemory_policy": "allkeys-lru"},
            {},
            "loses",
            "deletes the whole stream",
            "maxmemory-policy noeviction",
        ),
        ({"maxmemory_policy": "volatile-ttl"}, {}, "warning", "for a cache", "maxmemory-policy noeviction"),
        ({"maxmemory": "0"}, {}, "warning", "maxmemory is not set", "CONFIG SET maxmemory 1gb"),
        ({"used_memory": "900"}, {}, "warning", "It uses 90% of maxmemory", "DEVKIT_RELAY_KEEP"),
        ({"redis_version": "6.2.7"}, {}, "loses", "Version 6.2.7 is older than 7", "Valkey"),
        ({"role": "slave"}, {}, "loses", "It is a replica", "primary"),
        ({"connected_slaves": "2"}, {}, "warning", "It has 2 replicas: a failover can lose", "replication"),
        ({"redis_mode": "cluster"}, {}, "warning", "It is a cluster", "node"),
    ],
)
def test_each_problem_has_its_remedy(
    info: dict[str, str], settings: dict[str, str], severity: str, text: str, hint: str
) -> None:
    (problem,) = found(info, settings)

    assert problem.severity == severity
    assert text in problem.text
    assert hint in problem.hint


@pytest.mark.parametrize(("seconds", "told"), [(0, 0), (1.9, 0), (-1.9, 0), (3, 1), (-3600, 1)])
def test_clocks_that_differ_are_told(seconds: float, told: int) -> None:
    assert len(found(clock=NOW + timedelta(seconds=seconds))) == told


def test_what_cannot_be_asked_is_said_to_be_unknown() -> None:
    managed = problems(EngineState({**INFO, "aof_enabled": "0"}, None, None), NOW)
    receiver = problems(EngineState(None, None, NOW), NOW)

    assert [each.severity for each in managed] == ["loses", "unknown"]  # INFO tells some of it
    assert "CONFIG is forbidden" in managed[1].text
    assert [each.text.split()[0] for each in receiver] == ["CONFIG", "INFO"]
    assert {each.severity for each in receiver} == {"unknown"}


def test_the_worst_problem_comes_first() -> None:
    texts = [each.severity for each in found({"maxmemory": "0"}, {"appendfsync": "everysec"})]

    assert texts == ["loses", "warning"]


def test_hostile_answers_are_shown_on_one_line() -> None:
    (problem,) = found({}, {"appendfsync": "\x1b[2J\u202e" + "x" * 100})

    assert problem.text.isprintable()
    assert len(problem.text) < 120


def test_the_product_is_named() -> None:
    assert product(INFO) == "Redis 7.0.15"
    assert product({"redis_version": "7.2.4", "valkey_version": "8.1.0"}) == "Valkey 8.1.0"
    assert product(None) == ""


def test_the_acl_gives_each_only_what_it_needs() -> None:
    receiver, follower = (line for line in acl_commands("0123abcd") if "-@all" in line)

    assert "+xadd" in receiver
    assert "xread" not in receiver
    assert "+xread" in follower
    assert "xadd" not in follower
    assert all("~devkit:0123abcd:*" in line and "config" not in line for line in (receiver, follower))
