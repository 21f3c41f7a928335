"""Senders that do as Vonage does: a webhook that is not answered 200 is sent again, until it is."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from reliability.load import read_status, receipt

_TIMEOUT = 60.0  # seconds until a webhook must be kept
_ANSWER = 15.0  # seconds that Vonage waits for an answer
_AGAIN = 0.03  # seconds until it is sent again; Vonage takes much longer


@dataclass(slots=True)
class RelaySenders:
    """Threads with a connection each, to the receivers in turn. Each attempt to send a receipt is marked in it.

    ports: of the receivers. targets: the path of each owner. each: receipts of a connection; None: until `stop`.
    pause: seconds after each 200. sent: the owner of each message. acknowledged: the attempts that were answered 200.
    answers: counted by status; 0 for none.
    """

    ports: Sequence[int]
    targets: dict[str, str]
    prefix: str = "A"
    connections: int = 16
    each: int | None = None
    pause: float = 0.04
    sent: dict[str, str] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    answers: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    unanswered: list[str] = field(default_factory=list)  # messages that were never answered 200
    _stopped: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def repeated(self) -> int:
        """How many attempts were not answered 200."""
        return self.answers.total() - self.answers[200]

    def send(self, sender: int) -> None:
        owner = list(self.targets)[sender % len(self.targets)]
        connection = _Connection(self.ports, sender)
        for number in count() if self.each is None else range(self.each):
            if self._stopped.is_set():
                break
            message = f"{self.prefix}{sender:02X}{number:06X}"
            self.sent[message] = owner
            if not self._send_until_kept(message, self.targets[owner], connection):
                self.unanswered.append(message)
                break
            time.sleep(self.pause)  # the pace
        connection.close()

    def stop(self) -> None:
        """Each finishes its receipt; senders of a number of receipts finish them all."""
        if self.each is None:
            self._stopped.set()

    def _send_until_kept(self, message: str, target: str, connection: "_Connection") -> bool:
        deadline = time.monotonic() + _TIMEOUT
        for number in count():
            if time.monotonic() > deadline:
                return False
            attempt = f"{message}.{number}"
            started = time.monotonic()
            status = connection.send(receipt(message, "dlr.example.com", target, attempt=attempt))
            self._count(attempt, status, time.monotonic() - started)
            if status == 200:
                return True
            time.sleep(_AGAIN)
        raise AssertionError

    def _count(self, attempt: str, status: int, seconds: float) -> None:
        with self._lock:
            self.answers[status] += 1
            if status:
                self.slowest = max(self.slowest, seconds)
            if status == 200:
                self.acknowledged.add(attempt)


class _Connection:
    """A connection to one of the receivers, and to the next one when that does not answer."""

    def __init__(self, ports: Sequence[int], first: int) -> None:
        self._ports, self._next = ports, first
        self._peer: socket.socket | None = None

    def send(self, request: bytes) -> int:
        """The status of the response; 0 without one."""
        try:
            if self._peer is None:
                port = self._ports[self._next % len(self._ports)]
                self._peer = socket.create_connection(("127.0.0.1", port), _ANSWER)
                self._peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peer.sendall(request)
            return read_status(self._peer)
        except (OSError, EOFError):
            self._next += 1
            self.close()
            return 0

    def close(self) -> None:
        peer, self._peer = self._peer, None
        if peer:
            peer.close()


def wait_for_more(senders: RelaySenders, count: int, status: int = 200) -> None:
    """Wait until so many more attempts were answered so."""
    wanted, deadline = senders.answers[status] + count, time.monotonic() + _TIMEOUT
    while senders.answers[status] < wanted:
        assert time.monotonic() < deadline, f"no {count} x {status}: {senders.answers}"
        time.sleep(0.01)
