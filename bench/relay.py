"""The relay: receipts through it, the time until a follower has the file, and catching up. Needs redis-server."""

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles

import redis

from bench.load import Load
from bench.record import CONNECTIONS, drive_in_turn, tables, warm_up
from bench.recordings import receipts
from bench.rounds import Series, series
from bench.subject import DEVKIT, PYTHON, ROOT, TUTORIAL, Running, Subject, printing, running
from bench.table import Table
from devkit.relay.engine import RedisEngine
from devkit.relay.settings import relay_settings
from devkit.relay.store import RelayStore
from devkit.relay.stream import account_name
from devkit.webhook.callback import CALLBACK_PATH

_CONF = ROOT / "deploy" / "redis.conf"
_ENGINE = Subject(
    "redis-server", ("redis-server", str(_CONF), "--port", "{port}", "--bind", "127.0.0.1", "--save", "")
)
_TOKEN = "bench-token-0123456789"
_SERVE = "relay serve --json --no-health --port {port}"
_RELAY = Subject(
    "devkit relay serve: on the engine's disk before 200",
    (PYTHON, "-m", "devkit", *_SERVE.split()),
    path=f"{CALLBACK_PATH}/{_TOKEN}",
)
_SETTINGS = {
    "VONAGE_API_KEY": "abcd1234",
    "DEVKIT_CALLBACK_TOKEN": _TOKEN,
    "DEVKIT_RELAY_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "DEVKIT_WHO": "ada",
}
_FOLLOWERS = (1, 10, 50)
_GROUP = 64  # receipts that arrive together while the engine is filled


def measure(directory: Path, *, rounds: int, seconds: int, quick: bool) -> Iterator[Table]:
    """Tables; none where there is no redis-server."""
    if not shutil.which("redis-server"):
        print(
            "Notice: without redis-server the relay is not measured: apt-get install redis-server",
            file=sys.stderr,
        )
        return
    yield from _measure_serving(directory, rounds, seconds)
    yield _measure_followers(directory, 30 if quick else 200)
    yield from _measure_catching_up(directory, 2_000 if quick else 50_000)


@dataclass(frozen=True, slots=True)
class _Engine:
    """settings: of a relay on it."""

    settings: dict[str, str]
    pid: int


@contextmanager
def _engine(directory: Path) -> Iterator[_Engine]:
    with running(_ENGINE, directory) as engine:
        url = f"redis://127.0.0.1:{engine.port}"
        yield _Engine({**_SETTINGS, "DEVKIT_RELAY": url}, engine.process.pid)


def _relay_with(settings: Mapping[str, str]) -> Subject:
    return replace(_RELAY, settings=tuple(settings.items()))


def _measure_serving(directory: Path, rounds: int, seconds: int) -> list[Table]:
    with _engine(directory) as engine, ExitStack() as stack:
        relay = _relay_with(engine.settings)
        up = {each: stack.enter_context(running(each, directory)) for each in (DEVKIT, TUTORIAL, relay)}
        pids = {each.name: [where.process.pid] for each, where in up.items()}
        pids[relay.name].append(engine.pid)
        warm_up(up)
        loads: dict[str, dict[str, list[Load]]] = {}
        times: dict[str, dict[str, Series]] = {name: {} for name in pids}
        for connections in map(str, CONNECTIONS):
            before = {name: _processor_seconds(each) for name, each in pids.items()}
            loads[connections] = drive_in_turn(up, int(connections), "get", rounds, seconds)
            for name, each in pids.items():
                taken = sum(load.taken for load in loads[connections][name])
                times[name][connections] = series([(_processor_seconds(each) - before[name]) / taken * 1e6])
        _check(engine.settings, relay, loads)
    return [
        *tables("Relay", DEVKIT, loads),
        Table("Relay: processor time", "µs a receipt", DEVKIT.name, times),
    ]


def _processor_seconds(pids: Sequence[int]) -> float:
    """The time that the processes have computed; 0 on a system without /proc."""
    try:
        fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    except OSError:
        return 0.0
    return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")


def _check(
    settings: Mapping[str, str], relay: Subject, loads: Mapping[str, Mapping[str, Sequence[Load]]]
) -> None:
    """Raise RuntimeError when a request failed, or a receipt that was answered 200 is not on the engine."""
    taken = sum(load.taken for column in loads.values() for load in column[relay.name])
    errors = sum(load.errors for column in loads.values() for found in column.values() for load in found)
    with redis.Redis.from_url(settings["DEVKIT_RELAY"]) as client:
        kept = client.xlen(f"devkit:{account_name(settings['VONAGE_API_KEY'])}:receipts")
    if errors or kept < taken:
        raise RuntimeError(f"{errors} requests failed; {taken} answered 200, {kept} on the engine")


