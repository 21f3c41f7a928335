"""Passes each recorded receipt on to the developer's application, without holding up the answer to Vonage."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from zlib import crc32

from devkit.errors import DevkitError, PushError
from devkit.events import Notice, Publish
from devkit.events.session import Forwarded
from devkit.http.address import Address, Destination, path_of, readdress
from devkit.http.client import Connection
from devkit.webhook.callback import Callback

_LANES = 4  # receipts of one message share a lane, and so keep their order
_LONGEST = 2_500  # receipts that wait in a lane; all are on disk, so what is left out can be replayed
_LAST_SECONDS = 2.0  # for what still waits when the session ends
_LETTING_GO = 0.5  # seconds to leave out the rest

# Many servers close an idle connection after 2-5 s. A receipt that is sent in the same moment is sent again, and in
# rare cases handled twice; so older connections are not used again.
_IDLE_SECONDS = 1.0

_TOO_SLOW = "Too many receipts wait for the application."
_ENDED = "The session ended before its turn."


@dataclass(frozen=True, slots=True)
class _Item:
    """number: of the receipts offered, from 1."""

    number: int
    callback: Callback
    message_id: str
    file: str


_Lane = SimpleQueue[_Item | None]  # None is the last one


@dataclass(slots=True)
class _Backlog:
    """Which receipts the application has not answered, and what is to be said about it. Thread-safe."""

    address: Address
    offered: int = 0
    _waiting: dict[int, None] = field(default_factory=dict)  # their numbers, in order
    _missed: set[int] = field(default_factory=set)
    _said: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self) -> int:
        """The number of one more receipt."""
        with self._lock:
            self.offered += 1
            self._waiting[self.offered] = None
            return self.offered

    def miss(self, number: int) -> None:
        """This one will not get there."""
        with self._lock:
            self._waiting.pop(number, None)
            self._missed.add(number)

    def answered(self, number: int) -> str:
        """This one got there; what to say about it, mostly nothing."""
        with self._lock:
            self._waiting.pop(number, None)
            if "down" not in self._said:
                return ""
            self._said.clear()
            words = f"{self.address} answers again. {self._advice()}"
            self._missed.clear()
            return words

    def once(self, kind: str, words: str) -> str:
        """The words, if nothing of the kind was said since the application last came back."""
        with self._lock:
            if kind in self._said:
                return ""
            self._said.add(kind)
            return f"Not forwarded: {words} Receipts are recorded all the same."

    def close(self) -> str:
        """What to say at the end: nothing when all got there."""
        with self._lock:
            self._missed.update(self._waiting)
            return f"{self.address} did not get all receipts. {self._advice()}" if self._missed else ""

    def _advice(self) -> str:
        # Counted from the first one missed: the newest recordings hold it, and perhaps some that were taken.
        newest = self.offered - min(self._missed) + 1
        return f"It missed {len(self._missed)}; to send them: devkit replay latest:{newest} --to URL"


class Forwarder:
    """Takes receipts from any thread and returns at once. Each gets exactly one `Forwarded` event, but for those
    that the application sits on when the session ends. To be had from `forwarding`.
    """

    def __init__(self, address: Address, publish: Publish, longest: int, idle: float) -> None:
        self._longest = longest
        self._idle = idle
        self._address = address
        self._publish = publish
        self._backlog = _Backlog(address)
        self._lanes: tuple[_Lane, ...] = tuple(_Lane() for _ in range(_LANES))
        self._closing = threading.Event()
        self._workers = [
            threading.Thread(target=self._work, args=(lane,), name=f"forward-{number}", daemon=True)
            for number, lane in enumerate(self._lanes)
        ]

    def offer(self, callback: Callback, message_id: str, file: str) -> None:
        """Forward a receipt when those before it are through; an event tells what the application answered."""
        item = _Item(self._backlog.add(), callback, message_id, file)
        lane = self._lanes[crc32(message_id.encode("utf-8", "replace")) % _LANES]
        if lane.qsize() < self._longest:
            lane.put(item)
        else:
            self._miss(item, _TOO_SLOW)
            self._say(self._backlog.once("slow", f"{self._address}: {_TOO_SLOW}"))

    def start(self) -> None:
        for worker in self._workers:
            worker.start()

    def close(self, seconds: float) -> None:
        """Forward what waits for so long, leave out the rest, and say how much that is."""
        for lane in self._lanes:
            lane.put(None)
        self._join(seconds)
        self._closing.set()
        self._join(_LETTING_GO)  # one that sits on an answer is left behind
        self._say(self._backlog.close())

    def _join(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for worker in self._workers:
            worker.join(max(0, deadline - time.monotonic()))

    def _work(self, lane: _Lane) -> None:
        destination = Destination(host=self._address.netloc, target=path_of(self._address))
        with Connection(self._address) as connection:
            while (item := self._next(lane, connection)) is not None:
                if self._closing.is_set():
                    self._miss(item, _ENDED)
                else:
                    self._send(connection, item, destination)

    def _next(self, lane: _Lane, connection: Connection) -> _Item | None:
        try:
            return lane.get(timeout=self._idle)
        except Empty:
            connection.close()
            return lane.get()

    def _send(self, connection: Connection, item: _Item, destination: Destination) -> None:
        try:
            answer = connection.push(readdress(item.callback, destination))
        except DevkitError as error:  # also an address that turns out not to be on this machine
            self._miss(item, error.message, sent_again=isinstance(error, PushError) and error.sent_again)
            self._say(self._backlog.once("down", error.message))
            return
        milliseconds = round(answer.seconds * 1000, 1)
        self._publish(
            Forwarded(item.file, item.message_id, answer.status, milliseconds, "", answer.sent_again)
        )
        self._say(self._backlog.answered(item.number))

    def _miss(self, item: _Item, problem: str, *, sent_again: bool = False) -> None:
        self._backlog.miss(item.number)
        self._publish(Forwarded(item.file, item.message_id, None, None, problem, sent_again))

    def _say(self, words: str) -> None:
        if words:
            self._publish(Notice(words))


@contextmanager
def forwarding(
    address: Address,
    publish: Publish,
    *,
    longest: int = _LONGEST,
    idle: float = _IDLE_SECONDS,
    last_seconds: float = _LAST_SECONDS,
) -> Iterator[Forwarder]:
    """A forwarder that works while the block runs, and `last_seconds` longer for what still waits.

    longest: so many receipts may wait in each lane; more are left out. idle: seconds after which a connection
    that nothing goes over is closed.
    """
    forwarder = Forwarder(address, publish, longest, idle)
    forwarder.start()
    try:
        yield forwarder
    finally:
        forwarder.close(last_seconds)
