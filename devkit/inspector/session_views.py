"""The pages about the session: its panel, and the forms that trigger a receipt or send a message."""

import platform
import socket
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from flask import Blueprint, Response, abort, request

from devkit.errors import DevkitError
from devkit.http.address import Address
from devkit.inspector.context import InspectorContext
from devkit.inspector.readiness import session_state
from devkit.inspector.send_form import (
    NEW_STATUSES,
    offline_recipients,
    read_send_request,
    read_trigger_request,
    send,
    trigger,
)
from devkit.inspector.views import recordings_blueprint, render
from devkit.webhook.callback import has_token, without_token
from devkit.webhook.signature import METHODS

_CONNECT_TIMEOUT = 1.0  # seconds; the application is on this machine


def session_pages(context: InspectorContext) -> Blueprint:
    """The session's panel, and the two forms."""
    part = recordings_blueprint("session_pages", context)

    @part.get("/session")
    def panel() -> str:
        return _panel(context)

    @part.get("/session/callback-url")
    def callback_url() -> Response:
        session = context.options.session()
        if session is None:
            abort(404)
        return Response(session.callback_url, mimetype="text/plain")

    @part.get("/trigger")
    def trigger_form() -> str:
        return _trigger_form(context)

    @part.post("/trigger")
    def make_receipt() -> str:
        try:
            result = trigger(context, read_trigger_request(request.form))
        except DevkitError as error:
            return _trigger_form(context, refused=error)
        context.index.refresh()
        context.responses.refresh()
        return _trigger_form(context, result=result)

    @part.get("/send")
    def send_form() -> str:
        return _send_form(context)

    @part.post("/send")
    def send_message() -> str:
        try:
            sent = send(context, read_send_request(request.form))
        except DevkitError as error:
            return _send_form(context, refused=error)
        return _send_form(context, sent=sent)

    return part


def _panel(context: InspectorContext) -> str:
    session, options = context.options.session(), context.options
    callback_url = session.callback_url if session else ""
    path = without_token(callback_url)
    return render(
        context,
        "_session.html",
        selected="",
        session=session,
        state=session_state(context),
        started_at=datetime.fromisoformat(session.started_at) if session else None,
        api_key=masked_key(session.api_key) if session else "",
        callback_url=f"{path}/[hidden]" if has_token(callback_url) else path,
        answers=is_listening(options.forward_to) if options.forward_to else None,
        versions={"devkit": _version("vonage-devkit"), "Vonage SDK": _version("vonage"), **_PLATFORM},
    )


_PLATFORM = {"Python": platform.python_version(), "System": f"{platform.system()} {platform.machine()}"}


def masked_key(key: str) -> str:
    """An account's key, of which only the last characters are shown."""
    return "*" * max(0, len(key) - 3) + key[-3:] if len(key) > 3 else "*" * len(key) or "none"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def is_listening(address: Address) -> bool:
    """Whether a program takes connections at an address now."""
    try:
        with socket.create_connection((address.host, address.port), _CONNECT_TIMEOUT):
            return True
    except OSError:
        return False


def _trigger_form(context: InspectorContext, **values: object) -> str:
    return render(
        context,
        "_trigger.html",
        selected="",
        form=request.form,
        methods=METHODS,
        new_statuses=NEW_STATUSES,
        **values,
    )


def _send_form(context: InspectorContext, **values: object) -> str:
    return render(
        context,
        "_send.html",
        selected="",
        form=request.form,
        session=context.options.session(),
        recipients=offline_recipients(),
        **values,
    )
