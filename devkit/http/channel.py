"""Our subclasses of waitress's parser, connection and dispatcher. Requests that arrive together are handled together.

To hand each request to a thread and its response back costs more than recording a receipt. And a thread that sees all
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
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ThreadedTaskDispatcher, WSGITask
from waitress.utilities import RequestHeaderFieldsTooLarge, build_http_date

from devkit.http.request import CAPTURED_KEY, CHUNKED, FOLDED, HEADERS_KEY, ReceivedRequest
from devkit.webhook.callback import Callback, Headers

# Work to run after the responses were sent.
AfterResponse = Callable[[], None]

# Handles requests that arrived together, perhaps none. Returns the status of each response, which has an empty body;
# None: the application responds.
ReceivedBatchHandler = Callable[[Sequence[ReceivedRequest]], tuple[Sequence[int | None], AfterResponse]]

_MAX_BATCH = 64  # requests; each may need an open file
_MAX_HEADER_LINES = 100
_POLL_SECONDS = 1.0  # idle connections are looked for at least this often

# In a request line, waitress drops a TAB from the target and keeps the others; other programs cut the target there.
_CONTROLS = bytes([*range(0x20), 0x7F])

_log = logging.getLogger(__name__)


class BatchDispatcher(ThreadedTaskDispatcher):
    """Starts no threads: the server's own thread reads all requests that have arrived, and then handles them."""

    def __init__(self, handle_batch: ReceivedBatchHandler) -> None:
        super().__init__()
        self._handle_batch = handle_batch
        self._waiting: list[Any] = []

    def attach(self, server: Any) -> None:
        """Have the server run this dispatcher in its own thread."""
        server.run = partial(self._run, server)
        server.handle_accept = partial(_accept_all, server)
        server.pull_trigger = lambda: None  # it would wake up the very thread that calls it

    def add_task(self, task: Any) -> None:
        """task: a connection with a complete request."""
        self._waiting.append(task)

    def _run(self, server: Any) -> None:
        while server._map:
            # Connections are polled before each batch, so that a new request waits for few others.
            timeout = 0 if self._waiting else _POLL_SECONDS
            wasyncore.loop(timeout=timeout, use_poll=True, map=server._map, count=1)
            batch, self._waiting = self._waiting[:_MAX_BATCH], self._waiting[_MAX_BATCH:]
            if batch:
                self._respond_all(batch)

    def _respond_all(self, batch: Sequence[Any]) -> None:
        readable = [channel for channel in batch if channel.connected and not channel.requests[0].error]
        statuses, after_response = self._statuses(readable)
        for channel in batch:
            try:
                channel.respond(statuses.get(channel))
            except Exception:  # noqa: BLE001 - as in `_statuses`
                _log.exception("A request could not be answered")
                channel.handle_close()
        try:
            after_response()
        except Exception:  # noqa: BLE001 - as in `_statuses`
            _log.exception("The work after the responses failed")

    def _statuses(self, channels: Sequence[Any]) -> tuple[dict[Any, int | None], AfterResponse]:
        try:
            received = [channel.requests[0].as_received(channel.addr[0]) for channel in channels]
            statuses, after_response = self._handle_batch(received)
            return dict(zip(channels, statuses, strict=True)), after_response
        except Exception:  # noqa: BLE001 - a bug of ours must not end the thread that serves everybody
            _log.exception("Requests could not be handled")
            return dict.fromkeys(channels, 500), lambda: None


def _accept_all(server: Any) -> None:
    """Accept all waiting connections; waitress accepts one in each round, and a round may wait for the disk."""
    before = -1
    while before < len(server._map) < server.adj.connection_limit:
        before = len(server._map)
        type(server).handle_accept(server)


class Parser(HTTPRequestParser):
    """Keeps the headers as they arrived; waitress merges them, renames them and drops some."""

    pairs: Headers = ()
    folded = False  # whether a header was, over several lines
    status: int | None = None  # of the response, when the application need not be called

    def parse_header(self, header_plus: bytes) -> None:
        line, end, rest = header_plus.partition(b"\r\n")
        if rest.count(b"\r\n") - 1 > _MAX_HEADER_LINES:  # the last one ends the head
            super().parse_header(b"GET / HTTP/1.0\r\n")  # as waitress does when the head is too long
            self.error = RequestHeaderFieldsTooLarge("too many header lines")
            return
        if line.translate(None, _CONTROLS) != line:
            raise ParsingError("the request line has a control character")
        try:
            super().parse_header(_as_ascii(line) + end + rest)
        except ValueError as error:  # such as the host of `GET http://[/`
            raise ParsingError("the target cannot be read") from error
        if not line.isascii():
            self.request_uri = line.split(b" ")[1].decode("latin-1")
        self.pairs = _pairs(header_plus)
        self.folded = b"\r\n " in header_plus or b"\r\n\t" in header_plus
        if not self._has_clear_end():
            # Two programs that read such a request could see its end in two places (RFC 9112, section 6.1).
            raise ParsingError("where the body ends is not clear")

    def _has_clear_end(self) -> bool:
        """Whether no more than one header says where the body ends."""
        codings = self._values("transfer-encoding")
        return not codings or (self.chunked and codings == ["chunked"] and not self._values("content-length"))

    def _values(self, wanted: str) -> list[str]:
        """The values of a header, in lower case."""
        return [value.lower() for name, value in self.pairs if name.lower() == wanted]

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if self.completed:
            # The request is complete or was refused: `100 Continue` would have waitress wait for a body.
            self.expect_continue = False
        return consumed

    def as_received(self, remote: str) -> ReceivedRequest:
        """The complete request. An application can still read its body."""
        body = self.body_rcv.getbuf().get() if self.body_rcv else b""
        callback = Callback(str(self.command), self.request_uri, self.pairs, body)
        return ReceivedRequest(callback, remote, self.captured)

    @property
    def captured(self) -> str:
        """What is not exactly as it arrived; empty when all is."""
        notes = {FOLDED: self.folded, CHUNKED: self.chunked}
        return "; ".join(note for note, applies in notes.items() if applies)


