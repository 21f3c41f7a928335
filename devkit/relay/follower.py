"""Follows the relay: writes each receipt of a selection to a file, then moves the position past it.

In this order, and with names of files made from the ids of entries: what is read twice is one file, and is shown once.
After each read the oldest entry is compared with the position, because the engine skips what it no longer has silently.
"""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from devkit.errors import RelayError, StoreError
from devkit.events import Notice, Publish
from devkit.events.relay import CaughtUp, RelayChange, RelayChanged
from devkit.events.session import NotRecorded
from devkit.fixture.store import Store
from devkit.relay.engine import BLOCK_SECONDS
from devkit.relay.position import Missing, utc
from devkit.relay.reader import Batch, Received, RelayReader
from devkit.relay.record_once import Identified, record_once
from devkit.relay.stream import Span, entry_time, id_parts

_POLL_INTERVAL = 0.2  # seconds
_DELAYS = (1.0, 2.0, 5.0)  # seconds between two attempts; the last one repeats

TakeRecorded = Callable[[Received, str], None]  # gets a receipt and its new file
MovePosition = Callable[[str], None]


class Stoppable(Protocol):
    """What ends a run, such as a `Shutdown`."""

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds` for a request to stop; return whether there is one."""


@dataclass(frozen=True, slots=True)
class Following:
    """What is followed, in words. relay: its address, without a password. account: its name on the engine."""

    relay: str
    account: str
    who: str


@dataclass(slots=True)
class Follower:
    """Follows the relay in a thread of its own, because a read waits for seconds and Ctrl-C must not.

    take: gets each receipt that was not on disk before, when it is. move: keeps the position. Its errors, and those of
    a full disk, are published, and it is tried again. counts: all that was read, by owner. is_lost: whether the relay
    does not answer now.
    """

    following: Following
    reader: RelayReader
    store: Store
    publish: Publish
    take: TakeRecorded
    move: MovePosition
    wait: float = BLOCK_SECONDS
    delays: tuple[float, ...] = _DELAYS
    counts: Counter[str] = field(default_factory=Counter)
    is_lost: bool = False
    _target: str | None = None  # the newest entry when the relay was reached; None when it is read
    _caught_up: Counter[str] = field(default_factory=Counter)
    _kept: int = 0
    _failures: int = 0
    _is_disk_error_published: bool = False
    _missing: Missing | None = None  # the last one that was published
    _error: Exception | None = None
    _ended: threading.Event = field(default_factory=threading.Event)
    _working: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    def reach(self, span: Span) -> None:
        """The relay answers: say what it holds, and remember how far to catch up."""
        self._target = span.last
        self._caught_up.clear()
        self._publish_change(
            "live",
            kept=span.count,
            kept_since=utc(entry_time(span.first)) if span.first else "",
            recorded=str(self.store.recorded),
        )

    def start(self) -> None:
        """Follow in a thread, until `stop`."""
        self._thread = threading.Thread(target=self._follow, name="relay", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """End after what is being written. A read that still waits is abandoned: nothing of it is written."""
        self._ended.set()
        with self._working:
            pass

    def check(self) -> None:
        """Raise what ended the thread."""
        if self._error:
            raise self._error

    @property
    def left_out(self) -> int:
        """The receipts that were read and not kept, because they are for others."""
        return sum(self.counts.values()) - self._kept - self.counts["unreadable"]

    def run(self, stop: Stoppable, *, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Follow until `stop`, which waits. Raises what ended the following. meanwhile: called again and again."""
        self.start()
        try:
            while self.is_running and not stop.wait(_POLL_INTERVAL):
                meanwhile()
        finally:
            self.stop()
        self.check()

    def _follow(self) -> None:
        try:
            while not self._ended.is_set():
                self._step()
        except Exception as error:  # noqa: BLE001 - also a bug: the main thread raises it
            self._error = error

    def _step(self) -> None:
        try:
            batch = self.reader.read(self.wait if self._target is None else 0)
        except RelayError as error:
            self._lose(error)
            return
        with self._working:
            if self._ended.is_set():
                return
            if self.is_lost:
                self.is_lost, self._failures = False, 0
                self.reach(batch.span)
            self._handle(batch)
        if batch.failure:
            raise batch.failure

    def _handle(self, batch: Batch) -> None:
        if (missing := batch.missing) and missing != self._missing:  # the same again while the disk is full
            self._missing = missing
            self._publish_change(missing.kind, since=utc(missing.since), until=utc(missing.until))
        try:
            recorded = self._record(batch.received)
            if batch.position != self.reader.position:
                self.move(batch.position)
        except StoreError as error:
            self._publish_disk_error(error, batch.span)
            return
        self._is_disk_error_published, self._failures = False, 0
        self.reader.position = batch.position
        if batch.skipped:
            more = f" And {len(batch.skipped) - 1} more." if len(batch.skipped) > 1 else ""
            self.publish(Notice(f"Skipped: {batch.skipped[0].message}{more}"))
        self._caught_up.update(batch.counts)
        self._caught_up.update(recorded)
        self._kept += sum(recorded.values())
        self.counts.update(batch.counts)
        if self._target is not None and self._has_reached(self._target, batch):
            self._publish_caught_up()

    def _record(self, received: list[Received]) -> Counter[str]:
        """Write receipts to files, and pass the new ones on. Raises StoreError when not all are on disk."""
        results = record_once(self.store, [self._identified(each) for each in received])
        counts, errors = Counter[str](), []
        for each, result in zip(received, results, strict=True):
            if isinstance(result, StoreError):
                errors.append(result)
                continue
            counts["recorded" if result.is_new else "present"] += 1
            if result.is_new:
                self.take(each, result.path)
        if errors:
            raise errors[0]
        return counts

    def _identified(self, each: Received) -> Identified:
        identity = hashlib.sha256(f"{self.following.account} {each.id}".encode()).hexdigest()
        return Identified((each.fixture, each.fixture.read()), identity)

    def _has_reached(self, target: str, batch: Batch) -> bool:
        """Whether all that the relay had is read. It may have lost some of it since, so an empty batch says it too."""
        is_empty = not batch.counts and not batch.missing
        return not batch.failure and (is_empty or id_parts(batch.position) >= id_parts(target))

    def _publish_caught_up(self) -> None:
        counts, self._target = self._caught_up, None
        owners = {name: counts[name] for name in ("mine", "unclaimed", "others")}
        self.publish(
            CaughtUp(
                receipts=sum(owners.values()) + counts["unreadable"],
                **owners,
                recorded=counts["recorded"],
                present=counts["present"],
                unreadable=counts["unreadable"],
            )
        )

    def _lose(self, error: RelayError) -> None:
        if self._ended.is_set():  # the connection was closed
            return
        if not self.is_lost:
            self.is_lost = True
            self._publish_change("reconnecting", detail=error.message, since=utc(datetime.now(UTC)))
        self._pause()

    def _publish_change(self, state: RelayChange, **facts: Any) -> None:
        self.publish(RelayChanged(state, self.following.relay, self.following.who, **facts))

    def _publish_disk_error(self, error: StoreError, span: Span) -> None:
        if not self._is_disk_error_published:
            self._is_disk_error_published = True
            self.publish(NotRecorded(error.message, error.hint))
        if self._target is None:
            self.reach(span)  # it is behind until all of this is recorded
        self._pause()

    def _pause(self) -> None:
        self._ended.wait(self.delays[min(self._failures, len(self.delays) - 1)])
        self._failures += 1
