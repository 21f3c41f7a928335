"""A request as it arrived: exact with devkit's own server, as near as possible with any other WSGI server."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from devkit.webhook.callback import Callback, Headers

StartResponse = Callable[..., Any]
WSGIApplication = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

# WSGI keys for what only our own server knows: the headers as they arrived, and a note of what is not exact.
HEADERS_KEY = "devkit.headers"
CAPTURED_KEY = "devkit.captured"

_MERGED = "headers were merged, renamed and reordered by the WSGI server"
_REBUILT = "the target was rebuilt from its decoded form"
FOLDED = "a header that was folded over several lines was joined"
CHUNKED = "the body arrived in chunks and was joined"


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
        captured = CHUNKED if "HTTP_TRANSFER_ENCODING" in environ else ""
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
