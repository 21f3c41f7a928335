"""The HTTP face of the simulator: Vonage's paths, and the control surface."""

import re
import secrets
from collections.abc import Iterable, Mapping
from html import escape
from typing import cast

from flask import Flask, Response, request
from waitress.channel import ClientDisconnected

from devkit.errors import ConfigurationError
from devkit.http.client import Push
from devkit.http.local_access import is_vonage_name, rejection_reason
from devkit.http.request import WSGIApplication, callback_of
from devkit.simulator.control import change, describe
from devkit.simulator.delivery import DeliveryWorker
from devkit.simulator.exchange import ApiRequest, ApiResponse, json_response, read_fields
from devkit.simulator.settings_api import balance, error, settings
from devkit.simulator.sms_api import send
from devkit.simulator.state import Observer, Refusal, Simulator

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem; }
th, td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; overflow-wrap: anywhere; }
th, td { border-bottom: 1px solid #8884; }
"""

_Row = Mapping[str, object]


def page(description: Mapping[str, object]) -> str:
    """The page for what `control.describe` gives; messages and deliveries newest first."""
    messages = cast(list[_Row], description["messages"])[::-1]
    deliveries = cast(list[_Row], description["deliveries"])[::-1]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>devkit simulator</title>"
        f"<style>{_STYLE}</style><h1>devkit simulator</h1>"
        "<p>A stand-in for Vonage. Receipts are made here; no SMS leaves this machine.</p>"
        f"{_pairs('Now', {key: description[key] for key in ('url', 'now', 'counts')})}"
        f"{_pairs('Account', cast(_Row, description['account']))}"
        f"{_pairs('Options', cast(_Row, description['options']))}"
        f"{_table('Messages', messages)}{_table('Deliveries', deliveries)}</html>"
    )


def _pairs(title: str, row: _Row) -> str:
    lines = (f"<tr><th scope=row>{escape(name)}<td>{_cell(value)}" for name, value in row.items())
    return f"<h2>{title}</h2><table>{''.join(lines)}</table>"


def _table(title: str, rows: list[_Row]) -> str:
    if not rows:
        return f"<h2>{title}</h2><p>None yet.</p>"
    head = "".join(f"<th scope=col>{escape(name)}" for name in rows[0])
    body = "".join(f"<tr>{_cells(row.values())}" for row in rows)
    return f"<h2>{title}</h2><table><tr>{head}{body}</table>"


def _cells(values: Iterable[object]) -> str:
    return "".join(f"<td>{_cell(value)}" for value in values)


def _cell(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    if isinstance(value, dict):
        return ", ".join(f"{escape(str(name))} {_cell(inner)}" for name, inner in value.items())
    return "" if value is None else escape(str(value))


_HANG_UP = "devkit.hang_up"

# Seen on the real service's answers.
_HEADERS = {
    "X-XSS-Protection": "1; mode=block",
    "Strict-Transport-Security": "max-age=31536000; includeSubdomains",
    "X-Content-Type-Options": "nosniff",
}
_TRACE = "X-Nexmo-Trace-Id"
_TRACE_ID = re.compile(r"[\w.-]{1,100}", re.ASCII)
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def create_app(simulator: Simulator, worker: DeliveryWorker, push: Push) -> Flask:
    """The application; `hanging_up` must wrap it for the faults that break off."""
    app = Flask(__name__, static_folder=None)
    _guard(app, simulator.watch)
    _route_platform(app, simulator, worker, push)
    _route_control(app, simulator)
    return app


def _guard(app: Flask, watch: Observer) -> None:
    @app.before_request
    def refuse_strangers() -> Response | None:
        asked, _ = callback_of(request.environ, b"")
        is_platform = request.path.startswith(("/sms/", "/account/"))
        # A hosts file or a proxy sends programs here under Vonage's names. The other paths need no credentials.
        serves_name = is_vonage_name if is_platform else None
        why = rejection_reason(asked, request.remote_addr or "", own_pages=True, serves_name=serves_name)
        if not why:
            return None
        if is_platform:  # a program's developer looks there for the reason
            watch(Refusal(403, why, "sms" if request.path.startswith("/sms/") else "settings"))
        return _respond(json_response({"error": why}, 403))


def _route_platform(app: Flask, simulator: Simulator, worker: DeliveryWorker, push: Push) -> None:
    @app.route("/sms/json", methods=["GET", "POST"])
    def sms_json() -> Response:
        asked = _read()
        return _answer(asked, send(asked, simulator, worker))

    @app.route("/sms/xml", methods=["GET", "POST"])
    def sms_xml() -> Response:
        asked = _read(wants_xml=True)
        return _answer(asked, send(asked, simulator, worker))

    @app.route("/account/settings", methods=_METHODS)
    @app.route("/account/settings/<api_key>/<api_secret>", methods=_METHODS)
    def account_settings(api_key: str = "", api_secret: str = "") -> Response:
        asked = _read(api_key=api_key, api_secret=api_secret, wants_xml=_prefers_xml())
        if request.method != "POST":  # the real gateway answers a PUT with 403
            return _answer(asked, error(asked, 403, "forbidden"))
        return _answer(asked, settings(asked, simulator, push))

    @app.route("/account/get-balance", methods=["GET"])
    @app.route("/account/get-balance/<api_key>/<api_secret>", methods=["GET"])
    def account_balance(api_key: str = "", api_secret: str = "") -> Response:
        asked = _read(api_key=api_key, api_secret=api_secret, wants_xml=_prefers_xml())
        return _answer(asked, balance(asked, simulator))


def _route_control(app: Flask, simulator: Simulator) -> None:
    @app.get("/simulator")
    def look() -> Response:
        if "text/html" in request.headers.get("Accept", ""):
            return _respond(ApiResponse(200, page(describe(simulator)).encode(), "text/html; charset=utf-8"))
        return _respond(json_response(describe(simulator)))

    @app.post("/simulator/reset")
    def reset() -> Response:
        simulator.reset()
        return _respond(json_response(describe(simulator)))

    @app.post("/simulator/settings")
    def configure() -> Response:
        body = request.get_data()
        try:
            simulator.configure(lambda options: change(options, body))
        except ConfigurationError as problem:
            return _respond(json_response({"error": problem.message, "hint": problem.hint}, 400))
        return _respond(json_response(describe(simulator)))


def hanging_up(app: WSGIApplication) -> WSGIApplication:
    """The application, able to close a connection without an answer.

    WSGI has no word for that. Waitress has: told that the client went away, it closes and sends nothing.
    """

    def served(environ, start_response):  # type: ignore[no-untyped-def]
        answer = app(environ, start_response)
        if environ.get(_HANG_UP):
            raise ClientDisconnected
        return answer

    return served


def _read(*, api_key: str = "", api_secret: str = "", wants_xml: bool = False) -> ApiRequest:
    fields = read_fields(request.query_string.decode("latin-1"), request.get_data())
    if api_key:
        fields = {"api_key": api_key, "api_secret": api_secret, **fields}
    return ApiRequest(fields, request.headers.get("Authorization", ""), wants_xml, _trace_id())


def _trace_id() -> str:
    given = request.headers.get(_TRACE, "")  # the gateway keeps the caller's own, as its tests show
    return given if _TRACE_ID.fullmatch(given) else secrets.token_hex(16)


def _prefers_xml() -> bool:
    return request.accept_mimetypes.best_match(["application/json", "application/xml"]) == "application/xml"


def _answer(asked: ApiRequest, reply: ApiResponse) -> Response:
    response = _respond(reply)
    response.headers[_TRACE] = asked.trace_id
    return response


def _respond(reply: ApiResponse) -> Response:
    if reply.hang_up:
        request.environ[_HANG_UP] = True
    response = Response(reply.body, reply.status, content_type=reply.content_type)
    response.headers.update(_HEADERS)
    response.headers.update(reply.headers)
    if request.host.partition(":")[0] == "localhost":
        # A browser would ask for https from every other program on this machine, for a year.
        del response.headers["Strict-Transport-Security"]
    return response
