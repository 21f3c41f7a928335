"""Forwards each recorded receipt to the developer's application. Vonage's response does not wait for it."""

import shlex
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from devkit.errors import DevkitError, PushError
from devkit.events import Notice, Publish
from devkit.events.session import Forwarded
from devkit.fixture.response_log import ResponseLog, missed, recording_key
from devkit.http.address import Address, Destination, path_of, readdress
from devkit.http.client import Response
from devkit.http.connection_pool import IDLE_SECONDS, ConnectionPool
from devkit.webhook.callback import Callback
from devkit.webhook.masking import counted

_WORKERS = 16  # receipts that are sent at once: a slow response holds up the receipts of its message only
_MAX_WAITING = 10_000  # receipts; all are on disk, so those that are dropped can be replayed
_DRAIN_SECONDS = 2.0  # for waiting receipts when the session ends
_STOP_SECONDS = 0.5  # for a response that arrives at the last moment

_TOO_SLOW = "Too many receipts wait for the application."
_ENDED = "The session ended before the application answered."


@dataclass(frozen=True, slots=True)
class _Item:
    callback: Callback
    message_id: str
    file: str

    @property
    def message(self) -> str:
        """What the receipts of one message share."""
        return self.message_id or self.file


class _Queue:
    """Receipts that wait for their turn: one at a time of each message, in order. Thread-safe."""

    def __init__(self) -> None:
        self.waiting = 0
        self._messages: dict[str, deque[_Item]] = {}  # the first of each is ready, or being sent
        self._ready: deque[_Item] = deque()
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: _Item) -> None:
        with self._changed:
            self.waiting += 1
            items = self._messages.setdefault(item.message, deque())
            items.append(item)
            if len(items) == 1:
                self._make_ready(item)

    def take(self, timeout: float | None) -> _Item | None:
        """The next receipt, which is being sent until `done`; None after the time-out and when the queue has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._closed, timeout)
            if not self._ready:
                return None
            self.waiting -= 1
            return self._ready.popleft()

    def done(self, item: _Item) -> None:
        """The receipt was sent, so the next one of its message can be."""
        with self._changed:
            if not (items := self._messages.get(item.message)):  # the queue was emptied
                return
            items.popleft()
            if items:
                self._make_ready(items[0])
            else:
                del self._messages[item.message]

    def close(self) -> None:
        """Nothing more is put. What is there can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def has_ended(self) -> bool:
        """Whether nothing more can be taken, but for what follows a receipt that is being sent."""
        return self._closed and not self._ready

    def empty(self) -> list[_Item]:
        """Remove all receipts, also those that are being sent."""
        with self._changed:
            items = [item for message in self._messages.values() for item in message]
            self._messages.clear()
            self._ready.clear()
            return items

    def _make_ready(self, item: _Item) -> None:
        self._ready.append(item)
        self._changed.notify()


@dataclass(slots=True)
class _Missed:
    """The receipts of the session that the application has not accepted, and the notices about them. Thread-safe.

    The methods return the text of a notice, mostly empty.
    """

    address: Address
    log: ResponseLog
    _files: set[str] = field(default_factory=set)
    _noticed: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, file: str, kind: str, problem: str) -> str:
        """A receipt was not accepted. There is one notice of each kind until the application is there again."""
        with self._lock:
            self._files.add(recording_key(file))
        return self.notice_once(kind, f"{problem} It is recorded; to send it later: {self._command}")

    def answered(self) -> str:
        """The application is there, perhaps again."""
        with self._lock:
            if "unreachable" not in self._noticed:
                return ""
            self._noticed -= {"unreachable", "slow"}
        count = self._count()
        return f"{self.address} answers again. {self._advice('It', count) if count else ''}".rstrip()

    def notice_once(self, kind: str, text: str) -> str:
        with self._lock:
            if kind in self._noticed:
                return ""
            self._noticed.add(kind)
            return text

    def close(self) -> str:
        """The notice at the end, if the application has not accepted all receipts."""
        count = self._count()
        return self._advice(f"{self.address}", count) if count else ""

    def _advice(self, subject: str, count: int) -> str:
        them = "it" if count == 1 else "them"
        return f"{subject} has not accepted {counted(count, 'receipt')}; to send {them}: {self._command}"

    def _count(self) -> int:
        with self._lock:
            files = set(self._files)
        if files and "log" not in self._noticed:  # a replay may have sent some
            files &= {entry.file for entry in missed(self.log.directory)}
        return len(files)

    @property
    def _command(self) -> str:
        return f"devkit replay --missed --to {shlex.quote(self.log.to)}"


