"""The session's panel, and whether the session takes receipts now."""

import platform
from datetime import datetime
from importlib.metadata import version

from flask import Blueprint, Response, abort

from devkit import __version__
from devkit.errors import DevkitError
from devkit.http.address import Address
from devkit.http.client import connect
from devkit.inspector.context import InspectorContext, newest_ready, session_state
from devkit.inspector.views import recordings_blueprint, render
from devkit.webhook.callback import has_token, without_token

_CONNECT_TIMEOUT = 1.0  # seconds; the application is on this machine


def session_panel(context: InspectorContext) -> Blueprint:
    """The panel, and the callback URL with its secret."""
    part = recordings_blueprint("session_panel", context)

    @part.get("/session")
    def panel() -> str:
        return _panel(context)

    @part.get("/session/callback-url")
    def callback_url() -> Response:
        session = context.options.session()
        if session is None:
            abort(404)
        return Response(session.callback_url, mimetype="text/plain")

    return part


def readiness(context: InspectorContext) -> Blueprint:
    """200 when the session takes receipts, else 503: for scripts that start a session. Described in docs/ci.md."""
    part = Blueprint("readiness", "devkit.inspector")

    @part.get("/ready")
    def ready() -> tuple[dict[str, object], int]:
        state, announced = session_state(context), newest_ready(context.event_log)
        is_ready = state == "ready"
        mode = announced.mode if announced else None
        return {"ready": is_ready, "state": state, "mode": mode}, 200 if is_ready else 503

    return part


def _panel(context: InspectorContext) -> str:
    session, options = context.options.session(), context.options
    callback_url = session.callback_url if session else ""
    path = without_token(callback_url)
    return render(
        context,
        "_session.html",
        session=session,
        state=session_state(context),
        started_at=datetime.fromisoformat(session.started_at) if session else None,
        api_key=masked_key(session.api_key) if session else "",
        callback_url=f"{path}/[hidden]" if has_token(callback_url) else path,
        forward_problem=_forward_problem(options.forward_to) if options.forward_to else "",
        versions={
            "devkit": __version__,
            "Vonage SDK": version("vonage"),
            "Python": platform.python_version(),
            "System": f"{platform.system()} {platform.machine()}",
        },
    )


def masked_key(key: str) -> str:
    """An account's key, of which only the last characters are shown."""
    if len(key) <= 3:
        return "*" * len(key) or "none"
    return "*" * (len(key) - 3) + key[-3:]


def _forward_problem(address: Address) -> str:
    """Why no program takes connections at an address now; empty when one does."""
    try:
        connect(address, _CONNECT_TIMEOUT).close()
    except DevkitError as error:
        return error.message
    return ""
