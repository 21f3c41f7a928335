"""One connection: its requests with their headers as they arrived, its answers without words of the server's own."""

import time
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import RequestHeaderFieldsTooLarge, build_http_date

from devkit.http.wsgi import FOLDED_KEY, HEADERS_KEY

_MAX_HEADER_LINES = 100

# In a request line. waitress would drop a TAB from the target and keep the others; other programs cut it there.
_CONTROLS = bytes([*range(0x20), 0x7F])


class Parser(HTTPRequestParser):
    """Keeps the headers as they arrived; waitress merges them, renames them and drops some."""

    pairs: tuple[tuple[str, str], ...] = ()
    folded = False
    status: int | None = None  # of the answer, when there is no need to ask the application

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
        if not (codings := self._values("transfer-encoding")):
            return True
        return self.chunked and codings == ["chunked"] and not self._values("content-length")

    def _values(self, wanted: str) -> list[str]:
        """The values of a header, in lower case."""
        return [value.lower() for name, value in self.pairs if name.lower() == wanted]

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if self.completed:
            # Nothing more is due, or it was refused: `100 Continue` would have waitress wait for a body.
            self.expect_continue = False
        return consumed


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


def _as_ascii(line: bytes) -> bytes:
    # waitress refuses a request line with other bytes; some clients put a receipt's UTF-8 there as it is.
    if line.isascii():
        return line
    return b"".join(b"%c" % byte if byte < 0x80 else b"%%%02X" % byte for byte in line)


def _pairs(block: bytes) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for line in block.decode("latin-1").split("\r\n")[1:]:
        if line[:1] in (" ", "\t") and pairs:  # a folded line goes on with the value above
            name, value = pairs.pop()
            pairs.append((name, " ".join((value, line.strip(" \t")))))
        elif line:
            name, _, value = line.partition(":")
            pairs.append((name, value.strip(" \t")))
    return tuple(pairs)
