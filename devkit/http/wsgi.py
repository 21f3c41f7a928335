"""A callback out of a WSGI request: to the byte with devkit's own server, as near as it goes with others."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from devkit.webhook.callback import Callback

StartResponse = Callable[..., Any]
WSGIApplication = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

# Where `server` leaves the headers as they arrived: a tuple of name and value pairs, and whether one was folded.
HEADERS_KEY = "devkit.headers"
FOLDED_KEY = "devkit.folded"

_MERGED = "headers were merged, renamed and reordered by the WSGI server"
_REBUILT = "the target was rebuilt from its decoded form"
_FOLDED = "a header that was folded over several lines was joined"
_CHUNKED = "the body arrived in chunks and was joined"


def callback_of(environ: dict[str, Any], body: bytes) -> tuple[Callback, str]:
    """The callback of a request, and a note of what is not as it was on the wire (empty when all is)."""
    notes = []
    headers = environ.get(HEADERS_KEY)
    if headers is None:
        headers = _merged_headers(environ)
        notes.append(_MERGED)
    target = environ.get("REQUEST_URI") or environ.get("RAW_URI")
    if not target:
        target = _rebuilt_target(environ)
        notes.append(_REBUILT)
    if environ.get(FOLDED_KEY):
        notes.append(_FOLDED)
    if any(name.lower() == "transfer-encoding" for name, _ in headers):
        notes.append(_CHUNKED)
    return Callback(environ["REQUEST_METHOD"], str(target), headers, body), "; ".join(notes)


def _rebuilt_target(environ: dict[str, Any]) -> str:
    path = quote(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""), encoding="latin-1")
    query = environ.get("QUERY_STRING", "")
    return f"{path}?{query}" if query else path


def _merged_headers(environ: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    names = {"CONTENT_TYPE": "Content-Type", "CONTENT_LENGTH": "Content-Length"}
    names |= {key: key[5:].replace("_", "-").title() for key in environ if key.startswith("HTTP_")}
    return tuple((name, environ[key]) for key, name in names.items() if environ.get(key))
