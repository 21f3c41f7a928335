"""Recording: receipts a second, and the 99th percentile of the response time."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from bench.load import TRANSPORTS, Load, drive
from bench.mitm import mitmdump, recorder
from bench.rounds import in_turn
from bench.subject import DEVKIT, SINK, TUTORIAL, Running, Subject, running
from bench.table import Table, rows

# Fewest first: tens of thousands of new files keep the disk busy for a while.
CONNECTIONS = (1, 16, 64)
# Seconds that are not counted: in the first one a program still imports modules and creates directories.
_WARM_UP = 1

_Loads = Mapping[str, Mapping[str, Sequence[Load]]]  # column to subject to rounds


def measure(directory: Path, *, rounds: int, seconds: int, quick: bool) -> list[Table]:
    """Receipts a second, and the 99th percentile of the response time."""
    subjects = [TUTORIAL, DEVKIT, *([] if quick else [recorder(mitmdump())])]
    with ExitStack() as stack:
        behind = stack.enter_context(running(SINK, directory)).port
        up = {each: stack.enter_context(running(each, directory, behind=behind)) for each in subjects}
        warm_up(up)
        loads = {
            f"{connections}, {transport}": drive_in_turn(up, connections, transport, rounds, seconds)
            for connections in CONNECTIONS
            for transport in (TRANSPORTS[:1] if quick else TRANSPORTS)
        }
    for subject, where in up.items():
        _check(subject, where, [load for column in loads.values() for load in column[subject.name]])
    return tables("Recording", TUTORIAL, loads)


def warm_up(up: Mapping[Subject, Running]) -> None:
    """Send receipts to each program that are not counted."""
    for subject, where in up.items():
        drive(where.port, subject.path, connections=1, seconds=_WARM_UP)


def drive_in_turn(
    up: Mapping[Subject, Running], connections: int, transport: str, rounds: int, seconds: int
) -> dict[str, list[Load]]:
    """The loads of each program, by its name."""
    measures = {
        subject.name: partial(
            _drive_settled,
            where.port,
            subject.path,
            connections=connections,
            seconds=seconds,
            transport=transport,
        )
        for subject, where in up.items()
    }
    return in_turn(measures, rounds)


def _drive_settled(*where: Any, **how: Any) -> Load:
    """Sync the disk, then `drive`: one program must not wait for the unsynced files of another."""
    os.sync()
    return drive(*where, **how)


def _check(subject: Subject, where: Running, loads: Sequence[Load]) -> None:
    """Raise RuntimeError when a request failed, or a receipt that was answered 200 is not on disk."""
    if errors := sum(load.errors for load in loads):
        raise RuntimeError(f"{subject.name}: {errors} requests failed")
    taken = sum(load.taken for load in loads)
    if subject.stores and (found := sum(1 for _ in where.directory.rglob("*Z-*.json"))) < taken:
        raise RuntimeError(f"{subject.name}: answered {taken} receipts with 200, recorded {found}")


def tables(what: str, base: Subject, loads: _Loads) -> list[Table]:
    """The rates and the 99th percentiles. loads: for each column those of each program."""
    return [
        _table(f"{what}: receipts a second", "receipts/s", base, loads, lambda load: load.per_second),
        _table(
            f"{what}: 99th percentile of the answer time", "ms", base, loads, lambda load: load.p99, digits=2
        ),
    ]


def _table(
    title: str, unit: str, base: Subject, loads: _Loads, figure: Callable[[Load], float], *, digits: int = 0
) -> Table:
    columns = {
        column: {name: [figure(load) for load in rounds] for name, rounds in found.items()}
        for column, found in loads.items()
    }
    return Table(title, unit, base.name, rows(columns), digits)
