"""The account settings API: returns the settings, and saves callback URLs after a probe."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from devkit.errors import DevkitError
from devkit.http.address import target_of
from devkit.simulator.api_faults import SimulatedApi, answer_owner, refuse, unauthorized
from devkit.simulator.exchange import ApiRequest, ApiResponse, error, is_owner, json_response, xml_response
from devkit.simulator.options import callback_address
from devkit.simulator.state import Simulator
from devkit.webhook.callback import Transport, compose


@dataclass(frozen=True, slots=True)
class UrlSetting:
    """A URL of the account. documented: its name in OpenAPI and every SDK but Python's since 4.0. sdk: in vonage 4.9.1.

    url, spelling: the fields of `Account`.
    """

    documented: str
    sdk: str
    url: str
    spelling: str


URL_SETTINGS = (
    UrlSetting("drCallBackUrl", "drCallbackUrl", "dr_callback_url", "spelling"),
    UrlSetting("moCallBackUrl", "moCallbackUrl", "mo_callback_url", "inbound_spelling"),
)

# Vonage documents neither the status nor the text for a failed probe. 420 is this service's "action failed".
_PROBE_FAILED = "the callback URL did not answer 200"
_INVENTED = f"devkit simulator: {_PROBE_FAILED}"

# `httpForwardMethod` of the settings API. That POST_QUERY_PARAMS sends a form body is inferred from captures.
FORWARD_METHODS: dict[str, Transport] = {
    "GET_QUERY_PARAMS": "get",
    "POST_QUERY_PARAMS": "form",
    "POST_JSON": "json",
}

# 30 in every sample; they limit nothing here.
_LIMITS = {"max-outbound-request": 30, "max-inbound-request": 30, "max-calls-per-second": 30}


def settings(request: ApiRequest, simulator: Simulator) -> ApiResponse:
    """Answer POST /account/settings. A request without settings is the documented way to read them."""
    save, read = partial(_save, request, simulator), partial(_current, request, simulator)
    return answer_owner(API, request, simulator, save, read)


def balance(request: ApiRequest, simulator: Simulator) -> ApiResponse:
    """Answer GET /account/get-balance."""
    if not is_owner(request, simulator.options):
        return _unauthorized(request)
    if request.wants_xml:
        return xml_response("accountBalance", {"value": simulator.account.balance, "autoReload": "false"})
    return json_response({"value": float(simulator.account.balance), "autoReload": False})


def _save(request: ApiRequest, simulator: Simulator) -> ApiResponse:
    fields = request.fields
    used: dict[str, Any] = {}
    changes: dict[str, Any] = {}
    for setting in URL_SETTINGS:
        spelling = next((name for name in (setting.documented, setting.sdk) if name in fields), "")
        if spelling:
            used[setting.spelling] = spelling
        if spelling and (spelling == setting.documented or simulator.options.lenient):
            changes[setting.url] = fields[spelling]
    simulator.change_account(lambda account: replace(account, **used))
    method = fields.get("httpForwardMethod")
    if method is not None and method not in FORWARD_METHODS:
        reason = f"httpForwardMethod is one of {', '.join(FORWARD_METHODS)}"
        return refuse("settings", request, simulator, reason)
    for url in changes.values():
        if url and (problem := probe(url, simulator)):
            return refuse("settings", request, simulator, f"{_PROBE_FAILED}: {problem}")
    if method:
        changes["method"] = FORWARD_METHODS[method]
    account = simulator.change_account(lambda account: replace(account, **changes))
    if used or changes:
        simulator.watch(account)
    return _current(request, simulator)


def probe(url: str, simulator: Simulator) -> str:
    """Why a callback URL is refused; empty if it answers a GET without parameters with exactly 200."""
    try:
        address = callback_address(url, simulator.options)
        callback = replace(compose({}, "get", host=address.netloc), target=target_of(address))
        answer = simulator.push(callback, address)
    except DevkitError as failure:
        return failure.message
    return "" if answer.status == 200 else f"it answered {answer.status}"


def _current(request: ApiRequest, simulator: Simulator) -> ApiResponse:
    # Without the forward method: it can be set, but not read.
    account, unset_value = simulator.account, simulator.options.unset_value
    unset = {"empty": "", "null": None, "missing": None}[unset_value]
    urls = {"mo-callback-url": account.mo_callback_url, "dr-callback-url": account.dr_callback_url}
    shown = {name: url or unset for name, url in urls.items() if url or unset_value != "missing"}
    document = {**shown, **_LIMITS}
    if not request.wants_xml:
        return json_response(document)
    return xml_response("account-settings", {name: value or "" for name, value in document.items()})


def _unauthorized(request: ApiRequest) -> ApiResponse:
    return error(request, 401, "authentication failed")


API = SimulatedApi(
    "settings",
    {
        "unauthorized": _unauthorized,
        # As the newer gateway has it.
        "unauthorized-problem": lambda request: replace(
            unauthorized(request), content_type="application/problem+json"
        ),
        "forbidden": lambda request: error(request, 403, "forbidden"),
        "refused": lambda request: error(request, 420, _INVENTED),
        "rate-limited": lambda request: error(request, 429, "too many requests"),
        "server-error": lambda request: error(request, 500, "internal error"),
        "unavailable": lambda request: error(request, 503, "unavailable"),
        "error-in-200": lambda request: replace(error(request, 420, _INVENTED), status=200),
    },
)
