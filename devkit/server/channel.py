"""One connection: its requests with their headers as they arrived, its answers without words of the server's own."""

import time
from http import HTTPStatus
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import RequestHeaderFieldsTooLarge, build_http_date

from devkit.wsgi import FOLDED_KEY, HEADERS_KEY

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
    parser_class = Parser
    task_class = Task
    error_task_class = _ErrorTask

    def answer(self, status: int) -> None:
        """Answer the first request in line with a status and nothing else: as `service`, quicker where that goes."""
        request: Any = self.requests[0]
        in_line = len(self.requests) > 1 or self.request is not None or self.total_outbufs_len
        if in_line or request.version != "1.1" or request.connection_close:
            request.status = status
            self.service()
            return
        self.requests = []
        request.close()
        data = _whole_answer(status)
        try:
            sent = self.send(data)
        except OSError:  # such as a network that went away; waitress closes then, too
            self.will_close = True
            return
        if sent < len(data) and self.connected:
            self.write_soon(data[sent:])
        self.last_activity = time.time()

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


def _whole_answer(status: int) -> bytes:
    date = build_http_date(int(time.time()))
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
