"""The events of a session, kept for the pages: bounded, and publishing never waits for a page."""

import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from devkit.events import Event, Publish
from devkit.events.session import ReceiptTaken, Sent
from devkit.webhook.timeline import SentMessage

_RECENT = 2_000  # events that a page can catch up on after a broken connection
_OF_A_KIND = 1_000  # a limit for each kind: a thousand receipts must not push out the one probe
_SUBSCRIBERS = 4  # each holds a thread of the server, and one of a browser's six connections
_PAUSE = 0.1  # seconds between two batches: a burst is sent as one


@dataclass(frozen=True, slots=True)
class ReplayDone(Event):
    """A recording was replayed from the page. edited: not sent as recorded. The rest is as in `replay.result`."""

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
        """The event's name; `replay` for a callback that was replayed to devkit's receiver and not recorded."""
        is_replay = isinstance(self.event, ReceiptTaken) and self.event.replay
        return "replay" if is_replay else self.event.name

    @property
    def file(self) -> str:
        """The recording that the event is about; empty without one."""
        return str(getattr(self.event, "file", ""))


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events after a number. last: the number to continue from. lost: some of the events are no longer kept."""

    last: int
    logged: tuple[LoggedEvent, ...]
    lost: bool = False


@dataclass(slots=True)
class Subscriber:
    """A page that gets events as they are published. For one thread."""

    event_log: "EventLog"
    last: int
    ended: bool = False

    def next(self, seconds: float) -> EventBatch | None:
        """Wait for new events; an empty batch after this time, None when the subscription has ended."""
        return self.event_log._wait(self, seconds)


@dataclass(slots=True)
class EventLog:
    """Takes events from any thread, returns at once, keeps the newest.

    then: gets each event after the log. earlier_sends: the messages of former sessions, oldest first.
    session: distinguishes the numbers of this log from those of an earlier session.
    At most four pages subscribe at a time: a new one ends the subscription of the oldest.
    """

    clock: Callable[[], datetime]
    then: Publish | None = None
    earlier_sends: Sequence[SentMessage] = ()
    session: str = field(default_factory=lambda: secrets.token_hex(4))
    _recent: deque[LoggedEvent] = field(default_factory=lambda: deque(maxlen=_RECENT))
    _kinds: dict[str, deque[LoggedEvent]] = field(default_factory=dict)
    _subscribers: list[Subscriber] = field(default_factory=list)
    _sends: dict[str, SentMessage] = field(default_factory=dict)
    _last: int = 0
    _closed: threading.Event = field(default_factory=threading.Event)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self._sends = {part: message for message in self.earlier_sends for part in message.parts}

    @property
    def last(self) -> int:
        """The number of the newest event, 0 before the first."""
        return self._last

    def cursor(self, number: int) -> str:
        """The position after an event, for a page to continue from."""
        return f"{self.session}-{number}"

    def publish(self, event: Event) -> None:
        """Keep an event and wake the subscribers."""
        with self._changed:
            self._last += 1
            logged = LoggedEvent(self._last, self.clock(), event)
            self._recent.append(logged)
            self._kinds.setdefault(logged.kind, deque(maxlen=_OF_A_KIND)).append(logged)
            if isinstance(event, Sent):
                at = datetime.fromisoformat(event.at) if event.at else logged.at
                message = SentMessage(at, event.message_ids, event.to)
                self._sends = {**self._sends, **dict.fromkeys(message.parts, message)}
            self._changed.notify_all()
        if self.then:
            self.then(event)

    def kept(self, kind: str) -> list[LoggedEvent]:
        """The events of a kind that are still kept, newest first."""
        with self._changed:
            return list(self._kinds.get(kind, ()))[::-1]

    def sends(self) -> Mapping[str, SentMessage]:
        """The messages that devkit sent, by message id: an entry for each part. It is another object after a send."""
        return self._sends

    def after(self, number: int) -> EventBatch:
        """The events after a number. A number that was never given out gets all that is kept, and `lost`."""
        with self._changed:
            return self._batch(number)

    @contextmanager
    def subscription(self, after: int | None = None) -> Iterator[Subscriber]:
        """Subscribe while the block runs. after: the number of the last known event, None for the newest."""
        with self._changed:
            subscriber = Subscriber(self, self._last if after is None else after)
            self._subscribers.append(subscriber)
            for oldest in self._subscribers[:-_SUBSCRIBERS]:
                oldest.ended = True
            self._subscribers = self._subscribers[-_SUBSCRIBERS:]
            self._changed.notify_all()
        try:
            yield subscriber
        finally:
            with self._changed:
                self._subscribers = [other for other in self._subscribers if other is not subscriber]

    def close(self) -> None:
        """End all subscriptions, now and later, so that their threads end."""
        self._closed.set()
        with self._changed:
            self._changed.notify_all()

    def _wait(self, subscriber: Subscriber, seconds: float) -> EventBatch | None:
        def due() -> bool:
            return self._last != subscriber.last or subscriber.ended or self._closed.is_set()

        with self._changed:
            has_events = self._changed.wait_for(due, seconds)
        if has_events:
            self._closed.wait(_PAUSE)
        with self._changed:
            if subscriber.ended or self._closed.is_set():
                return None
            batch = self._batch(subscriber.last)
            subscriber.last = batch.last
            return batch

    def _batch(self, number: int) -> EventBatch:
        if number > self._last or number < 0:  # the page knew another session
            return EventBatch(self._last, tuple(self._recent), lost=True)
        oldest = self._recent[0].number if self._recent else self._last + 1
        newer = tuple(logged for logged in self._recent if logged.number > number)
        return EventBatch(self._last, newer, lost=number + 1 < oldest)