class _Task(WSGITask):
    """Writes the response of the application; or one without a body, for a status or an error.

    waitress's own response to an error names the server and quotes its limits.
    """

    def execute(self) -> None:
        request: Any = self.request
        if request.error:
            self.set_close_on_finish()
            self._write_status(request.error.code)
        elif request.status is None:
            super().execute()
        else:
            self._write_status(request.status)

    def _write_status(self, status: int) -> None:
        self.complete, self.content_length = True, 0
        self.status = f"{status} {HTTPStatus(status).phrase}"
        self.write(b"")

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        request: Any = self.request
        environ[HEADERS_KEY], environ[CAPTURED_KEY] = request.pairs, request.captured
        return environ


class Channel(HTTPChannel):
    """A connection that reads one request at a time: the next one after the response to the one before.

    waitress reads all requests that were sent together at once, while every other connection waits.
    """

    parser_class = Parser
    task_class = _Task
    error_task_class: Any = _Task

    # waitress's own, which have no types
    requests: Any
    requests_lock: Any
    server: Any

    unread = b""  # data that came with the request that is being handled; 8 KiB at most, 16 KiB with TLS

    @property
    def busy(self) -> bool:
        """Whether there is a request to answer, or a response to send."""
        return bool(self.requests or self.unread or self.total_outbufs_len)

    def readable(self) -> bool:
        return not (self.will_close or self.close_when_flushed or self.busy)

    def received(self, data: bytes) -> bool:
        self.unread = data
        self._read_next()
        return True

    def service(self) -> None:
        super().service()
        if self.unread:
            # In the server's thread: it alone may send `100 Continue`. After requests of other connections.
            self.server.trigger.pull_trigger(self._read_next)

    def respond(self, status: int | None) -> None:
        """Send a response without a body; None: the one of the application. For the server's own thread."""
        if status is None:
            self.service()
        else:
            self._send_status(status)
        if self.connected:
            self.handle_write()

    def _send_status(self, status: int) -> None:
        request: Any = self.requests[0]
        if request.version != "1.1" or request.connection_close or self.total_outbufs_len:
            request.status = status
            self.service()
            return
        self.requests = []
        request.close()
        now = time.time()
        data = _status_response(status, int(now))
        try:
            sent = self.send(data)
        except OSError:  # such as a network that went away; waitress closes then, too
            self.will_close = True
            return
        if sent < len(data) and self.connected:
            self.write_soon(data[sent:])
        self.last_activity = now
        self._read_next()

    def _read_next(self) -> None:
        """Read until a request is complete. As `HTTPChannel.received`, which reads on after it."""
        with self.requests_lock:
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
        # The time limit of a request starts with its first bytes: a slow body does not extend it.
        has_begun, started = self.request is not None, self.last_activity
        super().handle_read()
        if has_begun:
            self.last_activity = started


@lru_cache(maxsize=16)  # thousands of responses within a second are the same
def _status_response(status: int, second: int) -> bytes:
    """A response without a body, as it goes over the wire. second: when, since 1970."""
    line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    return f"{line}\r\nContent-Length: 0\r\nDate: {build_http_date(second)}\r\n\r\n".encode()


def _as_ascii(line: bytes) -> bytes:
    # waitress refuses a request line with other bytes; some clients put a receipt's UTF-8 there as it is.
    if line.isascii():
        return line
    return b"".join(b"%c" % byte if byte < 0x80 else b"%%%02X" % byte for byte in line)


def _pairs(block: bytes) -> Headers:
    pairs: list[tuple[str, str]] = []
    for line in block.decode("latin-1").split("\r\n")[1:]:
        if line[:1] in (" ", "\t") and pairs:  # a folded line continues the value above
            name, value = pairs.pop()
            pairs.append((name, " ".join((value, line.strip(" \t")))))
        elif line:
            name, _, value = line.partition(":")
            pairs.append((name, value.strip(" \t")))
    return tuple(pairs)
