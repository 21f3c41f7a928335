"""The public web application: takes callbacks, refuses everything else. The only app that the tunnel leads to."""

import hmac
import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Literal

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from devkit.callback import CALLBACK_PATH, FORWARDING_HEADERS, Callback
from devkit.server import MAX_BODY
from devkit.wsgi import HEADERS_KEY, StartResponse, callback_of

PROBE_HEADER = "X-Devkit-Probe"
REPLAY_HEADER = "X-Devkit-Replay"

_METHODS = ("GET", "HEAD", "POST")

Kind = Literal["receipt", "probe", "replay", "refused"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that came in. captured: what is not as it was on the wire, empty when all is.

    kind `receipt` may yet turn out to be unreadable; `replay` came from devkit on this machine;
    `refused` is for the eyes only: whatever the taker answers, the sender gets `status`.
    """

    kind: Kind
    callback: Callback
    captured: str = ""
    status: int = 200


Take = Callable[[Arrival], int]


def create_receiver(take: Take, *, token: str) -> Flask:
    """The application. take: called with each arrival, in any thread; what it returns is the HTTP status.

    token: the last segment of the callback path; empty when the bare path is open to everybody.
    """
    app = Flask("devkit.receiver", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.url_map.merge_slashes = False  # or `//` would be answered with a redirect that names the path

    def arrive(given: str = "") -> Response:
        callback, captured = callback_of(request.environ, request.get_data(cache=False))
        local = came_straight(callback, request.remote_addr or "")
        if not _admits(given, token, local):
            return _refuse(take, callback, 404)
        if callback.method == "HEAD":
            return _answer(200)
        return _answer(take(Arrival(_kind(callback, local), callback, captured)))

    def no_route(_: Exception) -> Response:
        return _refuse(take, callback_of(request.environ, b"")[0], 404)

    def no_method(_: Exception) -> Response:
        # Which methods a path takes is told only to those who may use the path.
        callback, _captured = callback_of(request.environ, b"")
        given = request.path.removeprefix(CALLBACK_PATH).removeprefix("/")
        admitted = _admits(given, token, came_straight(callback, request.remote_addr or ""))
        return _refuse(take, callback, 405 if admitted else 404)

    def no_words(error: HTTPException) -> Response:
        # The usual page would tell what runs here. A bug's traceback is in the log.
        return _answer(error.code or 500)

    def straight(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Takes an admitted callback without Flask's dispatch, which costs more than recording does.

        Whatever is out of the ordinary goes the long way and gets the same answer there.
        """
        callback = _plain_callback(environ)
        if callback is not None:
            given = environ["PATH_INFO"].removeprefix(CALLBACK_PATH).removeprefix("/")
            local = came_straight(callback, environ["REMOTE_ADDR"])
            if _admits(given, token, local):
                body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                arrived, captured = callback_of(environ, body)
                status = HTTPStatus(take(Arrival(_kind(arrived, local), arrived, captured)))
                start_response(f"{status.value} {status.phrase}", [("Content-Length", "0")])
                return ()
        return dispatch(environ, start_response)

    dispatch = app.wsgi_app
    app.wsgi_app = straight  # type: ignore[method-assign]  # Flask's own documented way to wrap an application
    for path in (CALLBACK_PATH, f"{CALLBACK_PATH}/<given>"):
        app.add_url_rule(path, path, arrive, methods=_METHODS, provide_automatic_options=False)
    app.register_error_handler(404, no_route)
    app.register_error_handler(405, no_method)
    app.register_error_handler(HTTPException, no_words)
    return app


def _plain_callback(environ: dict[str, Any]) -> Callback | None:
    """The callback without its body, when the request is the ordinary one: our server, our path, GET or POST."""
    path: str = environ["PATH_INFO"]
    if (
        HEADERS_KEY not in environ
        or environ["REQUEST_METHOD"] not in ("GET", "POST")
        or not (path == CALLBACK_PATH or path.startswith(f"{CALLBACK_PATH}/"))
    ):
        return None
    return callback_of(environ, b"")[0]


def came_straight(callback: Callback, remote: str) -> bool:
    """Whether a request came from this machine and not through the tunnel.

    remote: the peer's address. A tunnel's agent is local too, but it forwards the public Host or says for whom.
    """
    if not _is_loopback(remote) or any(name.lower() in FORWARDING_HEADERS for name, _ in callback.headers):
        return False
    hosts = [value for name, value in callback.headers if name.lower() == "host"]
    if len(hosts) != 1:
        return False
    host = hosts[0]
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    return name.lower() == "localhost" or _is_loopback(name.strip("[]"))


def _admits(given: str, token: str, local: bool) -> bool:
    if not given:
        return local or not token
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())


def _kind(callback: Callback, local: bool) -> Kind:
    if callback.method == "GET" and not callback.query:
        return "probe"
    if local and callback.header(REPLAY_HEADER) is not None:
        return "replay"
    return "receipt"


def _refuse(take: Take, callback: Callback, status: int) -> Response:
    take(Arrival("refused", callback, status=status))
    return _answer(status)


def _answer(status: int) -> Response:
    response = Response(status=status)
    if status == 405:
        response.headers["Allow"] = ", ".join(_METHODS)
    del response.headers["Content-Type"]  # there is no content
    return response


@lru_cache(maxsize=256)  # nearly every request comes from one address
def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
