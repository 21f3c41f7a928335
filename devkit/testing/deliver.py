"""Delivers receipts to code under test: a web framework's test client, a WSGI application, a URL, a function."""

import inspect
import json
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from devkit.http.address import Destination, readdress, with_path
from devkit.replay.schedule import AT_ONCE, ORDERS, Order, Recording, ReplayOptions, arrange
from devkit.testing.sample_webhook import SampleWebhook
from devkit.webhook.callback import CALLBACK_PATH, CONNECTION_HEADERS, Callback, without_secret
from devkit.webhook.receipt import Unreadable, read


@dataclass(frozen=True, slots=True)
class HandlerResponse:
    """The response of the code under test, with the names that test clients use.

    value: the return value of a plain function; None for everything that speaks HTTP.
    """

    status_code: int
    content: bytes = field(default=b"", repr=False)
    value: object = field(default=None, repr=False)

    @property
    def text(self) -> str:
        """The content as UTF-8; other bytes become U+FFFD."""
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        """The content as JSON. Raises ValueError."""
        return json.loads(self.content)

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status_code < 400

    @property
    def accepted_by_vonage(self) -> bool:
        """Whether Vonage accepts the response and does not send the receipt again."""
        return 200 <= self.status_code <= 205  # "any 200-205": Vonage's documentation, concepts/webhooks


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

    def request(self, *args: Any, **kwargs: Any) -> Any: ...

    def close(self) -> None: ...  # an asynchronous client has `aclose`


Function = Callable[[dict[str, Any]], object]
Target = str | WerkzeugClient | DjangoClient | HttpxClient | Function | Callable[[Any, Any], Any]


def deliver(receipt: SampleWebhook, to: Target, *, path: str = "") -> HandlerResponse:
    """Deliver a receipt to code, as Vonage would, and return its response.

    to: a test client of Flask, Werkzeug, Django, Starlette, FastAPI or httpx; a WSGI application; a URL on
    this machine; or a function that takes the fields as a dict. If a function returns an int, that is the
    status; else it is 200.
    path: of the callback URL, default `/webhooks/delivery-receipt`. A URL may contain it instead.
    Host and length are those of the target, never the recorded ones. A URL is also sent X-Devkit-Replay, so that
    a running `devkit dev` shows the receipt and does not record it.
    Exceptions of the code are not caught. Raises TypeError for any other target; for a URL PushError without a
    response, and UsageError if it is of another machine.
    """
    return _sender_to(to)(_at(receipt.callback, path or _path_in(to)))


def deliver_all(
    receipts: Iterable[SampleWebhook],
    to: Target,
    *,
    path: str = "",
    order: Order = "recorded",
    duplicate: int = 1,
    seed: int = 0,
    speed: float = AT_ONCE,
    sleep: Callable[[float], object] = time.sleep,
) -> list[HandlerResponse]:
    """Deliver receipts one after the other. Returns the responses in the order of delivery.

    order: `recorded` as they are given, `reversed`, or `shuffle`; the same seed always gives the same order.
    duplicate: how many times each receipt is sent in a row, 1 for once; as `devkit replay --duplicate`.
    speed: 1 keeps the gaps between the recordings, 10 is ten times faster; the default is without gaps.
    Raises as `deliver`, and ValueError for an unknown order or a duplicate below 1.
    """
    if order not in ORDERS:
        raise ValueError(f"order={order!r} is none of {', '.join(ORDERS)}")
    if duplicate < 1:
        raise ValueError(f"duplicate={duplicate!r} is below 1; 1 sends each receipt once")
    path = path or _path_in(to)
    recordings = [
        Recording(Path(receipt.name), receipt.recorded_at, _at(receipt.callback, path))
        for receipt in receipts
    ]
    send, responses, now = _sender_to(to), [], 0.0
    for scheduled in arrange(recordings, ReplayOptions(order, seed, duplicate=duplicate, speed=speed)):
        if scheduled.due > now:
            sleep(scheduled.due - now)
            now = scheduled.due
        responses.append(send(scheduled.recording.callback))
    return responses


