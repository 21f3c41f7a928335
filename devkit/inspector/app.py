"""The inspector as a web application, and a server for it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException

from devkit import __version__
from devkit.errors import DevkitError
from devkit.fixture.store import Store
from devkit.http.address import parse_address
from devkit.http.local_access import rejection_reason
from devkit.http.request import callback_of
from devkit.http.server import MAX_BODY, serve
from devkit.inspector import template_filters
from devkit.inspector.api import api, cursor, stream
from devkit.inspector.context import InspectorContext, Options
from devkit.inspector.event_log import EventLog
from devkit.inspector.index import Index, Rows
from devkit.inspector.replay_form import replayer
from devkit.inspector.search import KINDS, SIGNATURES
from devkit.inspector.views import actions, pages, wants_fragment
from devkit.webhook.receipt import short_id
from devkit.webhook.timeline import stage
from devkit.webhook.vocabulary import ERR_CODES, STATUSES, TRANSPORT_MEANINGS

# No script but ours, no style but ours, nothing from anywhere else, and in nobody's frame.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: with that, browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_THREADS = 10  # pages that watch hold at most four of them


def create_inspector(store: Store, event_log: EventLog, options: Options | None = None) -> Flask:
    """The application. feed: what happens in the session; close it before the server is stopped.

    Answers nobody but its own pages and programs on this machine; see `local_access`.
    """
    options = options or Options()
    context = _sources(store, event_log, options)
    app = Flask("devkit.inspector")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["MAX_FORM_PARTS"] = 4_000
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    for part in (pages(context), actions(context), api(context), stream(context)):
        app.register_blueprint(part)
    app.before_request(_refuse_strangers)
    app.after_request(_add_headers)
    app.register_error_handler(DevkitError, _show_error)
    app.register_error_handler(HTTPException, _show_http_error)
    _register_template_helpers(app, context)
    return app


@contextmanager
def serve_inspector(app: Flask, event_log: EventLog, listener: socket.socket) -> Iterator[None]:
    """Serve the inspector while the block runs. Pages that watch are sent away first, or they would hold the end up."""
    with serve(app, listener, threads=_THREADS):
        try:
            yield
        finally:
            event_log.close()


def _sources(store: Store, event_log: EventLog, options: Options) -> InspectorContext:
    clock = options.clock or (lambda: datetime.now(UTC))
    receiver = parse_address(options.receiver_url)
    usual = options.forward_to or receiver
    replay = options.replay or replayer(
        options.secret, options.method, usual=usual, receiver=receiver, clock=clock
    )
    rows = Rows(store, options.secret, options.method)
    return InspectorContext(store, event_log, Index(store), rows, options, replay, clock)


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


def _register_template_helpers(app: Flask, context: InspectorContext) -> None:
    """The filters and values that templates know."""
    for name in ("visible", "prose", "plain", "short", "span", "exact_time"):
        app.jinja_env.filters[name] = getattr(template_filters, name)
    app.jinja_env.filters["short_id"] = short_id
    app.jinja_env.filters["stage"] = stage
    app.jinja_env.filters["tone"] = _tone

    def known() -> dict[str, object]:
        now, zone = context.clock(), context.options.zone
        return {
            "now": now,
            "ago": lambda moment: template_filters.ago(moment, now),
            "clock_time": lambda moment, fine=False: template_filters.clock_time(
                moment, now, zone, fine=fine
            ),
            "options": context.options,
            "version": __version__,
            "choices": _CHOICES,
            "transports": TRANSPORT_MEANINGS,
            "after": cursor(context, context.event_log.last),
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
