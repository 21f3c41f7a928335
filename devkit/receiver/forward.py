"""Forwards each recorded receipt to the developer's application. Vonage's response does not wait for it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Self
from zlib import crc32

from devkit.errors import DevkitError, PushError
from devkit.events import Notice, Publish
from devkit.events.session import Forwarded
from devkit.fixture.response_log import ResponseLog
from devkit.http.address import Address, Destination, path_of, readdress
from devkit.http.client import Connection
from devkit.webhook.callback import Callback

_QUEUES = 4  # receipts of one message share a queue, and so keep their order
_MAX_WAITING = 2_500  # receipts in a queue; all are on disk, so the dropped ones can be replayed
_DRAIN_SECONDS = 2.0  # for waiting receipts when the session ends
_STOP_SECONDS = 0.5  # to drop the others

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


_Queue = SimpleQueue[_Item | None]  # None is the last one


@dataclass(slots=True)
class _Backlog:
    """Which receipts the application has not answered, and the notices about it. Thread-safe.

    The methods return the text of a notice, mostly empty.
    """

    address: Address
    offered: int = 0
    _waiting: dict[int, None] = field(default_factory=dict)  # their numbers, in order
    _missed: set[int] = field(default_factory=set)
    _noticed: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self) -> int:
        """Add a receipt; returns its number."""
        with self._lock:
            self.offered += 1
            self._waiting[self.offered] = None
            return self.offered

    def miss(self, number: int) -> None:
        """Record that a receipt was not delivered."""
        with self._lock:
            self._waiting.pop(number, None)
            self._missed.add(number)

    def answered(self, number: int) -> str:
        """Record that a receipt was delivered."""
        with self._lock:
            self._waiting.pop(number, None)
            if "down" not in self._noticed:
                return ""
            self._noticed.clear()
            notice = f"{self.address} answers again. {self._advice()}"
            self._missed.clear()
            return notice

    def problem(self, kind: str, text: str) -> str:
        """A notice of receipts that are not forwarded, see `notice_once`."""
        return self.notice_once(kind, f"Not forwarded: {text} Receipts are recorded all the same.")

    def notice_once(self, kind: str, text: str) -> str:
        """A notice, only once for each kind until the application answers again."""
        with self._lock:
            if kind in self._noticed:
                return ""
            self._noticed.add(kind)
            return text

    def close(self) -> str:
        """The notice at the end, if not all receipts were delivered."""
        with self._lock:
            self._missed.update(self._waiting)
            return f"{self.address} did not get all receipts. {self._advice()}" if self._missed else ""

    def _advice(self) -> str:
        # Counted from the first one missed: the newest recordings include it, and perhaps some that were delivered.
        newest = self.offered - min(self._missed) + 1
        return f"It missed {len(self._missed)}; to send them: devkit replay latest:{newest} --to URL"


class Forwarder:
    """Forwards receipts while its `with` block runs. Takes them from any thread and does not block.

    Publishes one `Forwarded` event for each receipt, except for those that have no answer when the block ends.
    """

    def __init__(
        self,
        address: Address,
        publish: Publish,
        log: ResponseLog | None = None,
        *,
        max_waiting: int = _MAX_WAITING,
        idle_seconds: float = _IDLE_SECONDS,
        drain_seconds: float = _DRAIN_SECONDS,
    ) -> None:
        """log: where the application's responses are kept. max_waiting: receipts in each queue; more are dropped.

        idle_seconds: until a connection is closed. drain_seconds: at the end of the block, for the receipts that wait.
        """
        self._address = address
        self._publish = publish
        self._log = log
        self._max_waiting = max_waiting
        self._idle_seconds = idle_seconds
        self._drain_seconds = drain_seconds
        self._backlog = _Backlog(address)
        self._queues: tuple[_Queue, ...] = tuple(_Queue() for _ in range(_QUEUES))
        self._closing = threading.Event()
        self._workers = [
            threading.Thread(target=self._work, args=(queue,), name=f"forward-{number}", daemon=True)
            for number, queue in enumerate(self._queues)
        ]

    def offer(self, callback: Callback, message_id: str, file: str) -> None:
        """Forward a receipt after those before it. The event has the application's answer."""
        item = _Item(self._backlog.add(), callback, message_id, file)
        self._keep(lambda log: log.add_waiting(file))
        queue = self._queues[crc32(message_id.encode("utf-8", "replace")) % _QUEUES]
        if queue.qsize() < self._max_waiting:
            queue.put(item)
        else:
            self._miss(item, _TOO_SLOW)
            self._notify(self._backlog.problem("slow", f"{self._address}: {_TOO_SLOW}"))

    def __enter__(self) -> Self:
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        for queue in self._queues:
            queue.put(None)
        self._join(self._drain_seconds)
        self._closing.set()
        self._join(_STOP_SECONDS)  # a worker that still waits for an answer is abandoned
        self._notify(self._backlog.close())

    def _join(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for worker in self._workers:
            worker.join(max(0, deadline - time.monotonic()))

    def _work(self, queue: _Queue) -> None:
        destination = Destination(host=self._address.netloc, target=path_of(self._address))
        with Connection(self._address) as connection:
            while (item := self._next(queue, connection)) is not None:
                if self._closing.is_set():
                    self._miss(item, _ENDED)
                else:
                    self._send(connection, item, destination)

    def _next(self, queue: _Queue, connection: Connection) -> _Item | None:
        try:
            return queue.get(timeout=self._idle_seconds)
        except Empty:
            connection.close()
            return queue.get()

    def _send(self, connection: Connection, item: _Item, destination: Destination) -> None:
        try:
            response = connection.push(readdress(item.callback, destination))
        except DevkitError as error:  # also an address that turns out not to be on this machine
            self._miss(item, error.message, sent_again=isinstance(error, PushError) and error.sent_again)
            self._notify(self._backlog.problem("down", error.message))
            return
        milliseconds = round(response.seconds * 1000, 1)
        status, again = response.status, response.sent_again
        self._keep(
            lambda log: log.add_response(
                item.file, status, milliseconds, response.headers, response.body, sent_again=again
            )
        )
        self._publish(Forwarded(item.file, item.message_id, status, milliseconds, "", again))
        self._notify(self._backlog.answered(item.number))

    def _miss(self, item: _Item, problem: str, *, sent_again: bool = False) -> None:
        self._backlog.miss(item.number)
        self._keep(lambda log: log.add_failure(item.file, problem, sent_again=sent_again))
        self._publish(Forwarded(item.file, item.message_id, None, None, problem, sent_again))

    def _keep(self, write: Callable[[ResponseLog], None]) -> None:
        """Write to the log, before the event: who gets the event finds the response there."""
        try:
            if self._log:
                write(self._log)
        except OSError as error:  # a full disk: the application must get its receipts all the same
            reason = error.strerror or "they cannot be written"
            self._notify(
                self._backlog.notice_once("log", f"The application's responses are not kept: {reason}.")
            )

    def _notify(self, notice: str) -> None:
        if notice:
            self._publish(Notice(notice))
