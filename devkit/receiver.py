"""The public web application: takes callbacks, refuses everything else. The only app that the tunnel leads to."""

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from devkit.callback import CALLBACK_PATH, FORWARDING_HEADERS, REPLAY_HEADER, Callback
from devkit.loopback import is_loopback, names_loopback
from devkit.server import MAX_BODY
from devkit.wsgi import HEADERS_KEY, StartResponse, WSGIApplication, callback_of

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
    door = _Door(take, token)

    def arrive(given: str = "") -> Response:
        callback, captured = callback_of(request.environ, request.get_data(cache=False))
        if not door.admits(callback, given, request.remote_addr or ""):
            return _answer(door.refuse(callback, 404))
        return _answer(door.take_in(callback, captured, request.remote_addr or ""))

    def no_route(_: Exception) -> Response:
        return _answer(door.refuse(callback_of(request.environ, b"")[0], 404))

    def no_method(_: Exception) -> Response:
        # Which methods a path takes is told only to those who may use the path.
        callback, _captured = callback_of(request.environ, b"")
        admitted = door.admits(callback, _token_in(request.path), request.remote_addr or "")
        return _answer(door.refuse(callback, 405 if admitted else 404))

    def no_words(error: HTTPException) -> Response:
        # The usual page would tell what runs here. A bug's traceback is in the log.
        return _answer(error.code or 500)

    for path in (CALLBACK_PATH, f"{CALLBACK_PATH}/<given>"):
        app.add_url_rule(path, path, arrive, methods=_METHODS, provide_automatic_options=False)
    app.register_error_handler(404, no_route)
    app.register_error_handler(405, no_method)
    app.register_error_handler(HTTPException, no_words)
    wrapped = _straight(door, app.wsgi_app)
    app.wsgi_app = wrapped  # type: ignore[method-assign, assignment]  # as Flask's documentation wraps one
    return app


@dataclass(frozen=True, slots=True)
class _Door:
    """Who may come in, and as what."""

    take: Take
    token: str

    def admits(self, callback: Callback, given: str, remote: str) -> bool:
        """given: the last segment of the path. remote: the peer's address."""
        if not given:
            return not self.token or came_straight(callback, remote)
        return bool(self.token) and hmac.compare_digest(given.encode(), self.token.encode())

    def take_in(self, callback: Callback, captured: str, remote: str) -> int:
        """The status for a callback that was admitted."""
        if callback.method == "HEAD":
            return 200
        return self.take(Arrival(_kind(callback, remote), callback, captured))

    def refuse(self, callback: Callback, status: int) -> int:
        self.take(Arrival("refused", callback, status=status))
        return status


def _straight(door: _Door, dispatch: WSGIApplication) -> WSGIApplication:
    """Takes an admitted callback without Flask's dispatch, which costs more than recording does.

    Whatever is out of the ordinary goes the long way, and gets there the answer that it would get here.
    """

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        callback = _plain_callback(environ)
        remote: str = environ.get("REMOTE_ADDR", "")
        if callback is None or not door.admits(callback, _token_in(environ["PATH_INFO"]), remote):
            return dispatch(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        callback, captured = callback_of(environ, body)
        status = HTTPStatus(door.take_in(callback, captured, remote))
        start_response(f"{status.value} {status.phrase}", [("Content-Length", "0")])
        return ()

    return application


def _token_in(path: str) -> str:
    return path.removeprefix(CALLBACK_PATH).removeprefix("/")


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
    """Whether a request came from a program on this machine, not through the tunnel and not from a web page.

    remote: the peer's address. A tunnel's agent is local too, but it forwards the public Host or says for whom.
    """
    if not is_loopback(remote) or any(name.lower() in FORWARDING_HEADERS for name, _ in callback.headers):
        return False
    hosts = [value for name, value in callback.headers if name.lower() == "host"]
    if len(hosts) != 1:
        return False
    return names_loopback(hosts[0]) and not _is_of_a_page(callback)


def _is_of_a_page(callback: Callback) -> bool:
    # Any page that the developer looks at can have the browser post a form to this machine. `none`: typed by hand.
    return callback.header("Origin") is not None or callback.header("Sec-Fetch-Site") not in (None, "none")


def _kind(callback: Callback, remote: str) -> Kind:
    if callback.method == "GET" and not callback.query:
        return "probe"
    if callback.header(REPLAY_HEADER) is not None and came_straight(callback, remote):
        return "replay"
    return "receipt"


def _answer(status: int) -> Response:
    response = Response(status=status)
    if status == 405:
        response.headers["Allow"] = ", ".join(_METHODS)
    del response.headers["Content-Type"]  # there is no content
    return response