class Forwarder:
    """Forwards receipts while its `with` block runs. Takes them from any thread and does not block.

    The receipts of one message are sent in order, those of several messages at once. Each is logged, and a `Forwarded`
    event published. What has no answer when the block ends counts as not forwarded.
    """

    def __init__(
        self,
        address: Address,
        publish: Publish,
        log: ResponseLog,
        *,
        max_waiting: int = _MAX_WAITING,
        idle_seconds: float = IDLE_SECONDS,
        drain_seconds: float = _DRAIN_SECONDS,
    ) -> None:
        """log: where the responses are kept. max_waiting: receipts; more are dropped.

        idle_seconds: until a connection is closed. drain_seconds: at the end of the block, for the receipts that wait.
        """
        self._address = address
        self._destination = Destination(host=address.netloc, target=path_of(address))
        self._publish = publish
        self._log = log
        self._max_waiting = max_waiting
        self._idle_seconds = idle_seconds
        self._drain_seconds = drain_seconds
        self._missed = _Missed(address, log)
        self._queue = _Queue()
        self._ended = threading.Event()
        self._pool = ConnectionPool(idle_seconds=idle_seconds)
        self._workers = [
            threading.Thread(target=self._work, name=f"forward-{number}", daemon=True)
            for number in range(_WORKERS)
        ]

    def offer(self, callback: Callback, message_id: str, file: str) -> None:
        """Forward a receipt after those of its message before it. The event has the application's answer."""
        item = _Item(callback, message_id, file)
        self._write(lambda: self._log.add_waiting(file))
        if self._queue.waiting < self._max_waiting:
            self._queue.put(item)
        else:
            self._miss(item, "slow", _TOO_SLOW)

    def __enter__(self) -> Self:
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.close()
        self._join(self._drain_seconds)
        self._ended.set()
        for item in self._queue.empty():
            self._miss(item, "ended", _ENDED)
        self._join(_STOP_SECONDS)  # a worker that still waits for an answer is abandoned
        self._pool.close()
        self._notify(self._missed.close())

    def _join(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for worker in self._workers:
            worker.join(max(0, deadline - time.monotonic()))

    def _work(self) -> None:
        while not self._queue.has_ended:
            item = self._queue.take(self._idle_seconds if self._pool.has_idle else None)
            if item:
                self._send(item)
                self._queue.done(item)
            else:
                self._pool.close_idle()

    def _send(self, item: _Item) -> None:
        try:
            response = self._pool.push(readdress(item.callback, self._destination), self._address)
        except DevkitError as error:  # also an address that turns out not to be on this machine
            kind, again = (
                (error.reason, error.sent_again) if isinstance(error, PushError) else ("remote", False)
            )
            if not self._ended.is_set():  # else it was reported as missed
                self._miss(item, kind, error.message, sent_again=again)
        else:
            self._handle(item, response)

    def _handle(self, item: _Item, response: Response) -> None:
        self._write(lambda: self._log.add_response(item.file, response))
        if self._ended.is_set():  # it was reported as missed
            return
        status, milliseconds = response.status, round(response.seconds * 1000, 1)
        self._publish(Forwarded(item.file, item.message_id, status, milliseconds, "", response.sent_again))
        self._notify(self._missed.answered())
        if not 200 <= status < 300:
            self._notify(
                self._missed.add(item.file, "status", f"{self._address} answered {status} to a receipt.")
            )

    def _miss(self, item: _Item, kind: str, problem: str, *, sent_again: bool = False) -> None:
        self._write(lambda: self._log.add_failure(item.file, problem, sent_again=sent_again))
        self._publish(Forwarded(item.file, item.message_id, None, None, problem, sent_again))
        notice = self._missed.add(item.file, kind, f"Not forwarded: {problem}")
        if kind != "ended":  # the notice at the end counts them all
            self._notify(notice)

    def _write(self, write: Callable[[], None]) -> None:
        """Write to the log, before the event: a program that gets the event finds the response there."""
        try:
            write()
        except OSError as error:  # a full disk: the application must get its receipts all the same
            text = f"The application's responses are not kept: {error.strerror or error}."
            self._notify(self._missed.notice_once("log", text))

    def _notify(self, notice: str) -> None:
        if notice:
            self._publish(Notice(notice))
