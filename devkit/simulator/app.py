"""The HTTP side of the simulator: Vonage's paths, and its own below /simulator."""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from flask import Flask, Response, abort, render_template, request
from waitress.channel import ClientDisconnected

from devkit.errors import ConfigurationError
from devkit.http.local_access import is_vonage_name, rejection_reason
from devkit.http.request import WSGIApplication, callback_of
from devkit.simulator.applications_api import applications
from devkit.simulator.control import change, describe, described_inbound, inbound_text
from devkit.simulator.exchange import ApiRequest, ApiResponse, error, json_response, read_fields
from devkit.simulator.messages_api import no_such_message, send_message
from devkit.simulator.numbers_api import list_numbers, update_number
from devkit.simulator.occurrences import ApiName, Refusal
from devkit.simulator.settings_api import balance, settings
from devkit.simulator.sms_api import send
from devkit.simulator.state import Simulator

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
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

_Handler = Callable[[ApiRequest, Simulator], ApiResponse]


@dataclass(frozen=True, slots=True)
class _Route:
    """Paths of Vonage, and what answers them.

    otherwise: answers the other methods as the real gateway was seen to; None for 405.
    negotiates: whether `Accept` selects XML.
    """

    paths: tuple[str, ...]
    methods: tuple[str, ...]
    handle: _Handler
    otherwise: _Handler | None = None
    negotiates: bool = False


def _forbidden(asked: ApiRequest, _: Simulator) -> ApiResponse:
    return error(asked, 403, "forbidden")


def _not_found(*_: object) -> NoReturn:
    abort(404)


def _pong(*_: object) -> ApiResponse:
    return json_response({})


_GET, _POST = ("GET",), ("POST",)


def _with_credentials(path: str, *, more: str = "") -> tuple[str, str]:
    """A path, and the older form of it with the credentials."""
    return path, f"{path}/<api_key>/<api_secret>{more}"


_ROUTES = (
    _Route(("/sms/json", "/sms/xml"), ("GET", "POST"), send, _not_found),
    _Route(_with_credentials("/account/settings"), _POST, settings, _forbidden, negotiates=True),
    _Route(_with_credentials("/account/get-balance"), _GET, balance, negotiates=True),
    _Route(_with_credentials("/account/numbers"), _GET, list_numbers),
    _Route(_with_credentials("/number/update", more="/<country>/<msisdn>"), _POST, update_number, _forbidden),
    _Route(("/v1/messages",), _POST, send_message, _forbidden),
    _Route(("/v1/messages/<message_id>",), ("PATCH",), no_such_message),
    _Route(("/v2/applications", "/v2/applications/<application_id>"), _METHODS, applications),
    _Route(("/v1/messages/ping", "/v2/applications/ping"), _GET, _pong),
)


def create_app(simulator: Simulator) -> WSGIApplication:
    """The WSGI application of a simulator."""
    app = Flask(__name__, static_folder=None)
    _reject_foreign_requests(app, simulator)
    for route in _ROUTES:
        _add_route(app, route, simulator)
    _route_control(app, simulator)
    return _hanging_up(app)


def _add_route(app: Flask, route: _Route, simulator: Simulator) -> None:
    def answer(**in_path: str) -> Response:
        asked = _read(in_path, negotiates=route.negotiates)
        handle = route.handle
        if route.otherwise and request.method not in route.methods:
            handle = route.otherwise
        response = _respond(handle(asked, simulator))
        response.headers[_TRACE] = asked.trace_id
        return response

    for path in route.paths:
        methods = _METHODS if route.otherwise else route.methods
        app.add_url_rule(path, endpoint=path, view_func=answer, methods=methods)


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
            simulator.watch(Refusal(api, 403, reason))
        return _respond(json_response({"error": reason}, 403))


def _route_control(app: Flask, simulator: Simulator) -> None:
    @app.get("/simulator")
    def show() -> Response:
        description = describe(simulator)
        if "text/html" in request.headers.get("Accept", ""):
            return _respond(ApiResponse(200, _page(description), "text/html; charset=utf-8"))
        return _respond(json_response(description))

    @app.post("/simulator/reset")
    def reset() -> Response:
        simulator.reset()
        return _respond(json_response(describe(simulator)))

    @app.post("/simulator/settings")
    def configure() -> Response:
        body = request.get_data()
        simulator.configure(lambda options: change(options, body))
        return _respond(json_response(describe(simulator)))

    @app.post("/simulator/inbound")
    def inbound() -> Response:
        message = simulator.receive(inbound_text(request.get_data()))
        return _respond(json_response(described_inbound(message), 202))

    @app.errorhandler(ConfigurationError)
    def refuse(problem: ConfigurationError) -> Response:
        return _respond(json_response({"error": problem.message, "hint": problem.hint}, 400))


def _page(description: dict[str, object]) -> bytes:
    now = {name: description[name] for name in ("url", "now", "counts")}
    pairs = {"Now": now, "Account": description["account"], "Options": description["options"]}
    names = ("messages", "inbound", "deliveries", "applications", "numbers")
    tables = {name.capitalize(): description[name] for name in names}
    return render_template("simulator.html", pairs=pairs, tables=tables).encode("utf-8", "replace")


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


def _read(in_path: Mapping[str, str], *, negotiates: bool) -> ApiRequest:
    body = request.get_data()
    fields = read_fields(request.query_string.decode("latin-1"), body)
    return ApiRequest(
        request.method,
        {**in_path, **fields},
        in_path,
        request.headers.get("Authorization", ""),
        wants_xml=request.path == "/sms/xml" or (negotiates and _prefers_xml()),
        trace_id=_trace_id(),
        body=body,
    )


def _trace_id() -> str:
    given = request.headers.get(_TRACE, "")  # the gateway keeps the caller's own, as its tests show
    return given if _TRACE_ID.fullmatch(given) else secrets.token_hex(16)


def _prefers_xml() -> bool:
    return request.accept_mimetypes.best_match(["application/json", "application/xml"]) == "application/xml"


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
