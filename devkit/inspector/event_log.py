"""What happens in a session, for pages that watch: bounded, and never in the way of whoever publishes."""

import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from devkit.events import Event, ReceiptTaken

_RECENT = 2_000  # happenings that a page which was away can catch up on
_OF_A_KIND = 1_000  # so that a thousand receipts do not wash the one probe away
_WATCHERS = 4  # each holds a thread of the server, and one of a browser's six connections
_PAUSE = 0.1  # seconds between two batches: a burst is told in one


@dataclass(frozen=True, slots=True)
class ReplayDone(Event):
    """A recording was sent again from the page. to: where; edited: not as it was recorded. The rest as in `outcome`."""

    name: ClassVar[str] = "replayed"
    file: str
    to: str
    edited: bool
    outcome: str
    answer: int | None
    ms: float | None
    problem: str
    hint: str


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event and when it was published. number: counts up from 1."""

    number: int
    at: datetime
    event: Event

    @property
    def kind(self) -> str:
        """The event's name; `replay` for a callback that was pushed again and not recorded."""
        return kind_of(self.event)


@dataclass(frozen=True, slots=True)
class EventBatch:
    """What happened since a page last heard. last: to ask from next time. lost: some of it is no longer kept."""

    last: int
    logged: tuple[LoggedEvent, ...]
    lost: bool = False


@dataclass(slots=True)
class Subscriber:
    """A page that is told at once. For one thread."""

    event_log: "EventLog"
    last: int
    ended: bool = False

    def next(self, seconds: float) -> EventBatch | None:
        """What is new, as soon as there is something; nothing new after so long; None when the watch is over."""
        return self.event_log._wait(self, seconds)


@dataclass(slots=True)
class EventLog:
    """Takes events from any thread and returns at once. Keeps the newest.

    session: tells the numbers of this feed from those of an earlier one.
    At most four pages watch at a time: the newest page wins, and the one that watched longest is sent away.
    """

    clock: Callable[[], datetime]
    watchers_allowed: int = _WATCHERS
    session: str = field(default_factory=lambda: secrets.token_hex(4))
    _recent: deque[LoggedEvent] = field(default_factory=lambda: deque(maxlen=_RECENT))
    _kinds: dict[str, deque[LoggedEvent]] = field(default_factory=dict)
    _watchers: list[Subscriber] = field(default_factory=list)
    _last: int = 0
    _closed: threading.Event = field(default_factory=threading.Event)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def last(self) -> int:
        """The number of the newest event, 0 before the first."""
        return self._last

    def publish(self, event: Event) -> None:
        """Keep an event and tell the pages that watch."""
        with self._changed:
            self._last += 1
            logged = LoggedEvent(self._last, self.clock(), event)
            self._recent.append(logged)
            self._kinds.setdefault(logged.kind, deque(maxlen=_OF_A_KIND)).append(logged)
            self._changed.notify_all()

    def kept(self, kind: str) -> list[LoggedEvent]:
        """The events of a kind that are still kept, newest first."""
        with self._changed:
            return list(self._kinds.get(kind, ()))[::-1]

    def after(self, number: int) -> EventBatch:
        """What happened after a number; all that is kept, and `lost`, for one that never was."""
        with self._changed:
            return self._batch(number)

    def subscribe(self, after: int | None = None) -> Subscriber:
        """Begin to watch. after: the number of the last event that is known; None for the newest."""
        with self._changed:
            watcher = Subscriber(self, self._last if after is None else after)
            self._watchers.append(watcher)
            for oldest in self._watchers[: -self.watchers_allowed]:
                oldest.ended = True
            self._watchers = self._watchers[-self.watchers_allowed :]
            self._changed.notify_all()
        return watcher

    def unsubscribe(self, watcher: Subscriber) -> None:
        """End a watch."""
        with self._changed:
            watcher.ended = True
            self._watchers = [other for other in self._watchers if other is not watcher]
            self._changed.notify_all()

    @contextmanager
    def watching(self, after: int | None = None) -> Iterator[Subscriber]:
        """A watch for the length of a block."""
        watcher = self.subscribe(after)
        try:
            yield watcher
        finally:
            self.unsubscribe(watcher)

    def close(self) -> None:
        """End all watches, now and later: their threads are wanted back."""
        self._closed.set()
        with self._changed:
            self._changed.notify_all()

    def _wait(self, watcher: Subscriber, seconds: float) -> EventBatch | None:
        def due() -> bool:
            return self._last != watcher.last or watcher.ended or self._closed.is_set()

        with self._changed:
            news = self._changed.wait_for(due, seconds)
        if news:
            self._closed.wait(_PAUSE)
        with self._changed:
            if watcher.ended or self._closed.is_set():
                return None
            batch = self._batch(watcher.last)
            watcher.last = batch.last
            return batch

    def _batch(self, number: int) -> EventBatch:
        if number > self._last or number < 0:  # the page knew another session
            return EventBatch(self._last, tuple(self._recent), lost=True)
        oldest = self._recent[0].number if self._recent else self._last + 1
        news = tuple(logged for logged in self._recent if logged.number > number)
        return EventBatch(self._last, news, lost=number + 1 < oldest)


def kind_of(event: Event) -> str:
    """What an event is to the pages."""
    return "replay" if isinstance(event, ReceiptTaken) and event.replay else event.name
