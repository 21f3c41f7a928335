"""The inspector as a web application: its headers, its error pages, the filters of its templates, its server."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException

from devkit import __version__
from devkit.errors import DevkitError
from devkit.fixture.deletion import Trash
from devkit.fixture.explain import KIND_NAMES
from devkit.fixture.response_log import RESPONSES, Responses
from devkit.fixture.store import Store
from devkit.http.local_access import rejection_reason
from devkit.http.request import callback_of
from devkit.http.server import MAX_BODY, serve
from devkit.inspector.api import api
from devkit.inspector.context import InspectorContext, Options
from devkit.inspector.event_log import EventLog
from devkit.inspector.event_stream import stream
from devkit.inspector.index import Index, Rows
from devkit.inspector.keep_form import keep_form
from devkit.inspector.search import KINDS, SIGNATURES, read_interval
from devkit.inspector.selected_messages import selected_messages, trash
from devkit.inspector.send_form import send_forms
from devkit.inspector.session_panel import readiness, session_panel
from devkit.inspector.template_filters import clock_time, day, interval, register_filters, time_tag
from devkit.inspector.views import pages, wants_fragment
from devkit.webhook.vocabulary import ALL_STATUSES, ERR_CODES, MESSAGES_ERRORS, TRANSPORT_MEANINGS

# Only our own script, style and images, and no frames.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
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

_THREADS = 10  # subscribed pages hold at most four of them


def create_inspector(store: Store, event_log: EventLog, options: Options | None = None) -> Flask:
    """The application. event_log: the events of the session; close it before the server is stopped.

    It answers only its own pages and programs on this machine; see `http.local_access`.
    """
    options = options or Options()
    rows = Rows(store, options.secret, options.method)
    context = InspectorContext(store, event_log, options, Index(store), rows, Responses(options.private))
    if options.private:
        Trash(options.private, store).empty(options.clock())
    app = Flask("devkit.inspector")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["MAX_FORM_PARTS"] = 4_000
    for part in (
        pages,
        keep_form,
        selected_messages,
        trash,
        send_forms,
        session_panel,
        readiness,
        api,
        stream,
    ):
        app.register_blueprint(part(context))
    app.before_request(_reject_others)
    app.after_request(_add_headers)
    app.register_error_handler(DevkitError, _show_error)
    app.register_error_handler(HTTPException, _show_http_error)
    _register_template_helpers(app, context)
    return app


@contextmanager
def serve_inspector(app: Flask, event_log: EventLog, listener: socket.socket) -> Iterator[None]:
    """Serve the inspector while the block runs. Subscriptions end first: the server waits for open requests."""
    with serve(app, listener, threads=_THREADS):
        try:
            yield
        finally:
            event_log.close()


def _reject_others() -> Response | None:
    callback, _ = callback_of(request.environ, b"")
    reason = rejection_reason(callback, request.remote_addr or "", own_pages=True)
    if not reason:
        return None
    return Response(f"Refused: {reason}\n", status=403, mimetype="text/plain")


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers[name] = value
    return response


_HTTP_ERRORS = {
    404: ("No such page or recording.", "The address may be misspelt, or the recording was deleted."),
    405: ("Method not allowed.", "Open the list, and use its forms and buttons."),
}


def _show_error(error: DevkitError) -> tuple[str, int]:
    return _error_page(error.message, error.hint, 400)


def _show_http_error(error: HTTPException) -> tuple[str, int]:
    code = error.code or 500
    message, hint = _HTTP_ERRORS.get(code, (error.name, ""))
    return _error_page(message, hint, code)


def _error_page(message: str, hint: str, status: int) -> tuple[str, int]:
    template = "_error.html" if wants_fragment() else "error.html"
    return render_template(template, message=message, hint=hint, status=status), status


def _register_template_helpers(app: Flask, context: InspectorContext) -> None:
    options, environment = context.options, app.jinja_env
    register_filters(environment)

    def values() -> dict[str, object]:
        now, zone = options.clock(), options.zone
        return {
            "now": now,
            "time_tag": lambda moment: time_tag(moment, now, zone),
            "clock_time": lambda moment, fine=False: clock_time(moment, now, zone, fine=fine),
            "day": lambda moment: day(moment, zone),
            "interval": lambda within: interval(*read_interval(within), zone),
            "options": options,
            "version": __version__,
            "choices": _CHOICES,
            "target": context.target,
            "transports": TRANSPORT_MEANINGS,
            "kinds": KIND_NAMES,
            "cursor": context.event_log.cursor(context.event_log.last),
        }

    app.context_processor(values)


_CHOICES = {
    "status": [(status, status) for status in ALL_STATUSES],
    "err_code": [(code, f"{code} {err_code.name}") for code, err_code in ERR_CODES.items()],
    "error": [(number, f"{number} {error.name}") for number, error in MESSAGES_ERRORS.items()],
    "signature": [(signature, signature) for signature in SIGNATURES],
    "kind": list(KINDS.items()),
    "response": list(RESPONSES.items()),
    "within": [
        ("10m", "last 10 minutes"),
        ("1h", "last hour"),
        ("24h", "last 24 hours"),
        ("7d", "last 7 days"),
    ],
}
