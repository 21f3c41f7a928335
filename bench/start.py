"""Start-up: how long a whole command takes, beside an empty Python program."""

import time
from functools import partial
from pathlib import Path

from bench.recordings import make_recordings
from bench.rounds import in_turn, series
from bench.session import session
from bench.subject import PYTHON, SINK, running, seconds_of
from bench.table import Table

_DEVKIT = [PYTHON, "-m", "devkit"]


def measure(directory: Path, *, rounds: int) -> list[Table]:
    """Milliseconds. Each command has run once before, so that its files are in the cache."""
    make_recordings(directory / "fixtures", 100)
    one = str(next((directory / "fixtures").rglob("*.json")))
    with running(SINK, directory) as sink:
        commands = {
            "python -c pass": [PYTHON, "-c", "pass"],
            "devkit --help": [*_DEVKIT, "--help"],
            "devkit list": [*_DEVKIT, "list"],
            "devkit replay of one file": [*_DEVKIT, "replay", one, "--to", f"http://127.0.0.1:{sink.port}"],
        }
        measures = {name: partial(seconds_of, argv, directory) for name, argv in commands.items()}
        measures["devkit dev --offline, to ready"] = partial(_to_ready, directory)
        in_turn(measures, 1)
        found = in_turn(measures, rounds)
    rows = {name: {"start": series([second * 1000 for second in seconds])} for name, seconds in found.items()}
    return [Table("Start-up: milliseconds", "ms", "python -c pass", rows)]


def _to_ready(directory: Path) -> float:
    started = time.perf_counter()
    with session(directory):
        return time.perf_counter() - started