def is_function(to: Target) -> bool:
    """Whether a target takes the fields of a receipt, and not a request."""
    return _sending(to) is _call


def _path_in(to: Target) -> str:
    if not isinstance(to, str):
        return CALLBACK_PATH
    parts = urlsplit(to if "://" in to else f"http://{to}")
    path = parts.path if parts.path.strip("/") else CALLBACK_PATH
    return f"{path}?{parts.query}" if parts.query else path


def _at(callback: Callback, path: str) -> Callback:
    # The recorded path is never sent: it can end in the secret token of a callback URL, and so can headers.
    return replace(without_secret(callback), target=with_path(callback.target, path))


_Sending = Callable[[Callback, Any], HandlerResponse]


def _sender_to(to: Target) -> Callable[[Callback], HandlerResponse]:
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
        return None if inspect.iscoroutinefunction(getattr(to, "request", None)) else _request
    if not callable(to) or any(map(inspect.iscoroutinefunction, (to, type(to).__call__))):
        return None
    by_arguments: dict[int, _Sending] = {1: _call, 2: _wsgi}
    return by_arguments.get(_arguments(to))


def _has(to: object, name: str) -> bool:
    # Not hasattr: a mock of a function has every attribute that is asked for.
    return inspect.getattr_static(to, name, None) is not None


def _arguments(to: Callable[..., object]) -> int:
    """With how many arguments it can be called: 1 for the fields, 2 for a WSGI request, 0 for neither."""
    try:
        signature = inspect.signature(to)
    except ValueError:  # some built-in functions have none
        return 1
    for count in (1, 2):
        with suppress(TypeError):
            signature.bind(*range(count))
            return count
    return 0


def _push(callback: Callback, url: str) -> HandlerResponse:
    from devkit.http.address import parse_address
    from devkit.http.client import push

    address = parse_address(url)
    response = push(readdress(callback, Destination(address.netloc, callback.path)), address)
    return HandlerResponse(response.status, response.body)


def _open(callback: Callback, client: Any, **options: Any) -> HandlerResponse:
    response = client.open(
        _target(callback),
        method=callback.method,
        data=callback.body,
        headers=list(_headers(callback)),
        **options,
    )
    with closing(response):  # as a server does
        return HandlerResponse(response.status_code, response.get_data())


def _wsgi(callback: Callback, application: Any) -> HandlerResponse:
    from werkzeug.test import Client  # 50 ms that most targets don't need

    return _open(callback, Client(application), environ_base={"REMOTE_ADDR": "127.0.0.1"})


def _generic(callback: Callback, client: Any) -> HandlerResponse:
    headers = _cgi_headers(_headers(callback))
    content_type = headers.pop("CONTENT_TYPE", "")
    response = client.generic(callback.method, _target(callback), callback.body, content_type, **headers)
    return HandlerResponse(response.status_code, b"".join(response))


def _request(callback: Callback, client: Any) -> HandlerResponse:
    response = client.request(
        callback.method,
        _target(callback),
        content=callback.body,
        headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in _headers(callback)],
        follow_redirects=False,
    )
    return HandlerResponse(response.status_code, response.content)


def _call(callback: Callback, function: Function) -> HandlerResponse:
    reading = read(callback)
    if isinstance(reading, Unreadable):
        raise TypeError(f"A function of the fields can't be given this callback. {reading.problem}")
    value = function(dict(reading.fields))
    status = value if isinstance(value, int) and not isinstance(value, bool) else 200
    return HandlerResponse(status, value=value)


_PRINTABLE = "".join(map(chr, range(33, 127)))
# Headers of a connection or a host: the client sets its own, not the recorded ones.
_CLIENT_SETS = CONNECTION_HEADERS | {"host", "content-length"}


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
    # Clients take text, and would encode a byte beyond ASCII in another way than it arrived.
    return quote(callback.target, safe=_PRINTABLE, encoding="latin-1")
