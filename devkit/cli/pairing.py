"""Pairs each receipt with the application's response, so that both are on one line. A receipt waits only a moment."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import ClassVar

from devkit.events import Event
from devkit.events.session import Forwarded, ReceiptTaken

_HELD = 0.5  # seconds; most applications have responded by then


@dataclass(slots=True)
class AnsweredReceipt(Event):
    """A receipt and the application's response to it; None when that was not there in time. at: when it was taken."""

    name: ClassVar[str] = "answered"
    receipt: ReceiptTaken
    answer: Forwarded | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)


class Pairing:
    """Events in their order. A receipt that is forwarded holds itself, and those after it, until its response is there.

    For one thread. clock: seconds.
    """

    def __init__(self, clock: Callable[[], float], held: float = _HELD) -> None:
        self._clock, self._held = clock, held
        self._events: deque[tuple[float, Event]] = (
            deque()
        )  # each with the time at which it is printed at the latest
        self._open: dict[str, AnsweredReceipt] = {}  # by file

    def add(self, event: Event) -> None:
        if isinstance(event, Forwarded) and event.file in self._open:
            self._open.pop(event.file).answer = event
        elif isinstance(event, ReceiptTaken) and event.forwarded:
            self._open[event.file] = pair = AnsweredReceipt(event)
            self._events.append((self._clock() + self._held, pair))
        else:
            self._events.append((0.0, event))

    def ready(self, *, at_end: bool = False) -> Iterator[Event]:
        """Take out what can be printed now. at_end: everything."""
        while self._events and (at_end or not self.seconds_left()):
            _, event = self._events.popleft()
            if isinstance(event, AnsweredReceipt):
                self._open.pop(event.receipt.file, None)
            yield event

    def seconds_left(self) -> float | None:
        """Seconds until the next event can be printed, 0 when it can be now; None without one."""
        if not self._events:
            return None
        due, event = self._events[0]
        if isinstance(event, AnsweredReceipt) and event.answer is None:
            return max(0.0, due - self._clock())
        return 0.0


def paired(
    queue: SimpleQueue[Event | None], *, clock: Callable[[], float] = time.monotonic, held: float = _HELD
) -> Iterator[Event]:
    """The events of a queue until None, each receipt with its response. clock, held: seconds."""
    pairing = Pairing(clock, held)
    while True:
        with suppress(Empty):
            event = queue.get(timeout=pairing.seconds_left())
            if event is None:
                break
            pairing.add(event)
        yield from pairing.ready()
    yield from pairing.ready(at_end=True)
