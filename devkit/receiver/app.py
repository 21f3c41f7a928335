"""The public web application: takes callbacks, refuses everything else. The only app that the tunnel leads to."""

import hmac
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from devkit.http.channel import AfterResponse
from devkit.http.local_access import rejection_reason
from devkit.http.request import callback_of
from devkit.http.server import MAX_BODY, serve
from devkit.webhook.callback import CALLBACK_PATH, REPLAY_HEADER, Callback, is_origin_form

_METHODS = ("GET", "HEAD", "POST")

RequestKind = Literal["receipt", "probe", "replay", "refused"]


@dataclass(frozen=True, slots=True)
class IncomingRequest:
    """A request that came in. captured: what is not as it was on the wire, empty when all is.

    kind `receipt` may yet turn out to be unreadable; `replay` came from devkit on this machine;
    `refused` is for the eyes only: whatever the taker answers, the sender gets `status`.
    """

    kind: RequestKind
    callback: Callback
    captured: str = ""
    status: int = 200


Handler = Callable[[IncomingRequest], int]
BatchHandler = Callable[[Sequence[IncomingRequest]], tuple[Sequence[int], AfterResponse]]


def create_receiver(take: Handler, *, token: str) -> Flask:
    """The application. take: called with each arrival, in any thread; what it returns is the HTTP status.

    token: the last segment of the callback path; empty when the bare path is open to everybody.
    """
    app = Flask("devkit.receiver", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.url_map.merge_slashes = False  # or `//` would be answered with a redirect that names the path

    def refuse(callback: Callback, status: int) -> Response:
        take(IncomingRequest("refused", callback, status=status))
        return _answer(status)

    def arrive(given: str = "") -> Response:
        callback, captured = callback_of(request.environ, request.get_data(cache=False))
        remote = request.remote_addr or ""
        if not _admits(callback, given, remote, token):
            return refuse(callback, 404)
        if callback.method == "HEAD":
            return _answer(200)
        return _answer(take(IncomingRequest(_kind(callback, remote), callback, captured)))

    def no_route(_: Exception) -> Response:
        return refuse(callback_of(request.environ, b"")[0], 404)

    def no_method(_: Exception) -> Response:
        # Which methods a path takes is told only to those who may use the path.
        callback, _captured = callback_of(request.environ, b"")
        admitted = _admits(callback, _given_in(request.path) or "", request.remote_addr or "", token)
        return refuse(callback, 405 if admitted else 404)

    def no_words(error: HTTPException) -> Response:
        # The usual page would tell what runs here. A bug's traceback is in the log.
        return _answer(error.code or 500)

    for path in (CALLBACK_PATH, f"{CALLBACK_PATH}/<given>"):
        app.add_url_rule(path, path, arrive, methods=_METHODS, provide_automatic_options=False)
    app.register_error_handler(404, no_route)
    app.register_error_handler(405, no_method)
    app.register_error_handler(HTTPException, no_words)
    return app


@contextmanager
def serve_receiver(
    handle_batch: BatchHandler, listener: socket.socket, *, token: str, patience: float = 30
) -> Iterator[None]:
    """Serve a receiver while the block runs. take_all: called with the arrivals that came at the same time, in the
    server's one thread; gives an HTTP status for each, and what is left to do when they are answered. It may wait for
    the disk, and for nothing else.

    token: as in `create_receiver`. patience: as in `serve`.
    """
    app = create_receiver(partial(handle_one, handle_batch), token=token)
    with serve(app, listener, ahead=partial(_handle_environs, token, handle_batch), patience=patience):
        yield


def handle_one(handle_batch: BatchHandler, incoming: IncomingRequest) -> int:
    """Handle one request that came alone, and run what follows its response."""
    (status,), after_response = handle_batch([incoming])
    after_response()
    return status


def _admits(callback: Callback, given: str, remote: str, token: str) -> bool:
    """Whether a request may come in. given: the last segment of its path. remote: the peer's address."""
    if not is_origin_form(callback.target):  # what is read in two ways has its token in two places
        return False
    if not given:
        return not token or _came_straight(callback, remote)
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())


def _handle_environs(
    token: str, handle_batch: BatchHandler, environs: Sequence[dict[str, Any]]
) -> tuple[list[int | None], AfterResponse]:
    """Handle admitted callbacks without Flask's dispatch, which costs more than recording does.

    Every other request is left to the Flask application, which decides by the same rules.
    """
    requests = [_plain_request(environ, token) for environ in environs]
    found, after_response = handle_batch([request for request in requests if request])
    statuses = iter(found)
    return [next(statuses) if request else None for request in requests], after_response


def _plain_request(environ: dict[str, Any], token: str) -> IncomingRequest | None:
    """An admitted GET or POST on the callback path; None for any other request."""
    given, remote = _given_in(environ["PATH_INFO"]), environ["REMOTE_ADDR"]
    if given is None or environ["REQUEST_METHOD"] not in ("GET", "POST"):
        return None
    callback, captured = callback_of(environ, b"")
    if not _admits(callback, given, remote, token):
        return None
    # Read only now: the long way reads it, too, and it can be read once.
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    callback = Callback(callback.method, callback.target, callback.headers, body)
    return IncomingRequest(_kind(callback, remote), callback, captured)


def _given_in(path: str) -> str | None:
    """The segment below the callback path, empty for the path itself; None for any other path."""
    if path == CALLBACK_PATH:
        return ""
    before, _, given = path.rpartition("/")
    return given if before == CALLBACK_PATH and given else None


def _came_straight(callback: Callback, remote: str) -> bool:
    """Whether a request came from a program on this machine, not through the tunnel and not from a web page."""
    return not rejection_reason(callback, remote, own_pages=False)


def _kind(callback: Callback, remote: str) -> RequestKind:
    if callback.method == "GET" and not callback.query and not callback.body:
        return "probe"
    if callback.header(REPLAY_HEADER) is not None and _came_straight(callback, remote):
        return "replay"
    return "receipt"


def _answer(status: int) -> Response:
    response = Response(status=status)
    if status == 405:
        response.headers["Allow"] = ", ".join(_METHODS)
    del response.headers["Content-Type"]  # there is no content
    return response
