"""The public web application: takes callbacks, refuses everything else. The only app that the tunnel leads to."""

import hmac
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, Protocol
from urllib.parse import unquote

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from devkit.http.channel import AfterResponse
from devkit.http.local_access import rejection_reason
from devkit.http.request import ReceivedRequest, callback_of
from devkit.http.server import MAX_BODY, serve
from devkit.webhook.callback import CALLBACK_PATH, REPLAY_HEADER, TRIGGER_HEADER, Callback, is_origin_form

_METHODS = ("GET", "HEAD", "POST")

RequestKind = Literal["receipt", "triggered", "replay", "probe", "head", "refused"]


@dataclass(frozen=True, slots=True)
class IncomingRequest:
    """A classified request. captured: a note of what is not exact; empty when all is.

    receipt: perhaps an unreadable one. triggered: one that devkit on this machine made. replay: one that devkit on this
    machine sends again. probe: a GET without parameters. head: handlers do not get it. refused: informational, the
    handler's return value is ignored.
    status: what the client gets for `head` and `refused`; otherwise the handler decides.
    """

    kind: RequestKind
    callback: Callback
    captured: str = ""
    status: int = 200


Handler = Callable[[IncomingRequest], int]
BatchHandler = Callable[[Sequence[IncomingRequest]], tuple[Sequence[int], AfterResponse]]


class Access(Protocol):
    """Who may send to a receiver. remote: the peer's address."""

    def admits(self, callback: Callback, remote: str) -> bool:
        """Whether the request has a path of this receiver, and may use it."""

    def is_local(self, callback: Callback, remote: str) -> bool:
        """Whether a program on this machine sent it, not the tunnel and not a web page."""


@dataclass(frozen=True, slots=True)
class TokenAccess:
    """A session's receiver: who has the token may use the callback path, and programs on this machine without it.

    token: the last segment of the callback path; empty when everybody may use the bare path.
    trusts_local: False when a tunnel leads here that does not show which requests came through it. Then none counts as
    sent by a program on this machine.
    """

    token: str = field(repr=False)
    trusts_local: bool = True

    def admits(self, callback: Callback, remote: str) -> bool:
        if not is_origin_form(callback.target):  # what is read in two ways has its token in two places
            return False
        path = unquote(f"/{callback.path.lstrip('/')}", encoding="latin-1")
        if path == CALLBACK_PATH:
            return not self.token or self.is_local(callback, remote)
        start, _, segment = path.rpartition("/")
        is_right = hmac.compare_digest(segment.encode(), self.token.encode())
        return start == CALLBACK_PATH and bool(self.token) and is_right

    def is_local(self, callback: Callback, remote: str) -> bool:
        return self.trusts_local and not rejection_reason(callback, remote, own_pages=False)


def classify(received: ReceivedRequest, access: Access) -> IncomingRequest:
    """What a request is. Pure."""
    callback = received.callback

    def incoming(kind: RequestKind, status: int = 200) -> IncomingRequest:
        return IncomingRequest(kind, callback, received.captured, status)

    if not access.admits(callback, received.remote):
        return incoming("refused", 404)
    if callback.method not in _METHODS:
        return incoming("refused", 405)  # only those who may use the path learn which methods it takes
    if callback.method == "HEAD":
        return incoming("head")
    if callback.method == "GET" and not callback.query and not callback.body:
        return incoming("probe")
    return incoming(_receipt_kind(callback, received.remote, access))


def create_receiver(handle: Handler, access: Access) -> Flask:
    """The application. handle: called with each request, in any thread; returns the HTTP status."""
    app = Flask("devkit.receiver", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY

    @app.before_request  # of every path and method: there are no routes
    def respond() -> Response:
        callback, captured = callback_of(request.environ, request.get_data(cache=False))
        incoming = classify(ReceivedRequest(callback, request.remote_addr or "", captured), access)
        if incoming.kind == "head":
            return _empty_response(incoming.status)
        return _empty_response(_status(incoming, handle(incoming)))

    @app.errorhandler(HTTPException)
    def respond_to_error(error: HTTPException) -> Response:
        # The usual page says what runs here. The traceback of a bug is in the log.
        return _empty_response(error.code or 500)

    return app


@contextmanager
def serve_receiver(
    handle_batch: BatchHandler, listener: socket.socket, access: Access, *, timeout: float = 30
) -> Iterator[None]:
    """Serve a receiver while the block runs.

    handle_batch: called in the server's one thread with the requests that arrived together. Returns an HTTP status for
    each, and the work to run after the responses were sent. It may wait for the disk, and for nothing else.
    timeout: as in `serve`.
    """
    app = create_receiver(partial(handle_one, handle_batch), access)
    with serve(app, listener, handle_batch=partial(_handle_received, access, handle_batch), timeout=timeout):
        yield


def handle_one(handle_batch: BatchHandler, incoming: IncomingRequest) -> int:
    """Handle one request that came alone, and run what follows its response."""
    (status,), after_response = handle_batch([incoming])
    after_response()
    return status


def _handle_received(
    access: Access, handle_batch: BatchHandler, received: Sequence[ReceivedRequest]
) -> tuple[list[int | None], AfterResponse]:
    """Handle requests without Flask's dispatch, which costs more than recording does.

    Methods other than GET and POST are left to the Flask application: they are rare, and need more than a status.
    """
    incoming = [
        classify(each, access) if each.callback.method in ("GET", "POST") else None for each in received
    ]
    found, after_response = handle_batch([each for each in incoming if each])
    statuses = iter(found)
    return [_status(each, next(statuses)) if each else None for each in incoming], after_response


def _status(incoming: IncomingRequest, handled: int) -> int:
    return incoming.status if incoming.kind == "refused" else handled


def _receipt_kind(callback: Callback, remote: str, access: Access) -> RequestKind:
    replayed, triggered = (callback.header(name) is not None for name in (REPLAY_HEADER, TRIGGER_HEADER))
    if not (replayed or triggered) or not access.is_local(callback, remote):
        return "receipt"
    return "replay" if replayed else "triggered"  # the replay of a triggered receipt has both headers


def _empty_response(status: int) -> Response:
    response = Response(status=status)
    if status == 405:
        response.headers["Allow"] = ", ".join(_METHODS)
    del response.headers["Content-Type"]  # there is no content
    return response
