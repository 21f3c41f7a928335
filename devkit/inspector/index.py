"""An index of all recorded files in memory, and a bounded cache of those that were read."""

import os
import threading
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

from devkit.errors import FixtureError
from devkit.fixture.format import Fixture, load
from devkit.fixture.store import Entry, Store, is_recording, read_name
from devkit.webhook.callback import Transport
from devkit.webhook.masking import mask_number
from devkit.webhook.receipt import Receipt, Unreadable
from devkit.webhook.signature import Method, Verdict, verify
from devkit.webhook.vocabulary import ERR_CODES, STATUSES, WITHOUT_ERROR, meaning

# A directory's time has the kernel's tick: a change soon after a look may leave it as it was.
_TICK = 50_000_000  # nanoseconds
# A day of 100,000 names takes 60 ms to list; at most this part of all time goes into that.
_SHARE = 20
_CHEAP = 0.01  # seconds; a listing as quick as this is always made

_ALONE = "noid"  # the store's word for a receipt without a message id


@dataclass(frozen=True, slots=True)
class _Day:
    """A day as it was listed. stamp: the directory's time then, 0 when it must be listed again. due: not before."""

    keys: tuple[str, ...]
    stamp: int
    due: float


@dataclass(slots=True)
class Index:
    """Looks at the directories again with each `refresh`, but lists only those that changed. For any thread."""

    store: Store
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], int] = time.time_ns
    _days: dict[str, _Day] = field(default_factory=dict)
    _messages: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self) -> None:
        """Take notice of files that came or went."""
        with self._lock:
            found = {path.name: path for path in self.store.days()}
            for gone in self._days.keys() - found.keys():
                self._change(gone, _Day((), 0, 0))
                del self._days[gone]
            for name, path in found.items():
                self._look(name, path)

    def newest_first(self, before: str = "") -> Iterator[str]:
        """The keys, those before a key only, if one is given."""
        for day in sorted(self._days, reverse=True):
            if before and day > before[: len(day)]:
                continue
            known = self._days.get(day)
            keys = known.keys if known else ()
            end = bisect_left(keys, before) if before.startswith(day) else len(keys)
            yield from reversed(keys[:end])

    def message_of(self, key: str) -> tuple[str, ...]:
        """The keys of all receipts of the message that a key belongs to, oldest first."""
        return self._messages.get(_message(key), ())

    def count(self) -> int:
        """How many recordings there are."""
        return sum(len(day.keys) for day in list(self._days.values()))

    def _look(self, name: str, path: Path) -> None:
        known = self._days.get(name)
        try:
            stamp = os.stat(path).st_mtime_ns
        except OSError:  # it has just gone
            return
        started = self.clock()
        if known and (known.stamp == stamp or started < known.due):
            return
        seen = self.wall()
        try:
            names = os.listdir(path)
        except OSError:
            return
        keys = tuple(sorted(f"{name}/{each}" for each in names if is_recording(each)))
        took = self.clock() - started
        due = started + took * _SHARE if took > _CHEAP else 0
        self._change(name, _Day(keys, stamp if seen - stamp > _TICK else 0, due))

    def _change(self, name: str, day: _Day) -> None:
        before = set(self._days[name].keys) if name in self._days else set()
        grouped: dict[str, list[str]] = {}
        for key in day.keys:
            if key not in before:
                grouped.setdefault(_message(key), []).append(key)
        for message, keys in grouped.items():
            known = self._messages.get(message)
            self._messages[message] = tuple(sorted((*known, *keys)) if known else keys)
        gone = before.difference(day.keys)
        for message in {_message(key) for key in gone}:  # one may have thousands of receipts
            left = tuple(key for key in self._messages.pop(message, ()) if key not in gone)
            if left:
                self._messages[message] = left
        self._days[name] = day


def entry_of(store: Store, key: str) -> Entry | None:
    """What a key says; None for one that devkit did not make."""
    day, _, name = key.partition("/")
    return read_name(store.recorded / day / name)


def key_of(store: Store, file: str) -> str:
    """The key of a recording by its path, as events tell it; empty for what is none."""
    try:
        return Path(file).relative_to(store.recorded).as_posix() if file else ""
    except ValueError:
        return ""


def status_of(key: str) -> str:
    """The status in a key, `unparsed` for what is no receipt."""
    return key.split("-")[3]


def is_alone(key: str) -> bool:
    """Whether a key belongs to no message."""
    return key.split("-")[4] == _ALONE


def _message(key: str) -> str:
    # 2026-11-23/134547.123456Z-delivered-0A0000001234567B-1a2b3c.json
    message = key.split("-")[4]
    return key if message == _ALONE else message


_KEPT = 20_000  # rows, about a kilobyte each
_SEARCHED = 4_000  # characters of a receipt; one has a few hundred


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """A receipt in short. status: empty for what is none; then problem says why. text: what a search looks at."""

    key: str
    at: datetime
    message_id: str
    status: str
    err_code: str
    msisdn: str
    network: str
    transport: Transport
    signature: Verdict
    problem: str
    text: str

    @property
    def meaning(self) -> str:
        """The err-code in words; empty when it says nothing that the status does not."""
        if not self.err_code or (self.err_code == "0" and self.status in WITHOUT_ERROR):
            return ""
        return meaning(self.err_code, self.status)

    def number(self, *, whole: bool) -> str:
        """The recipient, masked unless it is asked for whole."""
        return self.msisdn if whole else mask_number(self.msisdn)


@dataclass(slots=True)
class Rows:
    """Reads recordings and remembers the rows of those asked for last. For any thread."""

    store: Store
    secret: str = field(default="", repr=False)
    method: Method = "md5hash"
    limit: int = _KEPT
    _rows: OrderedDict[str, Row] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def path(self, key: str) -> Path:
        return self.store.recorded / key

    def knows(self, key: str) -> bool:
        """Whether a row is remembered, so that it costs nothing."""
        return key in self._rows

    def read(self, key: str) -> Row | None:
        """The row of a recording; None when the file has gone."""
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
            problem = f"The file cannot be read: {error.message.removeprefix(f'{path}: ')}"
            return Row(key, entry.recorded_at, "", "", "", "", "", "get", "absent", problem, problem.lower())


def make_row(key: str, fixture: Fixture, secret: str, method: Method) -> Row:
    """The row of a fixture. secret, method: to check a signature that nobody looked at when it was recorded."""
    reading = fixture.read()
    receipt = reading if isinstance(reading, Receipt) else Receipt({})
    return Row(
        key=key,
        at=fixture.recorded_at,
        message_id=receipt.message_id,
        status=receipt.status,
        err_code=receipt.err_code,
        msisdn=receipt.text("msisdn"),
        network=receipt.text("network-code"),
        transport=fixture.callback.transport,
        signature=fixture.signature or verify(receipt.fields, secret, method),
        problem=reading.problem if isinstance(reading, Unreadable) else "",
        text=_searched(key, fixture, receipt),
    )


def _searched(key: str, fixture: Fixture, receipt: Receipt) -> str:
    lines = [f"{name}={receipt.text(name)}" for name in receipt.fields]
    if receipt.err_code in ERR_CODES and receipt.err_code != "0":
        lines.append(ERR_CODES[receipt.err_code].name)
    if receipt.status in STATUSES:
        lines.append(STATUSES[receipt.status].meaning)
    if not lines:
        lines = [unquote(fixture.callback.target), fixture.callback.body.decode("utf-8", "replace")]
    return "\n".join([*lines, key])[:_SEARCHED].lower()
