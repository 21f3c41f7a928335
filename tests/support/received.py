"""An ear for events."""

import threading

from devkit.events import Event, Notice
from devkit.events.session import Forwarded
from tests.support.raw_socket import DEADLINE


class Heard:
    """Keeps events, and waits for them."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = threading.Condition()

    def __call__(self, event: Event) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    @property
    def forwarded(self) -> list[Forwarded]:
        return [event for event in self.events if isinstance(event, Forwarded)]

    @property
    def notices(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Notice)]

    def wait_for(self, forwarded: int = 0, notices: int = 0) -> None:
        with self._news:
            assert self._news.wait_for(
                lambda: len(self.forwarded) >= forwarded and len(self.notices) >= notices, DEADLINE
            ), self.events
