"""All recordings by their names, in memory, and a bounded cache of those that were read."""

import os
import threading
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path

from devkit.errors import FixtureError
from devkit.fixture.format import load
from devkit.fixture.store import NO_ID, UNPARSED, Entry, Store, id_in_name, is_recording, read_name
from devkit.inspector.row import Row, damaged_row, make_row
from devkit.webhook.signature import Method
from devkit.webhook.timeline import SentMessage, current_status
from devkit.webhook.vocabulary import INBOUND

Keys = tuple[str, ...]  # of recordings, oldest first

_NO_TEXTS: Mapping[str, tuple[str, ...]] = {}
_INBOUND = f"Z-{INBOUND}-"  # in the key of an inbound message

# Directory mtimes are coarse: a change within this time of a listing may not alter them.
_TICK = 50_000_000  # nanoseconds
# A day of 100,000 names takes 60 ms to list; at most this part of all time is spent on it.
_SHARE = 20
_CHEAP = 0.01  # seconds; a faster listing is never delayed


@dataclass(frozen=True, slots=True)
class _Day:
    """A listed directory. mtime: at that time, 0 when it must be listed again. due: when it may be, at the earliest."""

    keys: Keys
    mtime: int
    due: float


@dataclass(slots=True)
class Index:
    """The keys of all recordings, by day and by message. A key is a path in the store: `DAY/NAME.json`.

    `refresh` checks all directories and lists those that changed. For any thread.
    version: counts the changes, so that what was made of the index can be kept until the next one; inbound_version:
    those that were about inbound messages.
    """

    store: Store
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], int] = time.time_ns
    version: int = 0
    inbound_version: int = 0
    _days: dict[str, _Day] = field(default_factory=dict)
    _messages: dict[str, Keys] = field(default_factory=dict)
    _inbound: set[str] = field(default_factory=set)
    _sends: Mapping[str, SentMessage] = field(default_factory=dict)
    _joined: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NO_TEXTS)
    _texts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self) -> None:
        """Add new files and remove deleted ones."""
        with self._lock:
            found = {path.name: path for path in self.store.days()}
            for gone in self._days.keys() - found.keys():
                self._set_day(gone, _Day((), 0, 0))
                del self._days[gone]
            for name, path in found.items():
                self._refresh_day(name, path)

    def newest_first(self, before: str = "") -> Iterator[str]:
        """All keys. before: only the keys older than this one."""
        for day in sorted(self._days, reverse=True):
            if before and day > before[: len(day)]:
                continue
            known = self._days.get(day)
            keys = known.keys if known else ()
            end = bisect_left(keys, before) if before.startswith(day) else len(keys)
            yield from reversed(keys[:end])

    def inbound_keys(self, limit: int) -> list[str]:
        """The newest inbound messages, oldest first."""
        return sorted(self._inbound)[-limit:]

    def group(
        self, sends: Mapping[str, SentMessage], joined: Mapping[str, tuple[str, ...]] = _NO_TEXTS
    ) -> None:
        """Take the parts of each text as one message. sends: what devkit sent, by message id.

        joined: the parts of inbound texts, by the name of each, as `id_in_name` makes it.
        """
        if sends is self._sends and joined is self._joined:
            return
        texts: dict[str, tuple[str, ...]] = dict(joined)
        for message in sends.values():
            if len(message.parts) > 1:
                names = tuple(map(id_in_name, message.parts))
                texts |= dict.fromkeys(names, names)
        self._sends, self._joined, self._texts = sends, joined, texts

    def message_of(self, key: str) -> Keys:
        """The keys of all receipts of the message that a key belongs to, with those of all its parts, oldest first."""
        return in_order(self.parts_of(key))

    def parts_of(self, key: str) -> list[Keys]:
        """The same, part by part. It is one part if devkit did not send the message as several."""
        name = name_of(key)
        return [self._messages.get(part, ()) for part in self._texts.get(name, (name,))]

    def part_of(self, key: str) -> Keys:
        """The keys of all receipts with the message id of a key, oldest first."""
        return self._messages.get(name_of(key), ())

    def count(self) -> int:
        """The number of recordings."""
        return sum(len(day.keys) for day in list(self._days.values()))

    def message_count(self) -> int:
        """The number of messages; a recording that belongs to none counts as one."""
        parts = [name for name in self._texts if name in self._messages]
        return len(self._messages) - len(parts) + len({self._texts[name] for name in parts})

    def _refresh_day(self, name: str, path: Path) -> None:
        known = self._days.get(name)
        try:
            mtime = os.stat(path).st_mtime_ns
            started = self.clock()
            if known and (known.mtime == mtime or started < known.due):
                return
            listed_at = self.wall()
            names = os.listdir(path)
        except OSError:  # deleted a moment ago
            return
        keys = tuple(sorted(f"{name}/{each}" for each in names if is_recording(each)))
        took = self.clock() - started
        due = started + took * _SHARE if took > _CHEAP else 0
        self._set_day(name, _Day(keys, mtime if listed_at - mtime > _TICK else 0, due))

    def _set_day(self, name: str, day: _Day) -> None:
        before = set(self._days[name].keys) if name in self._days else set()
        grouped: dict[str, list[str]] = {}
        inbound = {key for key in day.keys if _INBOUND in key}
        if inbound != (was_inbound := {key for key in before if _INBOUND in key}):
            self._inbound = (self._inbound - was_inbound) | inbound
            self.inbound_version += 1
        for key in day.keys:
            if key not in before:
                grouped.setdefault(name_of(key), []).append(key)
        for message, keys in grouped.items():
            known = self._messages.get(message)
            self._messages[message] = tuple(sorted((*known, *keys)) if known else keys)
        gone = before.difference(day.keys)
        for message in {name_of(key) for key in gone}:  # one may have thousands of receipts
            left = tuple(key for key in self._messages.pop(message, ()) if key not in gone)
            if left:
                self._messages[message] = left
        self._days[name] = day
        self.version += bool(grouped or gone)


