"""Replay: recordings sent to an application that answers at once. Whole processes, loading the files included."""

from functools import partial
from pathlib import Path

from bench.mitm import mitmdump, replay, write_flows
from bench.recordings import make_recordings
from bench.subject import PYTHON, SINK, free_port, running, seconds_of
from bench.table import Table
from bench.turn import in_turn, series

_MANY, _FEW, _FEWER = 6000, 2000, 500


def measure(directory: Path, *, rounds: int, quick: bool) -> list[Table]:
    """Receipts a second; counted where they arrive."""
    count = _FEW if quick else _MANY
    make_recordings(directory / "many", count)
    port = free_port()
    recordings, to = str(directory / "many" / "recorded"), f"http://127.0.0.1:{port}"
    devkit = [PYTHON, "-m", "devkit", "replay", recordings, "--to", to, "--json"]
    measures = {
        "requests.Session": partial(
            _rate, [PYTHON, "-m", "bench.requests_client", recordings, str(port)], directory, port, count
        ),
        "devkit replay": partial(_rate, devkit, directory, port, count),
        "devkit replay --jobs 4": partial(_rate, [*devkit, "--jobs", "4"], directory, port, count),
    }
    if not quick:
        program = mitmdump()
        make_recordings(directory / "few", _FEWER)  # it takes long
        write_flows(program, directory / "few" / "recorded", directory / "flows", port)
        command = replay(program, directory / "flows")
        measures["mitmdump --client-replay"] = partial(_rate, command, directory, port, _FEWER)
    rates = in_turn(measures, rounds)
    rows = {name: {f"{count} recordings": series(found)} for name, found in rates.items()}
    return [Table("Replay: receipts a second", "receipts/s", "requests.Session", rows)]


def _rate(argv: list[str], directory: Path, port: int, count: int) -> float:
    with running(SINK, directory, port=port) as sink:
        seconds = seconds_of(argv, directory)
    arrived = int((sink.directory / "output").read_text())
    if arrived != count:
        raise RuntimeError(f"{argv}: {arrived} of {count} arrived")
    return count / seconds
