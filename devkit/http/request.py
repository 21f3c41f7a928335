"""A request as it arrived, to the byte; and the callback in a WSGI request, as near to that as its server permits."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from devkit.webhook.callback import Callback, Headers

StartResponse = Callable[..., Any]
WSGIApplication = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

HEADERS_KEY = (
    "devkit.headers"  # the WSGI key for the headers as they arrived, which only our own server knows
)


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """remote: the peer's address. captured: a note of what is not exact; empty when all is."""

    callback: Callback
    remote: str
    captured: str


def callback_of(environ: dict[str, Any], body: bytes = b"") -> Callback:
    """The callback of a WSGI request. Servers other than our own merge, rename and reorder the headers."""
    headers = environ.get(HEADERS_KEY) or _merged_headers(environ)
    target = environ.get("REQUEST_URI") or environ.get("RAW_URI") or _rebuilt_target(environ)
    return Callback(environ["REQUEST_METHOD"], str(target), headers, body)


def _rebuilt_target(environ: dict[str, Any]) -> str:
    path = quote(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""), encoding="latin-1")
    query = environ.get("QUERY_STRING", "")
    return f"{path}?{query}" if query else path


def _merged_headers(environ: dict[str, Any]) -> Headers:
    names = {"CONTENT_TYPE": "Content-Type", "CONTENT_LENGTH": "Content-Length"}
    names |= {key: key[5:].replace("_", "-").title() for key in environ if key.startswith("HTTP_")}
    return tuple((name, environ[key]) for key, name in names.items() if environ.get(key))
