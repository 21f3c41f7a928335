"""Reads an HTTP/1 response from a connection: its status, and the beginning of its body.

Not with `http.client`, which parses headers as those of an e-mail: that takes longer than everything else that sends
a receipt, and as long to import. Nor with h11: it takes 10 ms to import, nearly as long as a bare Python start, and 70
to 100 µs for a response, ours 10.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

MAX_BODY = 64 * 1024  # bytes; the rest is not read
_MAX_LINE = 64 * 1024
_MAX_HEAD = 1024 * 1024  # bytes of everything but the body: headers, interim responses, chunk sizes
_READ = 8 * 1024  # bytes at once; most responses are shorter

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})( .*)?", re.DOTALL)
_DIGITS = re.compile(rb"[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(;.*)?", re.DOTALL)
_SWITCHING_PROTOCOLS, _SERVER_ERROR = 101, 500

_LENGTH, _CODING, _CONNECTION = b"content-length", b"transfer-encoding", b"connection"
_Headers = dict[bytes, list[bytes]]  # names and the parts of their values, in lower case


class InvalidResponse(Exception):
    """The bytes are no HTTP response, or end before its first line does."""


@dataclass(frozen=True, slots=True)
class ReceivedResponse:
    """reusable: the connection can take another request. head: the lines of the headers.

    Not after a 5xx: servers may close the connection then without a `Connection: close`. uvicorn does, after the 500
    that Starlette and FastAPI send when a handler raises.
    """

    status: int
    body: bytes
    reusable: bool
    head: tuple[bytes, ...] = field(default=(), compare=False)


def read_response(receive: Callable[[int], bytes], method: str) -> ReceivedResponse:
    """Read one response. receive: returns at most so many bytes, none when the other side has closed the connection.

    method: of the request. A known status is a response, even when the rest of it is missing. Raises InvalidResponse.
    """
    source = _Source(receive)
    status, version, head = _head(source)
    while status < 200 and status != _SWITCHING_PROTOCOLS:  # such as 100 Continue, before the response itself
        status, version, head = _head(source)
    headers = _framing(head)
    bodiless = method == "HEAD" or status in (204, 304)
    body, whole = (b"", True) if bodiless else _body(source, headers)
    kept = b"close" not in headers[_CONNECTION] and (version == 1 or b"keep-alive" in headers[_CONNECTION])
    # Bytes after the end would be read as the next response.
    in_step = whole and not source.data and not source.ended
    stays = kept and status != _SWITCHING_PROTOCOLS and status < _SERVER_ERROR
    return ReceivedResponse(status, body, in_step and stays, tuple(head))


def parse_headers(head: Iterable[bytes]) -> list[tuple[str, str]]:
    """Names and values of the lines of headers, as they arrived. Not done for each response: a replay needs none."""
    pairs = (line.decode("latin-1").partition(":") for line in head)
    return [(name.strip(), value.strip()) for name, colon, value in pairs if colon]


class _Source:
    """The bytes that were received and not taken yet."""

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        self.data = bytearray()
        self.ended = False
        self._receive = receive
        self._head_left = _MAX_HEAD

    def line(self) -> bytes:
        """The next line without its end; a part of it when the connection closes."""
        while (end := self.data.find(b"\n")) < 0 and len(self.data) <= _MAX_LINE and self._more():
            pass
        line = self._take(end + 1 if end >= 0 else len(self.data))
        self._head_left -= len(line)
        if len(line) > _MAX_LINE or self._head_left < 0:
            raise InvalidResponse
        return line.removesuffix(b"\n").removesuffix(b"\r")

    def some(self, size: int) -> bytes:
        """Exactly size bytes; fewer when the connection closes."""
        while len(self.data) < size and self._more():
            pass
        return self._take(size)

    def _more(self) -> bool:
        part = b"" if self.ended else self._receive(_READ)
        self.ended = not part
        self.data += part
        return not self.ended

    def _take(self, size: int) -> bytes:
        taken = bytes(self.data[:size])
        del self.data[:size]
        return taken


def _head(source: _Source) -> tuple[int, int, list[bytes]]:
    """The status, the minor version, and the lines of the headers."""
    match = _STATUS_LINE.fullmatch(source.line())
    if match is None:
        raise InvalidResponse
    return int(match[2]), int(match[1]), list(iter(source.line, b""))


def _framing(head: list[bytes]) -> _Headers:
    """The headers about the length and the connection."""
    headers: _Headers = {_LENGTH: [], _CODING: [], _CONNECTION: []}
    for line in head:
        name, _, value = line.partition(b":")
        if name.lower() in headers:
            headers[name.lower()] += [part.strip() for part in value.lower().split(b",")]
    return headers


def _body(source: _Source, headers: _Headers) -> tuple[bytes, bool]:
    """The body up to MAX_BODY, and whether that is all of it (RFC 9112, section 6.3)."""
    if headers[_CODING][-1:] == [b"chunked"]:
        return _chunks(source)
    lengths = set(headers[_LENGTH])
    if headers[_CODING] or not lengths:
        return source.some(MAX_BODY), False
    length = lengths.pop()
    if lengths or not _DIGITS.fullmatch(length):
        return b"", False  # its end is unknown
    size = int(length)
    body = source.some(min(size, MAX_BODY))
    return body, len(body) == size


def _chunks(source: _Source) -> tuple[bytes, bool]:
    body = bytearray()
    while match := _CHUNK_SIZE.fullmatch(source.line()):
        size, room = int(match[1], 16), MAX_BODY - len(body)
        if size == 0:
            while source.line():  # trailers
                pass
            return bytes(body), True
        body += source.some(min(size, room))
        if size > room or source.line():
            return bytes(body), False
    if not source.ended:
        raise InvalidResponse
    return bytes(body), False
