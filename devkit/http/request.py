"""A request as it arrived: exact with devkit's own server, as near as possible with any other WSGI server."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from waitress.parser import HTTPRequestParser, ParsingError
from waitress.utilities import RequestHeaderFieldsTooLarge

from devkit.webhook.callback import Callback, Headers

StartResponse = Callable[..., Any]
WSGIApplication = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

# WSGI keys for what only our own server knows: the headers as they arrived, and a note of what is not exact.
HEADERS_KEY = "devkit.headers"
CAPTURED_KEY = "devkit.captured"

_MERGED = "headers were merged, renamed and reordered by the WSGI server"
_REBUILT = "the target was rebuilt from its decoded form"
_FOLDED = "a header that was folded over several lines was joined"
_CHUNKED = "the body arrived in chunks and was joined"

_MAX_HEADER_LINES = 100

# In a request line, waitress drops a TAB from the target and keeps the others; other programs cut the target there.
_CONTROLS = bytes([*range(0x20), 0x7F])


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """remote: the peer's address. captured: a note of what is not exact; empty when all is."""

    callback: Callback
    remote: str
    captured: str


def callback_of(environ: dict[str, Any], body: bytes) -> tuple[Callback, str]:
    """The callback of a WSGI request, and a note of what is not exact; empty when all is."""
    headers, captured = environ.get(HEADERS_KEY), environ.get(CAPTURED_KEY, "")
    notes = []
    if headers is None:
        headers = _merged_headers(environ)
        notes.append(_MERGED)
        captured = _CHUNKED if "HTTP_TRANSFER_ENCODING" in environ else ""
    target = environ.get("REQUEST_URI") or environ.get("RAW_URI")
    if not target:
        target = _rebuilt_target(environ)
        notes.append(_REBUILT)
    if captured:
        notes.append(captured)
    return Callback(environ["REQUEST_METHOD"], str(target), headers, body), "; ".join(notes)


def _rebuilt_target(environ: dict[str, Any]) -> str:
    path = quote(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""), encoding="latin-1")
    query = environ.get("QUERY_STRING", "")
    return f"{path}?{query}" if query else path


def _merged_headers(environ: dict[str, Any]) -> Headers:
    names = {"CONTENT_TYPE": "Content-Type", "CONTENT_LENGTH": "Content-Length"}
    names |= {key: key[5:].replace("_", "-").title() for key in environ if key.startswith("HTTP_")}
    return tuple((name, environ[key]) for key, name in names.items() if environ.get(key))


class Parser(HTTPRequestParser):
    """Keeps the headers as they arrived; waitress merges them, renames them and drops some."""

    pairs: Headers = ()
    captured = ""
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
        folded = b"\r\n " in header_plus or b"\r\n\t" in header_plus
        notes = {_FOLDED: folded, _CHUNKED: self.chunked}
        self.captured = "; ".join(note for note, applies in notes.items() if applies)
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
            # The request is complete or was refused: `100 Continue` would have waitress wait for a body.
            self.expect_continue = False
        return consumed

    def as_received(self, remote: str) -> ReceivedRequest:
        """The complete request. The application can still read its body."""
        body = self.body_rcv.getbuf().get() if self.body_rcv else b""
        return ReceivedRequest(
            Callback(str(self.command), self.request_uri, self.pairs, body), remote, self.captured
        )


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
