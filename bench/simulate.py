"""The simulator: messages a second, and receipts a second when all are due at the same time."""

import json
import time
import urllib.request
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from bench.load import drive
from bench.rounds import Series, in_turn
from bench.subject import PYTHON, SINK, SLOW_SINK, Subject, running
from bench.table import Table, rows

CONNECTIONS = (1, 16)

_PATH = "/sms/json"
_SIMULATE = "simulate --port {port} --callback-url http://127.0.0.1:{behind}/dlr --speed 0.001x --json"

BASELINE = Subject("Flask on waitress, one fixed answer", (PYTHON, "-m", "bench.baseline", "{port}"), _PATH)
SIMULATOR = Subject("devkit simulate", (PYTHON, "-m", "devkit", *_SIMULATE.split()), _PATH)

Rows = Mapping[str, Mapping[str, Series]]

_AT_ONCE = "all due at once: 8 connections"

_TIMEOUT = 120  # seconds


def measure(directory: Path, *, rounds: int, seconds: int, quick: bool) -> list[Table]:
    """Messages a second, and receipts a second, counted by the receiving application."""
    connections = CONNECTIONS[-1:] if quick else CONNECTIONS
    return [
        Table(
            "Simulator: messages a second",
            "messages/s",
            BASELINE.name,
            _messages(directory, connections, rounds, seconds),
        ),
        Table(
            "Simulator: receipts a second",
            "receipts/s",
            "",
            _receipts(directory, rounds, seconds, quick=quick),
        ),
    ]


def _messages(directory: Path, connections: Sequence[int], rounds: int, seconds: int) -> Rows:
    with running(BASELINE, directory) as baseline, running(SIMULATOR, directory, behind=9) as simulator:
        requests = {
            BASELINE.name: partial(_rate, baseline.port, transport="unreceipted"),
            "devkit simulate: no receipt wanted": partial(_rate, simulator.port, transport="unreceipted"),
            "devkit simulate: three receipts planned": partial(_rate, simulator.port, transport="sms"),
        }
        return rows(
            {
                f"{number} connection{'s' * (number > 1)}": in_turn(
                    {
                        name: partial(request, connections=number, seconds=seconds)
                        for name, request in requests.items()
                    },
                    rounds,
                )
                for number in connections
            }
        )


def _receipts(directory: Path, rounds: int, seconds: int, *, quick: bool) -> Rows:
    measures = {
        (_AT_ONCE, "answered at once"): partial(_pushed, SINK, 1e9, directory, seconds),
        (_AT_ONCE, "answered after 2 ms"): partial(_pushed, SLOW_SINK, 1e9, directory, seconds),
        ("--speed max: in the order of time", "answered at once"): partial(
            _pushed, SINK, "max", directory, seconds
        ),
    }
    if quick:
        measures = dict(list(measures.items())[:1])
    columns: dict[str, dict[str, list[float]]] = {}
    for (row, column), rates in in_turn(measures, rounds).items():
        columns.setdefault(column, {})[row] = rates
    return rows(columns)


def _rate(port: int, *, connections: int, seconds: int, transport: str) -> float:
    load = drive(port, _PATH, connections=connections, seconds=seconds, transport=transport)
    if load.errors:
        raise RuntimeError(f"{load.errors} send requests failed")
    return load.per_second


def _pushed(sink: Subject, speed: float | str, directory: Path, seconds: int) -> float:
    """Send messages while simulated time hardly passes. Then speed it up and count the receipts that arrive."""
    with running(sink, directory) as behind, running(SIMULATOR, directory, behind=behind.port) as simulator:
        drive(simulator.port, _PATH, connections=4, seconds=seconds, transport="sms")
        started = time.perf_counter()
        counts = _counts(simulator.port, "/settings", {"speed": speed})
        # Compared each time: a message may be in progress when the load ends.
        while counts["deliveries"] < (wanted := 3 * counts["messages"]):
            if time.perf_counter() > started + _TIMEOUT:
                raise RuntimeError(f"not all of {wanted} receipts were pushed in {_TIMEOUT} s")
            time.sleep(0.05)
            counts = _counts(simulator.port)
        took = time.perf_counter() - started
    if (arrived := int((behind.directory / "output").read_text())) != wanted:
        raise RuntimeError(f"{arrived} of {wanted} receipts arrived")
    return arrived / took


def _counts(port: int, path: str = "", change: dict[str, object] | None = None) -> dict[str, int]:
    """The simulator's counts, after a change of its settings if one is given."""
    url, data = f"http://127.0.0.1:{port}/simulator{path}", json.dumps(change).encode() if change else None
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=30) as response:
        counts: dict[str, int] = json.load(response)["counts"]
        return counts
