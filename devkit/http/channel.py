"""Our subclasses of waitress's connection and dispatcher: requests that arrive together are handled together.

To hand each request to a thread and its answer back costs more than recording a receipt. And a thread that sees all
requests of a moment can have them wait for the disk together.
"""

import logging
import time
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask
from waitress.utilities import build_http_date

from devkit.http.request import FOLDED_KEY, HEADERS_KEY, Parser


class Task(WSGITask):
    def execute(self) -> None:
        request: Any = self.request
        if request.status is None:
            super().execute()
        else:
            _answer(self, request.status)

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        request: Any = self.request
        environ[HEADERS_KEY], environ[FOLDED_KEY] = request.pairs, request.folded
        return environ


class _ErrorTask(ErrorTask):
    """A refusal without words: the usual page names the server and quotes its limits."""

    def execute(self) -> None:
        request: Any = self.request
        self.set_close_on_finish()
        _answer(self, request.error.code)


class Channel(HTTPChannel):
    """Reads one request at a time: the next one is read when the one before it is answered.

    waitress reads all requests that were sent together at once, while every other connection waits.
    """

    parser_class = Parser
    task_class = Task
    error_task_class = _ErrorTask

    # waitress's own, which has no types
    requests: Any
    requests_lock: Any
    server: Any

    unread = b""  # what was sent together with the request that is not answered yet; 8 KiB at most

    @property
    def busy(self) -> bool:
        """Whether there is a request to answer, or an answer to send."""
        return bool(self.requests or self.unread or self.total_outbufs_len)

    def readable(self) -> bool:
        return not (self.will_close or self.close_when_flushed or self.busy)

    def received(self, data: bytes) -> bool:
        with self.requests_lock:
            self.unread = data
            self._read_next()
        return True

    def service(self) -> None:
        super().service()
        self._go_on()

    def answer(self, status: int) -> None:
        """Answer the request with a status and nothing else: as `service`, quicker where that goes."""
        request: Any = self.requests[0]
        if request.version != "1.1" or request.connection_close or self.total_outbufs_len:
            request.status = status
            self.service()
            return
        self.requests = []
        request.close()
        now = time.time()
        data = _whole_answer(status, int(now))
        try:
            sent = self.send(data)
        except OSError:  # such as a network that went away; waitress closes then, too
            self.will_close = True
            return
        if sent < len(data) and self.connected:
            self.write_soon(data[sent:])
        self.last_activity = now
        self._go_on()

    def _go_on(self) -> None:
        """Have the next request wait for its turn, after those of other connections."""
        if self.unread:
            with self.requests_lock:
                self._read_next()
            self.server.pull_trigger()  # there may be more to read, and the loop did not watch this connection

    def _read_next(self) -> None:
        """Read on until a request is whole. As `HTTPChannel.received`, which reads on after it."""
        while self.unread and not (self.requests or self.will_close or self.close_when_flushed):
            if self.request is None:
                self.request = self.parser_class(self.adj)
            request: Any = self.request
            consumed = request.received(self.unread)
            self.unread = self.unread[consumed:]
            if request.expect_continue and request.headers_finished and not self.sent_continue:
                self.send_continue()
            if request.completed:
                self.sent_continue, self.request = False, None
                if not request.empty:
                    self.requests.append(request)
                    self.server.add_task(self)

    def handle_read(self) -> None:
        # The clock of a request starts with its first bytes: a body that drips in does not buy time.
        under_way, started = self.request is not None, self.last_activity
        super().handle_read()
        if under_way:
            self.last_activity = started


def _answer(task: Any, status: int) -> None:
    """An answer that is a status and nothing else."""
    task.complete, task.content_length = True, 0
    task.status = f"{status} {HTTPStatus(status).phrase}"
    task.write(b"")


@lru_cache(maxsize=16)  # thousands of answers are the same within a second
def _whole_answer(status: int, second: int) -> bytes:
    """An answer that is a status and nothing else, as it goes over the wire. second: when, since 1970."""
    date = build_http_date(second)
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Length: 0\r\nDate: {date}\r\n\r\n".encode()
    )


# Work to run after the responses were sent.
AfterResponse = Callable[[], None]

# Takes the WSGI environments of requests that came together. A status answers its request, with an empty body;
# None leaves it to the application.
WsgiBatchHandler = Callable[[Sequence[dict[str, Any]]], tuple[Sequence[int | None], AfterResponse]]

_MOST = 64  # requests in a group: each may need an open file
_ROUND_SECONDS = 1.0  # how long to wait for a request before connections are looked through for idle ones

_log = logging.getLogger(__name__)


class GroupDispatcher(ThreadedTaskDispatcher):
    """Without any thread of its own: what it is given waits until all that has come is read."""

    def __init__(self, ahead: WsgiBatchHandler) -> None:
        super().__init__()
        self._ahead = ahead
        self._waiting: list[Any] = []

    def attend(self, server: Any) -> None:
        """Have the server take in and answer requests this way."""
        server.run = partial(self._run, server)
        server.handle_accept = partial(_accept_all, server)
        server.pull_trigger = lambda: None  # it would wake up the very thread that calls it

    def add_task(self, task: Any) -> None:
        """task: a connection with a request that has come whole."""
        self._waiting.append(task)

    def _run(self, server: Any) -> None:
        while server._map:
            # Connections are looked at before each group, so that a new request waits for few others.
            timeout = 0 if self._waiting else _ROUND_SECONDS
            wasyncore.loop(timeout=timeout, use_poll=True, map=server._map, count=1)
            group, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            if group:
                self._serve(group)

    def _serve(self, group: Sequence[Any]) -> None:
        whole = [channel for channel in group if channel.connected and not channel.requests[0].error]
        found, rest = self._ask_ahead(whole) if whole else ((), _nothing)
        statuses = dict(zip(whole, found, strict=True))
        for channel in group:
            try:
                _answer_on(channel, statuses.get(channel))
            except Exception:  # noqa: BLE001 - as in `_ask_ahead`
                _log.exception("A request could not be answered")
                channel.handle_close()
        try:
            rest()
        except Exception:  # noqa: BLE001 - as in `_ask_ahead`
            _log.exception("What follows the answers could not be done")

    def _ask_ahead(self, channels: Sequence[Any]) -> tuple[Sequence[int | None], AfterResponse]:
        try:
            return self._ahead(
                [channel.task_class(channel, channel.requests[0]).get_environment() for channel in channels]
            )
        except Exception:  # noqa: BLE001 - a mistake of ours must not end the thread that serves everybody
            _log.exception("Requests could not be handled")
            return [500] * len(channels), _nothing


def _answer_on(channel: Any, status: int | None) -> None:
    """status: None to have the application answer."""
    channel.service() if status is None else channel.answer(status)
    if channel.connected:
        channel.handle_write()


def _nothing() -> None:
    pass


def _accept_all(server: Any) -> None:
    """Every connection that waits to be taken; waitress takes one in each round, and a round may wait for the disk."""
    before = -1
    while before < len(server._map) < server.adj.connection_limit:
        before = len(server._map)
        type(server).handle_accept(server)
