"""Replay: recordings sent to an application by a process of its own; loading the files is included."""

from functools import partial
from pathlib import Path

from bench.mitm import mitmdump, replay, write_flows
from bench.recordings import make_recordings
from bench.rounds import in_turn
from bench.subject import PYTHON, SINK, SLOW_SINK, Subject, free_port, running, seconds_of
from bench.table import Table, rows

_MANY, _MANY_QUICK = 6000, 2000
_FEW, _FEW_QUICK = 500, 150
_AT_ONCE, _SLOWLY = "answered at once", "answered after 2 ms"


def measure(directory: Path, *, rounds: int, quick: bool) -> list[Table]:
    """Receipts a second, counted by the application: one that answers immediately, and one that takes 2 ms."""
    many, few = (_MANY_QUICK, _FEW_QUICK) if quick else (_MANY, _FEW)
    port = free_port()
    make_recordings(directory / "many", many)
    make_recordings(directory / "few", few)
    at_once = _commands(directory / "many" / "recorded", port)
    slowly = _commands(directory / "few" / "recorded", port)
    measures = {
        **{
            (_AT_ONCE, name): partial(_rate, SINK, argv, directory, port, many)
            for name, argv in at_once.items()
        },
        **{
            (_SLOWLY, name): partial(_rate, SLOW_SINK, argv, directory, port, few)
            for name, argv in slowly.items()
        },
    }
    if not quick:
        write_flows(mitmdump(), directory / "few" / "recorded", directory / "flows", port)
        argv = replay(mitmdump(), directory / "flows")  # few, because it is slow
        measures[_AT_ONCE, "mitmdump --client-replay"] = partial(_rate, SINK, argv, directory, port, few)
    columns: dict[str, dict[str, list[float]]] = {}
    for (column, name), rates in in_turn(measures, rounds).items():
        columns.setdefault(column, {})[name] = rates
    return [Table("Replay: receipts a second", "receipts/s", "requests.Session", rows(columns))]


def _commands(recordings: Path, port: int) -> dict[str, list[str]]:
    devkit = [PYTHON, "-m", "devkit", "replay", str(recordings), "--to", f"http://127.0.0.1:{port}", "--json"]
    return {
        "requests.Session": [PYTHON, "-m", "bench.requests_client", str(recordings), str(port)],
        "devkit replay": devkit,
        "devkit replay --jobs 4": [*devkit, "--jobs", "4"],
    }


def _rate(sink: Subject, argv: list[str], directory: Path, port: int, count: int) -> float:
    with running(sink, directory, port=port) as up:
        seconds = seconds_of(argv, directory)
    arrived = int((up.directory / "output").read_text())
    if arrived != count:
        raise RuntimeError(f"{argv}: {arrived} of {count} arrived")
    return count / seconds
