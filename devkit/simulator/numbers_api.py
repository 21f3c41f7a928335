"""The Numbers API: lists the account's numbers, and replaces what they are linked to.

What a change does not name is cleared (a maintainer of Vonage's former command line confirms it, nexmo-cli issue 83).
"""

from collections.abc import Callable, Mapping
from functools import partial

from devkit.simulator.api_faults import SimulatedApi, answer_owner, refuse, unauthorized
from devkit.simulator.exchange import ApiRequest, ApiResponse, count_in, error, json_response
from devkit.simulator.occurrences import NumberChanged
from devkit.simulator.resources import Number, make_number
from devkit.simulator.settings_api import probe
from devkit.simulator.state import Simulator

_API = SimulatedApi(
    "numbers",
    {
        "unauthorized": unauthorized,
        "refused": lambda request: error(request, 420, "devkit simulator: the fault `refused`"),
    },
)

_DEFAULT_SIZE, _MAX_SIZE = 10, 100

# Each field of an update that a list shows under the same name.
_PLAIN_LINKS = (
    "moHttpUrl",
    "moSmppSysType",
    "voiceCallbackType",
    "voiceCallbackValue",
    "voiceStatusCallback",
)

_MATCHES: dict[str, Callable[[str, str], bool]] = {
    "0": str.startswith,
    "1": lambda msisdn, pattern: pattern in msisdn,
    "2": str.endswith,
}


def list_numbers(request: ApiRequest, simulator: Simulator) -> ApiResponse:
    """Answer GET /account/numbers."""
    return answer_owner(_API, request, simulator, partial(_list, request, simulator))


def update_number(request: ApiRequest, simulator: Simulator) -> ApiResponse:
    """Answer POST /number/update."""
    update, unchanged = partial(_update, request, simulator), partial(error, request, 200, "success")
    return answer_owner(_API, request, simulator, update, unchanged)


def _list(request: ApiRequest, simulator: Simulator) -> ApiResponse:
    found = [number for number in simulator.resources.numbers if _is_wanted(number, request.fields)]
    size = count_in(request.fields, "size", _DEFAULT_SIZE, _MAX_SIZE)
    start = (count_in(request.fields, "index", 1, 10_000) - 1) * size
    page = found[start : start + size]
    return json_response({"count": len(found), "numbers": page} if page else {})


def _is_wanted(number: Number, fields: Mapping[str, str]) -> bool:
    linked = number.get("app_id", "")
    matches = _MATCHES.get(fields.get("search_pattern", "0"), str.startswith)
    if not matches(number["msisdn"], fields.get("pattern", "")):
        return False
    if "application_id" in fields and linked != fields["application_id"]:
        return False
    wanted = fields.get("has_application", "").lower()
    return not wanted or bool(linked) == (wanted == "true")


def _update(request: ApiRequest, simulator: Simulator) -> ApiResponse:
    fields = request.fields
    known = simulator.resources.number(fields.get("msisdn", ""))
    if known is None or known["country"] != fields.get("country", "").upper():
        return refuse("numbers", request, simulator, "the account has no such number in this country")
    application_id = fields.get("app_id", "")
    if application_id and simulator.resources.application(application_id) is None:
        return refuse("numbers", request, simulator, "the account has no application with this app_id")
    url = fields.get("moHttpUrl", "")
    if url and (reason := probe(url, simulator)):
        return refuse("numbers", request, simulator, f"moHttpUrl did not answer 200: {reason}")
    simulator.resources.put_number(_replaced(known, fields))
    simulator.watch(NumberChanged(known["msisdn"], application_id, url))
    return error(request, 200, "success")


def _replaced(known: Number, fields: Mapping[str, str]) -> Number:
    links = {name: fields[name] for name in _PLAIN_LINKS if fields.get(name)}
    owned = {name: known[name] for name in ("type", "features")}
    return {
        **make_number(known["msisdn"], fields.get("app_id", "")),
        "country": known["country"],
        **owned,
        **links,
    }