def entry_of(store: Store, key: str) -> Entry | None:
    """What a key says; None for a name that devkit did not make."""
    day, _, name = key.partition("/")
    return read_name(store.recorded / day / name)


def key_of(store: Store, file: str) -> str:
    """The key of a recording by its path, as events name it; empty for any other path."""
    try:
        return Path(file).relative_to(store.recorded).as_posix() if file else ""
    except ValueError:
        return ""


def key_at(moment: datetime) -> str:
    """The beginning of the keys of a moment, UTC."""
    return f"{moment.year:04}-{moment:%m-%d/%H%M%S.%f}"  # %Y has no leading zeros


# The next three are faster than `entry_of`, since the overview asks them of 20,000 keys:
# 2026-11-23/134547.123456Z-delivered-0A0000001234567B-1a2b3c.json


def moment_of(key: str) -> datetime:
    """When a recording was made, UTC."""
    return datetime.fromisoformat(f"{key[:10]}T{key[11:13]}:{key[13:15]}:{key[15:24]}+00:00")


def status_of(key: str) -> str:
    """The status in a key, UNPARSED for a recording that is no receipt."""
    return key.split("-")[3]


def part_statuses(parts: Iterable[Sequence[str]]) -> list[str]:
    """The current status of each part by the keys of its receipts; empty for a part without a readable one."""
    return [current_status(status for status in map(status_of, keys) if status != UNPARSED) for keys in parts]


def in_order(parts: Sequence[Keys]) -> Keys:
    """The keys of all parts, oldest first."""
    return parts[0] if len(parts) == 1 else tuple(sorted(chain(*parts)))


def is_alone(key: str) -> bool:
    """Whether a key belongs to no message."""
    return key.split("-")[4] == NO_ID


def name_of(key: str) -> str:
    """The message id in a key, as `id_in_name` makes it; the key itself for a recording that belongs to no message."""
    message = key.split("-")[4]
    return key if message == NO_ID else message


_MAX_ROWS = 20_000  # rows, about a kilobyte each


@dataclass(slots=True)
class Rows:
    """Reads recordings, and keeps the rows that were used last. For any thread."""

    store: Store
    secret: str = field(default="", repr=False)
    method: Method = "md5hash"
    limit: int = _MAX_ROWS
    _rows: OrderedDict[str, Row] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def path(self, key: str) -> Path:
        return self.store.recorded / key

    def knows(self, key: str) -> bool:
        """Whether a row is kept, so that no file is opened for it."""
        return key in self._rows

    def read(self, key: str) -> Row | None:
        """The row of a recording; None when the file was deleted."""
        with self._lock:
            if key in self._rows:
                self._rows.move_to_end(key)
                return self._rows[key]
        row = self._load(key)
        if row is not None:
            with self._lock:
                self._rows[key] = row
                while len(self._rows) > self.limit:
                    self._rows.popitem(last=False)
        return row

    def _load(self, key: str) -> Row | None:
        entry = entry_of(self.store, key)
        path = self.path(key)
        if entry is None or not path.is_file():
            return None
        try:
            return make_row(key, load(path), self.secret, self.method)
        except FixtureError as error:
            return damaged_row(key, entry.recorded_at, error.message.removeprefix(f"{path}: "))
