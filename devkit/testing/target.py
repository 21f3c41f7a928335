"""Where a test delivers receipts: test clients of web frameworks, WSGI applications, URLs and functions.

They are known by what they can do, so that no framework is imported here.
"""

import inspect
import io
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import quote, unquote_to_bytes

from devkit.callback import CONNECTION_HEADERS, Callback
from devkit.receipt import Unreadable, read
from devkit.replay.rewrite import Destination, readdress
from devkit.testing.answer import Answer

Send = Callable[[Callback], Answer]
_Sending = Callable[[Callback, Any], Answer]

_PRINTABLE = "".join(map(chr, range(33, 127)))
# What belongs to a connection, or to the host that a client plays, comes from there and not from the recording.
_CLIENT_SETS = CONNECTION_HEADERS | {"host", "content-length"}


# Any, because the signatures of the frameworks' clients differ from release to release.
class WerkzeugClient(Protocol):
    """The test client of Flask and of any other application on Werkzeug."""

    application: Any

    def open(self, *args: Any, **kwargs: Any) -> Any: ...


class DjangoClient(Protocol):
    """Django's test client."""

    def generic(self, method: str, path: str, data: Any, content_type: str, **extra: Any) -> Any: ...


class HttpxClient(Protocol):
    """The test client of Starlette and FastAPI, and any other client on httpx."""

    def build_request(self, *args: Any, **kwargs: Any) -> Any: ...

    def request(self, method: str, url: str, **kwargs: Any) -> Any: ...


Function = Callable[[dict[str, Any]], object]
Target = str | WerkzeugClient | DjangoClient | HttpxClient | Function | Callable[[Any, Any], Any]


def is_function(to: Target) -> bool:
    """Whether a target takes the fields of a receipt, and not a request."""
    return _sending(to) is _call


def sender_to(to: Target) -> Send:
    """How to hand a callback to a target. Raises TypeError for what can't take one."""
    sending = _sending(to)
    if sending is None:
        raise TypeError(
            f"Receipts can't be delivered to {type(to).__name__}: give a test client (for an ASGI application "
            "starlette.testclient.TestClient), a WSGI application, a URL, or a plain function of the fields."
        )
    return lambda callback: sending(callback, to)


def _sending(to: Target) -> _Sending | None:
    if isinstance(to, str):
        return _push
    if _has(to, "open") and _has(to, "application"):
        return _open
    if _has(to, "generic"):
        return _generic
    if _has(to, "build_request"):
        return None if _is_async(getattr(to, "request", None)) else _request
    if not callable(to) or _is_async(to) or _is_async(type(to).__call__):
        return None
    by_arguments: dict[int, _Sending] = {1: _call, 2: _wsgi}
    return by_arguments.get(_arguments(to))


def _has(to: object, name: str) -> bool:
    # Not hasattr: a mock that stands for a function has whatever one asks it for.
    return inspect.getattr_static(to, name, None) is not None


def _is_async(function: object) -> bool:
    return inspect.iscoroutinefunction(function)


def _arguments(to: Callable[..., object]) -> int:
    """With how many arguments it can be called: 1 for the fields, 2 for a WSGI request, 0 for neither."""
    try:
        signature = inspect.signature(to)
    except ValueError:  # some built-in functions tell nothing
        return 1
    for count in (1, 2):
        with suppress(TypeError):
            signature.bind(*range(count))
            return count
    return 0


def _push(callback: Callback, url: str) -> Answer:
    from devkit.push import parse_address, push

    address = parse_address(url)
    answer = push(readdress(callback, Destination(address.netloc, callback.path)), address)
    return Answer(answer.status, answer.body)


def _open(callback: Callback, client: Any) -> Answer:
    response = client.open(
        _target(callback),
        method=callback.method,
        data=callback.body,
        headers=[*_headers(callback)],
    )
    return Answer(response.status_code, response.get_data())


def _generic(callback: Callback, client: Any) -> Answer:
    headers = _cgi_headers(_headers(callback))
    content_type = headers.pop("CONTENT_TYPE", "")
    response = client.generic(callback.method, _target(callback), callback.body, content_type, **headers)
    return Answer(response.status_code, b"".join(response))


def _request(callback: Callback, client: Any) -> Answer:
    response = client.request(
        callback.method,
        _target(callback),
        content=callback.body,
        headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in _headers(callback)],
        follow_redirects=False,
    )
    return Answer(response.status_code, response.content)


def _call(callback: Callback, function: Function) -> Answer:
    reading = read(callback)
    if isinstance(reading, Unreadable):
        raise TypeError(f"A function of the fields can't be given this callback. {reading.problem}")
    value = function(dict(reading.fields))
    status = value if isinstance(value, int) and not isinstance(value, bool) else 200
    return Answer(status, value=value)


def _wsgi(callback: Callback, application: Callable[[dict[str, Any], Any], Any]) -> Answer:
    answered: list[str] = []

    def start_response(status: str, headers: object, error: object = None) -> Callable[[bytes], None]:
        answered[:] = [status]
        return written.append

    written: list[bytes] = []
    chunks = application(_environ(callback), start_response)
    try:
        written.extend(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    return Answer(int(answered[0].split()[0]), b"".join(written))


def _environ(callback: Callback) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": callback.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(callback.path.encode("latin-1")).decode("latin-1"),
        "QUERY_STRING": callback.query,
        "REQUEST_URI": callback.target,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(callback.body)),
        "HTTP_HOST": "localhost",
        **_cgi_headers(_headers(callback)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(callback.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def _headers(callback: Callback) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in callback.headers if pair[0].lower() not in _CLIENT_SETS)


def _cgi_headers(headers: tuple[tuple[str, str], ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        key = name.upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def _target(callback: Callback) -> str:
    # Clients take text, and would write a byte beyond ASCII in another encoding than it arrived in.
    return quote(callback.target, safe=_PRINTABLE, encoding="latin-1")
