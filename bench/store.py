"""The store: how long a search takes among few and many recordings, in a command and in a session."""

import time
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from pathlib import Path

from bench.recordings import RARE, make_recordings, message_id
from bench.rounds import in_turn
from bench.session import Ready, session
from bench.table import Table, rows
from devkit.fixture.store import Store

_SIZES = (100, 10_000, 100_000)
_LAST = 50


def measure(directory: Path, *, rounds: int, quick: bool) -> list[Table]:
    """Milliseconds, and the memory of a session in MB."""
    columns: dict[str, dict[str, list[float]]] = {}
    for size in _SIZES[:2] if quick else _SIZES:
        place = directory / f"store-{size}"
        make_recordings(place / "fixtures", size)
        columns[f"{size:,} recordings"] = {**_names(place, size, rounds), **_session(place, size, rounds)}
    return [Table("Store: milliseconds, and megabytes", "ms or MB", "", rows(columns), digits=1)]


def _names(place: Path, size: int, rounds: int) -> dict[str, list[float]]:
    """Searches of commands, which read file names only."""
    store = Store(place / "fixtures")
    wanted: dict[str, Callable[[], object]] = {
        f"list: last {_LAST}": lambda: list(islice(store.entries(), _LAST)),
        f"list: last {_LAST} of a rare status": lambda: list(islice(store.entries(status=(RARE,)), _LAST)),
        "list: one message": lambda: list(store.entries(message=message_id(size // 2))),
    }
    return _timed(wanted, rounds)


def _session(place: Path, size: int, rounds: int) -> dict[str, list[float]]:
    """Searches of a session, whose inspector has an index of the names."""
    store = Store(place / "fixtures")
    middle = next(store.entries(message=message_id(size // 2))).path
    key = middle.relative_to(store.recorded).as_posix()
    started = time.perf_counter()
    with session(place) as ready:
        to_ready = (time.perf_counter() - started) * 1000
        pages = {
            "session: inspector's page": "/",
            f"session: last {_LAST}": f"/api/receipts?limit={_LAST}",
            f"session: last {_LAST} of a rare status": f"/api/receipts?status={RARE}&limit={_LAST}",
            "session: one message": f"/api/receipts/{key}",
        }
        requests = {name: partial(_get, ready, page) for name, page in pages.items()}
        first = _timed({"session: the first page": requests["session: inspector's page"]}, 1)
        later = _timed(requests, rounds)
        memory = [ready.peak_memory() / 1e6]
    return {"session: start to ready": [to_ready], **first, **later, "session: memory, MB": memory}


def _get(ready: Ready, page: str) -> None:
    with urllib.request.urlopen(ready.inspector_url.rstrip("/") + page, timeout=30) as response:
        response.read()


def _timed(measures: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    return in_turn({name: partial(_milliseconds, measure) for name, measure in measures.items()}, rounds)


def _milliseconds(measure: Callable[[], object]) -> float:
    started = time.perf_counter()
    measure()
    return (time.perf_counter() - started) * 1000