def _measure_followers(directory: Path, count: int) -> Table:
    rows: dict[str, dict[str, Series]] = {
        "median": {},
        "99th percentile": {},
        "the last follower, median": {},
    }
    for followers in _FOLLOWERS:
        with (
            _engine(directory) as engine,
            running(_relay_with(engine.settings), directory) as receiver,
        ):
            found = _times(directory, engine.settings, receiver, followers, count)
        every = [each for times in found for each in times]
        column = f"{followers} follower{'s' if followers > 1 else ''}"
        rows["median"][column] = series([median(every)])
        rows["99th percentile"][column] = series([quantiles(every, n=100)[98]])
        rows["the last follower, median"][column] = series([median(map(max, found))])
    return Table("Relay: from the answer 200 to the file of a follower", "ms", "", rows, 1)


def _times(
    directory: Path, settings: Mapping[str, str], receiver: Running, followers: int, count: int
) -> list[list[float]]:
    """For each receipt the milliseconds until each follower has its file. One receipt at a time."""
    argv = [PYTHON, "-m", "bench.followers", str(followers)]
    place = Path(tempfile.mkdtemp(dir=directory))
    connection = HTTPConnection("127.0.0.1", receiver.port)
    with closing(connection), printing(argv, place, **settings) as lines:
        if next(lines, "") != "ready\n":
            raise RuntimeError("the followers ended before they were ready")
        return [_times_of_one(connection, lines, followers, number) for number in range(count)]


def _times_of_one(
    connection: HTTPConnection, lines: Iterator[str], followers: int, number: int
) -> list[float]:
    message = f"0A{number:014X}"
    query = f"msisdn=447700900001&to=AcmeInc&messageId={message}&status=delivered&err-code=0"
    connection.request("GET", f"{_RELAY.path}?{query}")
    response = connection.getresponse()
    answered = time.monotonic()
    response.read()
    found = [next(lines).split() for _ in range(followers)]
    if response.status != 200 or {each for each, _ in found} != {message}:
        raise RuntimeError(f"{message} was answered {response.status}, and followers got {found}")
    return [(float(moment) - answered) * 1000 for _, moment in found]


def _measure_catching_up(directory: Path, count: int) -> Iterator[Table]:
    with _engine(directory) as engine:
        settings = engine.settings
        before = _used_memory(settings)
        _fill(settings, count)
        size = (_used_memory(settings) - before) / count
        rows = {
            "all are kept, a file each": series([_catch_up(directory, settings, count, "--all")]),
            "none is kept": series([_catch_up(directory, settings, 0, "--mine")]),
        }
    yield Table(
        "Relay: catching up", "s", "", {name: {f"{count:,} receipts": each} for name, each in rows.items()}, 1
    )
    yield Table("Relay: memory of the engine", "bytes", "", {"a receipt": {"kept": series([size])}})


def _used_memory(settings: Mapping[str, str]) -> int:
    with redis.Redis.from_url(settings["DEVKIT_RELAY"]) as client:
        return int(client.info("memory")["used_memory"])


def _fill(settings: Mapping[str, str], count: int) -> None:
    """Put receipts on the engine as a receiver does; nobody claims them."""
    relay = relay_settings(settings, {})
    engine = RedisEngine(relay.engine_url(), account_name(settings["VONAGE_API_KEY"]))
    engine.connect()
    store = RelayStore(engine, relay.cipher, "bench", _TOKEN)
    group = []
    for fixture in receipts(count):
        group.append((fixture, fixture.read()))
        if len(group) == _GROUP:
            store.record_all(group)
            group = []
    store.record_all(group)
    engine.close()


def _catch_up(directory: Path, settings: Mapping[str, str], recorded: int, choice: str) -> float:
    """Seconds from the start of `devkit follow` until it has caught up."""
    argv = [PYTHON, "-m", "devkit", "follow", "--json", choice]
    place = Path(tempfile.mkdtemp(dir=directory))
    started = time.perf_counter()
    with printing(argv, place, **settings) as lines:
        for line in lines:
            if '"caught_up"' in line:
                seconds = time.perf_counter() - started
                if (found := json.loads(line)["recorded"]) != recorded:
                    raise RuntimeError(f"{found} of {recorded} receipts were recorded")
                return seconds
    raise RuntimeError("devkit follow ended before it had caught up")
