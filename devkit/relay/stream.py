"""What an engine keeps: one stream of entries for each account. An engine is three calls: append, read and span."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from devkit.errors import RelayError

_LATEST = 253_402_300_799_000  # the end of the year 9999: anybody who may write can choose an id

EntryFields = Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """What the engine keeps under an id. Ids rise: milliseconds since 1970 by the engine's clock, and a counter."""

    id: str
    fields: EntryFields = field(repr=False)


@dataclass(frozen=True, slots=True)
class Span:
    """What the stream holds. first: the oldest entry that is kept. last: the newest id that was ever given.

    Both are empty where there is no stream; first also when nothing is kept. count: of the entries that are kept.
    """

    first: str = ""
    last: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class EngineState:
    """What `devkit relay check` judges; None for what this user may not ask.

    info: the engine's statistics. settings: those that decide what is on disk. clock: the engine's, in UTC.
    """

    info: Mapping[str, str] | None
    settings: Mapping[str, str] | None
    clock: datetime | None


class Engine(Protocol):
    """Keeps entries in the order in which they came, for all who read."""

    def append(self, entries: Sequence[EntryFields]) -> list[str | RelayError]:
        """Keep entries; the id or the error of each, in order. An id means that the entry is on the engine's disk."""

    def read(self, after: str, wait: float, count: int) -> list[StreamEntry]:
        """Entries after an id, at most `count`, oldest first; waits up to `wait` seconds for the first one.

        after: empty for the beginning. Entries that are no longer kept are skipped: compare with `span`.
        Raises RelayError.
        """

    def span(self) -> Span:
        """What the stream holds now. Raises RelayError."""


def account_name(api_key: str) -> str:
    """An account in the names of keys: the engine's other users need not learn the API key."""
    return hashlib.sha256(api_key.encode()).hexdigest()[:8]


def entry_time(entry_id: str) -> datetime:
    """When the engine took an entry, by its own clock, in UTC."""
    return datetime.fromtimestamp(min(id_parts(entry_id)[0], _LATEST) / 1000, UTC)


def id_parts(entry_id: str) -> tuple[int, int]:
    """An entry's id as numbers, to compare ids: milliseconds since 1970, and a counter. (0, 0) for an empty text."""
    milliseconds, _, counter = entry_id.partition("-")
    return int(milliseconds or 0), int(counter or 0)
