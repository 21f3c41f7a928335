"""The public web application: takes callbacks, refuses everything else. The only app that the tunnel leads to."""

import hmac
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from devkit.callback import CALLBACK_PATH, FORWARDING_HEADERS, Callback
from devkit.server import MAX_BODY
from devkit.wsgi import callback_of

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

    for path in (CALLBACK_PATH, f"{CALLBACK_PATH}/<given>"):
        app.add_url_rule(path, path, arrive, methods=_METHODS, provide_automatic_options=False)
    app.register_error_handler(404, no_route)
    app.register_error_handler(405, no_method)
    app.register_error_handler(HTTPException, no_words)
    return app


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


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
