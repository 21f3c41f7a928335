"""Faults of the APIs, and answers that several APIs share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from devkit.simulator.exchange import ApiRequest, ApiResponse, error, is_owner, problem
from devkit.simulator.occurrences import ApiName, Refusal
from devkit.simulator.options import API_FAULTS
from devkit.simulator.state import Simulator

_Answer = Callable[[], ApiResponse]


@dataclass(frozen=True, slots=True)
class SimulatedApi:
    """An API. answers: its own answers to faults, by their names without the API."""

    name: ApiName
    answers: Mapping[str, Callable[[ApiRequest], ApiResponse]]


ERRORS_URL = "https://developer.nexmo.com/api-errors"  # of the Applications and the Numbers API
_FAULTS_URL = "https://developer.vonage.com/api-errors"
_STATUSES = {
    "forbidden": (403, "Forbidden", "Your account does not have permission to perform this action."),
    "not-found": (404, "Not Found", "The requested resource does not exist."),
    "rate-limited": (429, "Rate Limit Hit", "Please wait, then retry your request"),
    "server-error": (500, "Internal Error", "There was an error processing your request in the Platform."),
    "unavailable": (503, "Service Unavailable", "The service is temporarily unavailable."),
}


def answer_owner(
    api: SimulatedApi,
    request: ApiRequest,
    simulator: Simulator,
    handle: _Answer,
    unchanged: _Answer | None = None,
) -> ApiResponse:
    """As `answer_with_faults`. Without the account's key and secret, the API's answer to the fault `unauthorized`."""

    def answer(handle: _Answer) -> ApiResponse:
        if is_owner(request, simulator.options):
            return handle()
        simulator.watch(Refusal(api.name, 401, "wrong key or secret"))
        return api.answers["unauthorized"](request)

    only_read = partial(answer, unchanged) if unchanged else None
    return answer_with_faults(api, request, simulator, partial(answer, handle), only_read)


def answer_with_faults(
    api: SimulatedApi,
    request: ApiRequest,
    simulator: Simulator,
    handle: _Answer,
    unchanged: _Answer | None = None,
) -> ApiResponse:
    """What the API answers: `handle`, unless a fault is configured.

    unchanged: the answer to a call that seems to succeed and saves nothing; None if the call is one that saves nothing.
    """
    fault = simulator.take_fault(API_FAULTS[api.name])
    name = fault.name.removeprefix(f"{api.name}-") if fault else ""
    if name in api.answers:
        return api.answers[name](request)
    if name in _STATUSES:
        status, title, detail = _STATUSES[name]
        return problem(request, status, f"{_FAULTS_URL}#{name}", title, detail)
    if name == "html":
        return ApiResponse(200, b"<!doctype html><title>Hello</title>\n", "text/html; charset=utf-8")
    if name in ("empty", "hang-up"):
        return ApiResponse(200, b"", hang_up=name == "hang-up")
    if name == "unchanged" and unchanged:
        return unchanged()
    answer = handle()
    if fault and name == "slow":
        simulator.wait(fault.seconds)
    return replace(answer, hang_up=True) if name == "hang-up-after" else answer


def refuse(api: ApiName, request: ApiRequest, simulator: Simulator, reason: str) -> ApiResponse:
    """An answer of the older APIs to what they cannot do: 420.

    Vonage documents its texts nowhere. The invented ones begin with `devkit simulator:`.
    """
    simulator.watch(Refusal(api, 420, reason))
    return error(request, 420, f"devkit simulator: {reason}")


def unauthorized(request: ApiRequest) -> ApiResponse:
    detail = "You did not provide correct credentials."
    return problem(request, 401, f"{ERRORS_URL}#unauthorized", "Unauthorized", detail)
