"""Which recorded receipts to list, and what to say of each. From file names alone, unless more is asked for."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from devkit.errors import FixtureError
from devkit.fixture import format_time, load
from devkit.receipt import Receipt
from devkit.redact import mask_number
from devkit.store import Entry, Store, read_name, safe
from devkit.vocabulary import meaning


@dataclass(frozen=True, slots=True)
class Filter:
    """Which receipts are wanted. status: one of these, any when empty. message: an id or its beginning.

    since: not recorded before. limit: the newest ones only, all when 0.
    """

    status: tuple[str, ...] = ()
    message: str = ""
    since: datetime | None = None
    limit: int = 0


def listing(store: Store, wanted: Filter) -> list[Entry]:
    """The recorded receipts that are wanted, newest last. Opens no file."""
    newest_first = _matching(store, wanted)
    return list(islice(newest_first, wanted.limit or None))[::-1]


def as_json(entry: Entry) -> dict[str, object]:
    """A recorded receipt for programs, read from its file; numbers are masked. problem: why there is no receipt."""
    row: dict[str, object] = {
        "file": str(entry.path),
        "recorded_at": format_time(entry.recorded_at),
        "status": entry.status,
        "message_id": entry.message_id,
    }
    try:
        fixture = load(entry.path)
    except FixtureError as error:
        return {**row, "problem": error.message}
    reading = fixture.read()
    if not isinstance(reading, Receipt):
        return {**row, "transport": fixture.callback.transport, "problem": reading.problem}
    return {
        **row,
        "status": reading.status,
        "message_id": reading.message_id,
        "err_code": reading.err_code,
        "meaning": meaning(reading.err_code, reading.status) if reading.err_code else "",
        "msisdn": mask_number(reading.text("msisdn")),
        "network": reading.text("network-code"),
        "client_ref": mask_number(reading.text("client-ref")),
        "signature": fixture.signature,
        "transport": fixture.callback.transport,
    }


def _matching(store: Store, wanted: Filter) -> Iterator[Entry]:
    """Newest first, a day at a time, so that whoever wants the newest few does not pay for all."""
    statuses = tuple(safe(status, 20) for status in wanted.status)
    message = safe(wanted.message, 40).lower()
    for day in store.days():
        if wanted.since and day.name < wanted.since.date().isoformat():
            return
        for entry in _on(day, statuses, message):
            if wanted.since and entry.recorded_at < wanted.since:
                return
            yield entry


def _on(day: Path, statuses: tuple[str, ...], message: str) -> Iterator[Entry]:
    for name in sorted(_likely_names(day, statuses, message), reverse=True):
        entry = read_name(day / name)
        if entry and (not message or entry.is_about(message)):
            yield entry


def _likely_names(day: Path, statuses: tuple[str, ...], message: str) -> list[str]:
    """The names that hold what is looked for: most are passed over before they are sorted and read."""
    try:
        names = os.listdir(day)
    except OSError:  # it has just gone, or is no directory
        return []
    if statuses:
        names = [name for name in names if any(f"Z-{status}-" in name for status in statuses)]
    return [name for name in names if f"-{message}" in name.lower()] if message else names
