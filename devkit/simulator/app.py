"""The HTTP side of the simulator: Vonage's paths, and its own below /simulator."""

import re
import secrets
from collections.abc import Mapping
from types import MappingProxyType

from flask import Flask, Response, abort, render_template_string, request
from waitress.channel import ClientDisconnected

from devkit.errors import ConfigurationError
from devkit.http.client import Push
from devkit.http.local_access import is_vonage_name, rejection_reason
from devkit.http.request import WSGIApplication, callback_of
from devkit.simulator.applications_api import applications
from devkit.simulator.control import change, describe, described_inbound, inbound_text
from devkit.simulator.delivery import DeliveryWorker
from devkit.simulator.exchange import ApiRequest, ApiResponse, json_response, read_fields
from devkit.simulator.messages_api import no_such_message, send_message
from devkit.simulator.numbers_api import list_numbers, update_number
from devkit.simulator.occurrences import ApiName, Refusal
from devkit.simulator.settings_api import balance, error, settings
from devkit.simulator.sms_api import send
from devkit.simulator.state import Simulator

# What `describe` gives, for a browser. Messages and deliveries newest first.
_PAGE = """<!doctype html>
<html lang=en><meta charset=utf-8><title>devkit simulator</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 110rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem; }
th, td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; overflow-wrap: anywhere; }
th, td { border-bottom: 1px solid #8884; }
th { white-space: nowrap; }
</style>
{%- macro cell(value) -%}
  {%- if value is mapping -%}
    {%- for name, inner in value.items() %}{{ name }} {{ cell(inner) }}{{ ", " if not loop.last }}{% endfor -%}
  {%- elif value is string or value is number -%}{{ value }}
  {%- elif value is not none -%}
    {%- for inner in value %}{{ cell(inner) }}{{ ", " if not loop.last }}{% endfor -%}
  {%- endif -%}
{%- endmacro %}
<h1>devkit simulator</h1>
<p>A stand-in for Vonage. Webhooks are made here; no SMS leaves this machine.</p>
{%- for title, row in pairs.items() %}
<h2>{{ title }}</h2>
<table>{% for name, value in row.items() %}<tr><th scope=row>{{ name }}<td>{{ cell(value) }}{% endfor %}</table>
{%- endfor %}
{%- for title, rows in tables.items() %}
<h2>{{ title }}</h2>
{%- if rows %}
<table><tr>{% for name in rows[0] %}<th scope=col>{{ name }}{% endfor %}
{%- for row in rows|reverse %}<tr>{% for value in row.values() %}<td>{{ cell(value) }}{% endfor %}{% endfor %}</table>
{%- else %}<p>None yet.</p>{% endif %}
{%- endfor %}
</html>
"""

_HANG_UP = "devkit.hang_up"

# Seen in the real service's answers.
_HEADERS = {
    "X-XSS-Protection": "1; mode=block",
    "Strict-Transport-Security": "max-age=31536000; includeSubdomains",
    "X-Content-Type-Options": "nosniff",
}
_TRACE = "X-Nexmo-Trace-Id"
_TRACE_ID = re.compile(r"[\w.-]{1,100}", re.ASCII)
# Vonage's paths, and the API of each.
_APIS: dict[str, ApiName] = {
    "/sms/": "sms",
    "/account/numbers": "numbers",
    "/account/": "settings",
    "/number/": "numbers",
    "/v1/messages": "messages",
    "/v2/applications": "applications",
}
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def create_app(simulator: Simulator, worker: DeliveryWorker, push: Push) -> WSGIApplication:
    """The WSGI application of a simulator."""
    app = Flask(__name__, static_folder=None)
    _reject_foreign_requests(app, simulator)
    _route_platform(app, simulator, worker, push)
    _route_newer_apis(app, simulator, worker)
    _route_numbers(app, simulator, push)
    _route_control(app, simulator)
    return _hanging_up(app)


def _reject_foreign_requests(app: Flask, simulator: Simulator) -> None:
    @app.before_request
    def reject() -> Response | None:
        asked, _ = callback_of(request.environ, b"")
        api = next((api for path, api in _APIS.items() if request.path.startswith(path)), None)
        # A hosts file or a proxy sends programs here under Vonage's names. The other paths need no credentials.
        serves_name = is_vonage_name if api else None
        reason = rejection_reason(
            asked,
            request.remote_addr or "",
            own_pages=True,
            serves_name=serves_name,
            serves_private=simulator.options.private_network,
        )
        if not reason:
            return None
        if api:  # reported, because the developer of a program looks there for the reason
            simulator.watch(Refusal(403, reason, api))
        return _respond(json_response({"error": reason}, 403))


def _route_platform(app: Flask, simulator: Simulator, worker: DeliveryWorker, push: Push) -> None:
    @app.route("/sms/<any(json, xml):layout>", methods=_METHODS)
    def sms(layout: str) -> Response:
        if request.method not in ("GET", "POST"):  # the real gateway answers a PUT with 404
            abort(404)
        asked = _read(wants_xml=layout == "xml")
        return _answer(asked, send(asked, simulator, worker))

    @app.route("/account/settings", methods=_METHODS)
    @app.route("/account/settings/<api_key>/<api_secret>", methods=_METHODS)
    def account_settings(**in_path: str) -> Response:
        asked = _read(in_path, wants_xml=_prefers_xml())
        if request.method != "POST":  # the real gateway answers a PUT with 403
            return _answer(asked, error(asked, 403, "forbidden"))
        return _answer(asked, settings(asked, simulator, push))

    @app.route("/account/get-balance", methods=["GET"])
    @app.route("/account/get-balance/<api_key>/<api_secret>", methods=["GET"])
    def account_balance(**in_path: str) -> Response:
        asked = _read(in_path, wants_xml=_prefers_xml())
        return _answer(asked, balance(asked, simulator))


