"""Senders of receipts, which collect those that were answered 200."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from devkit.fixture.format import load
from devkit.webhook.callback import CALLBACK_PATH, compose, to_wire
from devkit.webhook.receipt import Receipt

NUMBER = "447700900001"  # the recipient of all messages
DEADLINE = 60.0  # seconds for one response, on a busy machine


@dataclass(slots=True)
class Senders:
    """Threads with a connection each. acknowledged: the message ids that got a 200. answers: counted by status."""

    url: str
    prefix: str
    connections: int = 16
    each: int | None = None  # receipts for each connection; None: until the receiver ends
    target: str = CALLBACK_PATH
    acknowledged: set[str] = field(default_factory=set)
    answers: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0  # seconds
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, sender: int) -> None:
        place = urlsplit(self.url)
        numbers = count() if self.each is None else range(self.each)
        # The sender ends when the receiver does.
        with (
            suppress(OSError, EOFError),
            socket.create_connection((place.hostname, place.port), DEADLINE) as peer,
        ):
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number in numbers:
                message = f"{self.prefix}{sender:02X}{number:06X}"
                started = time.monotonic()
                peer.sendall(receipt(message, place.netloc, self.target))
                self._count(message, read_status(peer), time.monotonic() - started)

    def stop(self) -> None:
        """They end when they have sent all, or when the receiver ends."""

    def _count(self, message: str, status: int, seconds: float) -> None:
        with self._lock:
            self.answers[status] += 1
            self.slowest = max(self.slowest, seconds)
            if status == 200:
                self.acknowledged.add(message)


def receipt(message: str, host: str, target: str = CALLBACK_PATH, **more: str) -> bytes:
    """A request with a receipt. more: fields at its end."""
    fields = {
        "msisdn": NUMBER,
        "to": "AcmeInc",
        "network-code": "23410",
        "messageId": message,
        "price": "0.03330000",
        "status": "delivered",
        "scts": "2001011400",
        "err-code": "0",
        "message-timestamp": "2020-01-01 12:00:00",
        **more,
    }
    return to_wire(compose(fields, "form", target=target, host=host))


def read_status(peer: socket.socket) -> int:
    """Read a response without a body; its status."""
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        if not (part := peer.recv(4096)):
            raise EOFError
        answer += part
    return int(answer.split(b" ", 2)[1])


class _Sending(Protocol):
    """Senders of receipts: threads that each run `send`, until `stop` or until they have sent all."""

    connections: int

    def send(self, sender: int) -> None: ...

    def stop(self) -> None: ...


S = TypeVar("S", bound=_Sending)


@contextmanager
def sending(senders: S) -> Iterator[S]:
    """Run the senders during the block, and wait for them at its end."""
    with in_threads(senders.send, senders.connections, senders.stop):
        yield senders


def send_all(senders: S) -> S:
    """Run the senders until they have sent all."""
    with sending(senders):
        return senders


@contextmanager
def in_threads(run: Callable[[int], None], count: int, stop: Callable[[], None]) -> Iterator[None]:
    """Run something in so many threads, which get their number. At the end of the block, stop and join them."""
    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop()
        for thread in threads:
            thread.join(10 * DEADLINE)
        assert not any(thread.is_alive() for thread in threads)


def message_in(path: Path) -> str:
    """The message id in a recorded file; fails when the file is incomplete."""
    receipt = load(path).read()
    assert isinstance(receipt, Receipt), path
    return receipt.message_id
