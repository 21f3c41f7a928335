"""The public web application: takes callbacks, refuses everything else. The only app that the tunnel leads to."""

import hmac
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal
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


def classify(callback: Callback, remote: str, token: str, captured: str = "") -> IncomingRequest:
    """What a request is. remote: the peer's address. token: as in `create_receiver`. Pure."""

    def incoming(kind: RequestKind, status: int = 200) -> IncomingRequest:
        return IncomingRequest(kind, callback, captured, status)

    if not _is_admitted(callback, remote, token):
        return incoming("refused", 404)
    if callback.method not in _METHODS:
        return incoming("refused", 405)  # only those who may use the path learn which methods it takes
    if callback.method == "HEAD":
        return incoming("head")
    if callback.method == "GET" and not callback.query and not callback.body:
        return incoming("probe")
    return incoming(_receipt_kind(callback, remote))


def create_receiver(handle: Handler, *, token: str, trusts_local: bool = True) -> Flask:
    """The application. handle: called with each request, in any thread; returns the HTTP status.

    token: the last segment of the callback path; empty when everybody may use the bare path.
    trusts_local: False when a tunnel leads here that does not show which requests came through it. Then none counts as
    sent by a program on this machine.
    """
    app = Flask("devkit.receiver", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY

    @app.before_request  # of every path and method: there are no routes
    def respond() -> Response:
        callback, captured = callback_of(request.environ, request.get_data(cache=False))
        remote = request.remote_addr if trusts_local else None
        incoming = classify(callback, remote or "", token, captured)
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
    handle_batch: BatchHandler,
    listener: socket.socket,
    *,
    token: str,
    trusts_local: bool = True,
    timeout: float = 30,
) -> Iterator[None]:
    """Serve a receiver while the block runs.

    handle_batch: called in the server's one thread with the requests that arrived together. Returns an HTTP status for
    each, and the work to run after the responses were sent. It may wait for the disk, and for nothing else.
    token, trusts_local: as in `create_receiver`. timeout: as in `serve`.
    """
    app = create_receiver(partial(handle_one, handle_batch), token=token, trusts_local=trusts_local)
    handle_received = partial(_handle_received, token, trusts_local, handle_batch)
    with serve(app, listener, handle_batch=handle_received, timeout=timeout):
        yield


def handle_one(handle_batch: BatchHandler, incoming: IncomingRequest) -> int:
    """Handle one request that came alone, and run what follows its response."""
    (status,), after_response = handle_batch([incoming])
    after_response()
    return status


def _handle_received(
    token: str, trusts_local: bool, handle_batch: BatchHandler, received: Sequence[ReceivedRequest]
) -> tuple[list[int | None], AfterResponse]:
    """Handle requests without Flask's dispatch, which costs more than recording does.

    Methods other than GET and POST are left to the Flask application: they are rare, and need more than a status.
    """
    incoming = [
        classify(each.callback, each.remote if trusts_local else "", token, each.captured)
        if each.callback.method in ("GET", "POST")
        else None
        for each in received
    ]
    found, after_response = handle_batch([each for each in incoming if each])
    statuses = iter(found)
    return [_status(each, next(statuses)) if each else None for each in incoming], after_response


def _status(incoming: IncomingRequest, handled: int) -> int:
    return incoming.status if incoming.kind == "refused" else handled


def _receipt_kind(callback: Callback, remote: str) -> RequestKind:
    replayed, triggered = (callback.header(name) is not None for name in (REPLAY_HEADER, TRIGGER_HEADER))
    if not (replayed or triggered) or not _is_local(callback, remote):
        return "receipt"
    return "replay" if replayed else "triggered"  # the replay of a triggered receipt has both headers


def _is_admitted(callback: Callback, remote: str, token: str) -> bool:
    if not is_origin_form(callback.target):  # what is read in two ways has its token in two places
        return False
    path = unquote(f"/{callback.path.lstrip('/')}", encoding="latin-1")
    if path == CALLBACK_PATH:
        return not token or _is_local(callback, remote)
    start, _, segment = path.rpartition("/")
    return start == CALLBACK_PATH and bool(token) and hmac.compare_digest(segment.encode(), token.encode())


def _is_local(callback: Callback, remote: str) -> bool:
    """Whether a program on this machine sent the request, not the tunnel and not a web page."""
    return not rejection_reason(callback, remote, own_pages=False)


def _empty_response(status: int) -> Response:
    response = Response(status=status)
    if status == 405:
        response.headers["Allow"] = ", ".join(_METHODS)
    del response.headers["Content-Type"]  # there is no content
    return response
