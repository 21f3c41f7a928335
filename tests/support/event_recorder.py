"""Records the events that a session or a tunnel publishes."""

import threading
from collections.abc import Callable
from typing import TypeVar

from devkit.events import Event, Notice
from devkit.events.session import Forwarded
from devkit.tunnel.types import TunnelEvent
from tests.support.raw_socket import DEADLINE

E = TypeVar("E", bound=Event)


class EventRecorder:
    """Keeps the events that it is called with, and waits for them. Thread-safe."""

    def __init__(self) -> None:
        self.events: list[Event | TunnelEvent] = []
        self._news = threading.Condition()

    def __call__(self, event: Event | TunnelEvent) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    @property
    def forwarded(self) -> list[Forwarded]:
        return self.of(Forwarded)

    @property
    def notices(self) -> list[str]:
        return [event.text for event in self.of(Notice)]

    @property
    def states(self) -> list[str]:
        return [event.state for event in self.tunnel_events]

    @property
    def tunnel_events(self) -> list[TunnelEvent]:
        return [event for event in self.events if isinstance(event, TunnelEvent)]

    def of(self, kind: type[E]) -> list[E]:
        """Those of one type."""
        return [event for event in self.events if isinstance(event, kind)]

    def wait_for(self, forwarded: int = 0, notices: int = 0) -> None:
        """At least so many of them."""
        self.wait_until(lambda: len(self.forwarded) >= forwarded and len(self.notices) >= notices)

    def wait_for_states(self, *states: str) -> TunnelEvent:
        """The newest event of a tunnel, once it has published exactly these states."""
        self.wait_until(lambda: len(self.states) >= len(states))
        assert list(states) == self.states
        return self.tunnel_events[-1]

    def wait_until(self, condition: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(condition, 2 * DEADLINE), self.events
