"""The public part of a session in this process: a receiver with its recorder and store."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from devkit.events import Event
from devkit.fixture.store import Store
from devkit.http.server import listen
from devkit.receiver.app import TokenAccess, serve_receiver
from devkit.receiver.recorder import Recorder

TOKEN = "t0ken_of-this-project"


@dataclass(slots=True)
class Running:
    """A running receiver. events: as a session gets them. place: the address."""

    store: Store
    place: tuple[str, int]
    events: list[Event] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.place[0]}:{self.place[1]}"

    def named(self, name: str) -> list[Event]:
        return [event for event in self.events if event.name == name]

    def connect(self) -> socket.socket:
        return socket.create_connection(self.place, 60)


@contextmanager
def receiver_in(root: Path, *, timeout: float = 30, **options: Any) -> Iterator[Running]:
    """Serve during the block, as in a session. options: of the recorder."""
    listener = listen("127.0.0.1", 0)
    running = Running(Store(root), listener.getsockname())
    running.store.prepare()
    recorder = Recorder(running.store, running.events.append, _now, "n0nce", **options)
    with serve_receiver(recorder.handle_batch, listener, TokenAccess(TOKEN), timeout=timeout):
        yield running


def _now() -> datetime:
    return datetime.now(UTC)
