"""Answers that the newer APIs share: to a call that is refused, lost or slow, and to wrong credentials."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from devkit.simulator.exchange import ApiRequest, ApiResponse, credentials, problem
from devkit.simulator.occurrences import ApiName, Refusal
from devkit.simulator.options import API_FAULTS
from devkit.simulator.state import Simulator, is_owner

_Answer = Callable[[], ApiResponse]

ERRORS_URL = "https://developer.nexmo.com/api-errors"  # of the Applications and the Numbers API
_FAULTS_URL = "https://developer.vonage.com/api-errors"
_STATUSES = {
    "forbidden": (403, "Forbidden", "Your account does not have permission to perform this action."),
    "not-found": (404, "Not Found", "The requested resource does not exist."),
    "rate-limited": (429, "Rate Limit Hit", "Please wait, then retry your request"),
    "server-error": (500, "Internal Error", "There was an error processing your request in the Platform."),
    "unavailable": (503, "Service Unavailable", "The service is temporarily unavailable."),
}


def answer_with_faults(
    api: str,
    request: ApiRequest,
    simulator: Simulator,
    own: Mapping[str, _Answer],
    handle: _Answer,
    unchanged: _Answer | None = None,
) -> ApiResponse:
    """What the API answers: `handle`, unless a fault is configured.

    own: this API's answers to the faults `unauthorized` and `refused`. unchanged: its answer when nothing is saved.
    """
    fault = simulator.take_fault(API_FAULTS[api])
    name = fault.name.removeprefix(f"{api}-") if fault else ""
    if name in own:
        return own[name]()
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
        time.sleep(fault.seconds)
    return replace(answer, hang_up=True) if name == "hang-up-after" else answer


def for_owner(api: ApiName, request: ApiRequest, simulator: Simulator, handle: _Answer) -> ApiResponse:
    """What `handle` answers, if the key and the secret are those of the account."""
    if is_owner(credentials(request), simulator.options):
        return handle()
    simulator.watch(Refusal(401, "wrong key or secret", api))
    return unauthorized(request)


def unauthorized(request: ApiRequest) -> ApiResponse:
    detail = "You did not provide correct credentials."
    return problem(request, 401, f"{ERRORS_URL}#unauthorized", "Unauthorized", detail)
