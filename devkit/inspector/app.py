"""The inspector as a web application, and a server for it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException

from devkit import __version__
from devkit.errors import DevkitError
from devkit.inspector import phrase
from devkit.inspector.action import actions
from devkit.inspector.api import api
from devkit.inspector.feed import Feed
from devkit.inspector.guard import HEADERS
from devkit.inspector.index import Index
from devkit.inspector.option import Options
from devkit.inspector.order import replayer
from devkit.inspector.page import pages
from devkit.inspector.query import KINDS, SIGNATURES
from devkit.inspector.render import wants_fragment
from devkit.inspector.row import Rows
from devkit.inspector.source import Sources
from devkit.inspector.stream import place, stream
from devkit.local_access import rejection_reason
from devkit.message_id import short_id
from devkit.push import parse_address
from devkit.server import MAX_BODY, serve
from devkit.store import Store
from devkit.timeline import stage
from devkit.vocabulary import ERR_CODES, STATUSES
from devkit.wsgi import callback_of

_THREADS = 10  # pages that watch hold at most four of them


def create_inspector(store: Store, feed: Feed, options: Options | None = None) -> Flask:
    """The application. feed: what happens in the session; close it before the server is stopped.

    Answers nobody but its own pages and programs on this machine; see `local_access`.
    """
    options = options or Options()
    sources = _sources(store, feed, options)
    app = Flask("devkit.inspector")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["MAX_FORM_PARTS"] = 4_000
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    for part in (pages(sources), actions(sources), api(sources), stream(sources)):
        app.register_blueprint(part)
    app.before_request(_refuse_strangers)
    app.after_request(_add_headers)
    app.register_error_handler(DevkitError, _show_error)
    app.register_error_handler(HTTPException, _show_http_error)
    _teach(app, sources)
    return app


@contextmanager
def serve_inspector(app: Flask, feed: Feed, listener: socket.socket) -> Iterator[None]:
    """Serve the inspector while the block runs. Pages that watch are sent away first, or they would hold the end up."""
    with serve(app, listener, threads=_THREADS):
        try:
            yield
        finally:
            feed.close()


def _sources(store: Store, feed: Feed, options: Options) -> Sources:
    clock = options.clock or (lambda: datetime.now(UTC))
    receiver = parse_address(options.receiver_url)
    usual = options.forward_to or receiver
    replay = options.replay or replayer(
        options.secret, options.method, usual=usual, receiver=receiver, clock=clock
    )
    rows = Rows(store, options.secret, options.method)
    return Sources(store, feed, Index(store), rows, options, replay, clock)


def _refuse_strangers() -> Response | None:
    asked, _ = callback_of(request.environ, b"")
    why = rejection_reason(asked, request.remote_addr or "", own_pages=True)
    if not why:
        return None
    return Response(f"Refused: {why}\n", status=403, mimetype="text/plain")


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers[name] = value
    return response


def _show_error(error: DevkitError) -> tuple[str, int]:
    return _error_page(error.message, error.hint, 400)


def _show_http_error(error: HTTPException) -> tuple[str, int]:
    words = {404: "There is no such page or recording.", 405: "The page cannot be asked in this way."}
    code = error.code or 500
    return _error_page(words.get(code, error.name), "The recordings are listed at /", code)


def _error_page(message: str, hint: str, status: int) -> tuple[str, int]:
    template = "_error.html" if wants_fragment() else "error.html"
    return render_template(template, message=message, hint=hint), status


def _teach(app: Flask, sources: Sources) -> None:
    """The filters and values that templates know."""
    for name in ("visible", "prose", "plain", "short", "span", "exact_time"):
        app.jinja_env.filters[name] = getattr(phrase, name)
    app.jinja_env.filters["short_id"] = short_id
    app.jinja_env.filters["stage"] = stage
    app.jinja_env.filters["tone"] = _tone

    def known() -> dict[str, object]:
        now, zone = sources.clock(), sources.options.zone
        return {
            "now": now,
            "ago": lambda moment: phrase.ago(moment, now),
            "clock_time": lambda moment, fine=False: phrase.clock_time(moment, now, zone, fine=fine),
            "options": sources.options,
            "version": __version__,
            "choices": _CHOICES,
            "after": place(sources, sources.feed.last),
        }

    app.context_processor(known)


_CHOICES = {
    "status": [(status, status) for status in STATUSES],
    "err_code": [(code, f"{code} {err_code.name}") for code, err_code in ERR_CODES.items()],
    "signature": [(signature, signature) for signature in SIGNATURES],
    "kind": [(kind, words) for kind, words in KINDS.items()],
    "within": [
        ("10m", "last 10 minutes"),
        ("1h", "last hour"),
        ("24h", "last 24 hours"),
        ("7d", "last 7 days"),
    ],
}


def _tone(status: str) -> str:
    """A status as a style: its own name if it is a documented one, for no foreign text may name a style."""
    return status if status in STATUSES else "other" if status else "unreadable"