def _route_newer_apis(app: Flask, simulator: Simulator, worker: DeliveryWorker) -> None:
    @app.route("/v1/messages", methods=_METHODS)
    def messages() -> Response:
        asked = _read()
        if request.method != "POST":  # the real gateway answers GET and PUT with 403
            return _answer(asked, error(asked, 403, "forbidden"))
        return _answer(asked, send_message(asked, simulator, worker))

    @app.patch("/v1/messages/<message_id>")
    def message(message_id: str) -> Response:
        asked = _read()
        return _answer(asked, no_such_message(asked, message_id))

    @app.route("/v2/applications", methods=_METHODS)
    @app.route("/v2/applications/<application_id>", methods=_METHODS)
    def vonage_applications(application_id: str = "") -> Response:
        asked = _read()
        return _answer(asked, applications(request.method, application_id, asked, simulator))

    @app.get("/v1/messages/ping")
    @app.get("/v2/applications/ping")
    def ping() -> Response:
        return _answer(_read(), json_response({}))


def _route_numbers(app: Flask, simulator: Simulator, push: Push) -> None:
    @app.route("/account/numbers", methods=["GET"])
    @app.route("/account/numbers/<api_key>/<api_secret>", methods=["GET"])
    def account_numbers(**in_path: str) -> Response:
        asked = _read(in_path)
        return _answer(asked, list_numbers(asked, simulator))

    @app.route("/number/update", methods=_METHODS)
    @app.route("/number/update/<api_key>/<api_secret>/<country>/<msisdn>", methods=_METHODS)
    def number_update(**in_path: str) -> Response:
        asked = _read(in_path)
        if request.method != "POST":  # the real gateway answers a PUT with 403
            return _answer(asked, error(asked, 403, "forbidden"))
        return _answer(asked, update_number(asked, simulator, push))


def _route_control(app: Flask, simulator: Simulator) -> None:
    @app.get("/simulator")
    def show() -> Response:
        description = describe(simulator)
        if "text/html" in request.headers.get("Accept", ""):
            return _respond(ApiResponse(200, _page(description).encode(), "text/html; charset=utf-8"))
        return _respond(json_response(description))

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

    @app.post("/simulator/inbound")
    def inbound() -> Response:
        try:
            message = simulator.receive(inbound_text(request.get_data()))
        except ConfigurationError as problem:
            return _respond(json_response({"error": problem.message, "hint": problem.hint}, 400))
        return _respond(json_response(described_inbound(message), 202))


def _page(description: dict[str, object]) -> str:
    now = {name: description[name] for name in ("url", "now", "counts")}
    pairs = {"Now": now, "Account": description["account"], "Options": description["options"]}
    names = ("messages", "inbound", "deliveries", "applications", "numbers")
    tables = {name.capitalize(): description[name] for name in names}
    return render_template_string(_PAGE, pairs=pairs, tables=tables)


def _hanging_up(app: WSGIApplication) -> WSGIApplication:
    """The application, able to close a connection without an answer.

    WSGI has no way to do that. waitress has: ClientDisconnected makes it close the connection.
    """

    def served(environ, start_response):  # type: ignore[no-untyped-def]
        response = app(environ, start_response)
        if environ.get(_HANG_UP):
            raise ClientDisconnected
        return response

    return served


def _read(in_path: Mapping[str, str] = MappingProxyType({}), *, wants_xml: bool = False) -> ApiRequest:
    """in_path: fields in a legacy path, such as the credentials."""
    body = request.get_data()
    fields = read_fields(request.query_string.decode("latin-1"), body)
    given = {name: value for name, value in in_path.items() if value}
    authorization = request.headers.get("Authorization", "")
    return ApiRequest({**given, **fields}, authorization, wants_xml, _trace_id(), body)


def _trace_id() -> str:
    given = request.headers.get(_TRACE, "")  # the gateway keeps the caller's own, as its tests show
    return given if _TRACE_ID.fullmatch(given) else secrets.token_hex(16)


def _prefers_xml() -> bool:
    return request.accept_mimetypes.best_match(["application/json", "application/xml"]) == "application/xml"


def _answer(asked: ApiRequest, answer: ApiResponse) -> Response:
    response = _respond(answer)
    response.headers[_TRACE] = asked.trace_id
    return response


def _respond(answer: ApiResponse) -> Response:
    if answer.hang_up:
        request.environ[_HANG_UP] = True
    response = Response(answer.body, answer.status, content_type=answer.content_type)
    response.headers.update(_HEADERS)
    response.headers.update(answer.headers)
    if request.host.partition(":")[0] == "localhost":
        # A browser would ask for https from every other program on this machine, for a year.
        del response.headers["Strict-Transport-Security"]
    return response
