"""The inspector as a web application: its headers, its error pages, the filters of its templates, its server."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo

from flask import Flask, Response, render_template, request
from markupsafe import Markup, escape
from werkzeug.exceptions import HTTPException

from devkit import __version__
from devkit.errors import DevkitError
from devkit.fixture.store import Store
from devkit.http.local_access import rejection_reason
from devkit.http.request import callback_of
from devkit.http.server import MAX_BODY, serve
from devkit.inspector.api import api, stream
from devkit.inspector.context import InspectorContext, Options
from devkit.inspector.event_log import EventLog
from devkit.inspector.index import Index, Rows
from devkit.inspector.readiness import readiness
from devkit.inspector.search import KINDS, SIGNATURES
from devkit.inspector.views import actions, pages, wants_fragment
from devkit.webhook.masking import escaped_char, printable
from devkit.webhook.receipt import short_id
from devkit.webhook.vocabulary import ERR_CODES, STATUSES, TRANSPORT_MEANINGS

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
    context = InspectorContext(store, event_log, options, Index(store), rows)
    app = Flask("devkit.inspector")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["MAX_FORM_PARTS"] = 4_000
    for part in (pages(context), actions(context), api(context), stream(context), readiness(context)):
        app.register_blueprint(part)
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


def _show_error(error: DevkitError) -> tuple[str, int]:
    return _error_page(error.message, error.hint, 400)


def _show_http_error(error: HTTPException) -> tuple[str, int]:
    messages = {404: "No such page or recording.", 405: "Method not allowed."}
    code = error.code or 500
    return _error_page(messages.get(code, error.name), "The recordings are listed at /", code)


def _error_page(message: str, hint: str, status: int) -> tuple[str, int]:
    template = "_error.html" if wants_fragment() else "error.html"
    return render_template(template, message=message, hint=hint), status


def _register_template_helpers(app: Flask, context: InspectorContext) -> None:
    options, environment = context.options, app.jinja_env
    environment.trim_blocks = environment.lstrip_blocks = True
    for template_filter in (visible, prose, plain, short, duration, exact_time, short_id, status_class):
        environment.filters[template_filter.__name__] = template_filter

    def values() -> dict[str, object]:
        now, zone = options.clock(), options.zone
        return {
            "now": now,
            "time_tag": lambda moment: time_tag(moment, now, zone),
            "clock_time": lambda moment, fine=False: clock_time(moment, now, zone, fine=fine),
            "options": options,
            "version": __version__,
            "choices": _CHOICES,
            "transports": TRANSPORT_MEANINGS,
            "cursor": context.event_log.cursor(context.event_log.last),
        }

    app.context_processor(values)


_CHOICES = {
    "status": [(status, status) for status in STATUSES],
    "err_code": [(code, f"{code} {err_code.name}") for code, err_code in ERR_CODES.items()],
    "signature": [(signature, signature) for signature in SIGNATURES],
    "kind": list(KINDS.items()),
    "within": [
        ("10m", "last 10 minutes"),
        ("1h", "last hour"),
        ("24h", "last 24 hours"),
        ("7d", "last 7 days"),
    ],
}


def visible(text: object) -> Markup:
    """Received text as HTML. Characters that are invisible or reverse the line are escaped and marked."""
    received = str(text)
    if received.isprintable():
        return escape(received)
    return Markup("").join(
        escape(char)
        if char.isprintable()
        else Markup('<span class="escape">{}</span>').format(escaped_char(char))
        for char in received
    )


def plain(text: object) -> str:
    """As `visible`, for attributes, where no mark is possible."""
    return printable(str(text))


def prose(text: str) -> Markup:
    """A sentence of devkit's own tables, in which backticks mark code."""
    pieces = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(visible(piece)) if place % 2 else visible(piece)
        for place, piece in enumerate(pieces)
    )


def short(text: str, limit: int) -> str:
    """The text, cut to a number of characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def status_class(status: str) -> str:
    """The CSS class of a status. Only documented statuses name their own: received text must not name a class."""
    return status if status in STATUSES else "other" if status else "unreadable"


def duration(length: timedelta) -> str:
    """A duration: `340 ms`, `1.9 s`, `12.0 s`, `5 min`, `4 min 05 s`, `71 h 58 min`, `3 d 02 h`."""
    seconds = max(0.0, length.total_seconds())
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return _in_two_units(whole, 60, "min", 1, "s")
    if whole <= 3 * 86400:
        return _in_two_units(whole, 3600, "h", 60, "min")
    return _in_two_units(whole, 86400, "d", 3600, "h")


def _in_two_units(seconds: int, large: int, large_unit: str, small: int, small_unit: str) -> str:
    count, rest = divmod(seconds, large)
    smaller = rest // small
    return f"{count} {large_unit} {smaller:02d} {small_unit}" if smaller else f"{count} {large_unit}"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in one unit."""
    seconds = (now - moment).total_seconds()
    if seconds < 0:
        return "in the future" if seconds < -5 else "now"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "now" if seconds < 5 else f"{int(seconds)} s ago"


def clock_time(moment: datetime, now: datetime, zone: tzinfo | None, *, fine: bool = False) -> str:
    """A local time, with the date unless it is today. zone: None for that of this machine. fine: milliseconds."""
    local, today = moment.astimezone(zone), now.astimezone(zone)
    time = f"{local:%H:%M:%S}" + (f".{local.microsecond // 1000:03d}" if fine else "")
    if local.date() == today.date():
        return time
    return f"{local.day} {local:%b} {time}" if local.year == today.year else f"{local:%Y-%m-%d} {time}"


def time_tag(moment: datetime, now: datetime, zone: tzinfo | None) -> Markup:
    """A time and how long ago it was; the page's script keeps the latter current."""
    return Markup(
        '<time datetime="{}" title="{}"><span class="at">{}</span> <span class="ago">{}</span></time>'
    ).format(moment.isoformat(), exact_time(moment), clock_time(moment, now, zone), ago(moment, now))


def exact_time(moment: datetime) -> str:
    """A time to the millisecond, UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d} UTC"
