"""The Applications API v2: what is left out of a PUT is lost, as at Vonage.

Sources of the forms: docs/vonage.md. Not documented: what happens to keys that a PUT leaves out, and to `privacy`.
"""

import uuid
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from devkit.simulator.api_faults import ERRORS_URL, SimulatedApi, answer_owner, unauthorized
from devkit.simulator.application_key import make_private_key, public_key_of
from devkit.simulator.exchange import (
    ApiRequest,
    ApiResponse,
    count_in,
    json_object,
    json_response,
    problem,
)
from devkit.simulator.occurrences import ApplicationChanged, Refusal
from devkit.simulator.resources import (
    Application,
    links_of,
    make_application,
    messages_url,
)
from devkit.simulator.state import Simulator

_PAGE_SIZE, _MAX_PAGE_SIZE = 10, 100
_VERSIONS = ("v0.1", "v1")

_Problem = dict[str, str]  # one of `invalid_parameters`


def applications(request: ApiRequest, simulator: Simulator) -> ApiResponse:
    """Answer /v2/applications and /v2/applications/ID."""
    handle = partial(_handle, request.method, request, simulator)
    unchanged = partial(_handle, "GET", request, simulator) if request.method != "GET" else None
    return answer_owner(_API, request, simulator, handle, unchanged)


def _handle(method: str, request: ApiRequest, simulator: Simulator) -> ApiResponse:
    application_id = request.in_path.get("application_id", "")
    handlers = {
        ("GET", False): _list,
        ("POST", False): _create,
        ("GET", True): _get,
        ("PUT", True): _replace,
        ("DELETE", True): _delete,
    }
    handler = handlers.get((method, bool(application_id)))
    if handler is None:
        return _error(request, 405, "Method Not Allowed", "This method is not allowed here.")
    return handler(application_id, request, simulator)


def _list(_: str, request: ApiRequest, simulator: Simulator) -> ApiResponse:
    known = simulator.resources.applications
    size = count_in(request.fields, "page_size", _PAGE_SIZE, _MAX_PAGE_SIZE)
    page = count_in(request.fields, "page", 1, 10_000)
    return json_response(
        {
            "page_size": size,
            "page": page,
            "total_items": len(known),
            "total_pages": -(-len(known) // size),
            "_embedded": {"applications": known[(page - 1) * size : page * size]},
            "_links": {"self": {"href": f"/v2/applications?page_size={size}&page={page}"}},
        }
    )


def _create(_: str, request: ApiRequest, simulator: Simulator) -> ApiResponse:
    given = json_object(request)
    if given is None or (problems := list(_problems(given))):
        return _refuse(request, problems if given is not None else [], simulator)
    private_key = "" if _public_key(given) else make_private_key()
    public_key = _public_key(given) or public_key_of(private_key)
    made = _replaced(make_application(str(uuid.uuid4()), "", public_key), given)
    simulator.resources.put_application(made)
    simulator.watch(_changed(made))
    return json_response(_with_private_key(made, private_key), 201)


def _get(application_id: str, request: ApiRequest, simulator: Simulator) -> ApiResponse:
    known = simulator.resources.application(application_id)
    return _not_found(request, simulator) if known is None else json_response(known)


def _replace(application_id: str, request: ApiRequest, simulator: Simulator) -> ApiResponse:
    given = json_object(request)
    if given is None or (problems := list(_problems(given))):
        if simulator.resources.application(application_id) is None:
            return _not_found(request, simulator)
        return _refuse(request, problems if given is not None else [], simulator)
    regenerates = simulator.options.omitted_keys == "regenerated" and not _public_key(given)
    private_key = make_private_key() if regenerates else ""

    def change(known: Application) -> Application:
        changed = _replaced(known, given)
        if private_key:
            changed["keys"] = {"public_key": public_key_of(private_key)}
        return changed

    changed = simulator.resources.change_application(application_id, change)
    if changed is None:
        return _not_found(request, simulator)
    simulator.watch(_changed(changed))
    return json_response(_with_private_key(changed, private_key))


def _delete(application_id: str, request: ApiRequest, simulator: Simulator) -> ApiResponse:
    if not simulator.resources.remove_application(application_id):
        return _not_found(request, simulator)
    simulator.watch(ApplicationChanged(application_id, deleted=True))
    return ApiResponse(204, b"")


def _changed(application: Application) -> ApplicationChanged:
    inbound_url = messages_url(application, "inbound_url")
    return ApplicationChanged(application["id"], inbound_url, messages_url(application, "status_url"))


def _replaced(known: Application, given: Mapping[str, Any]) -> Application:
    """The application after a PUT of `given`. Unknown fields are kept as they are."""
    own = {"id", "name", "keys", "privacy", "capabilities", "_links"}
    return {
        "id": known["id"],
        "name": given["name"],
        "keys": {"public_key": _public_key(given) or known["keys"]["public_key"]},
        "privacy": given.get("privacy", {"improve_ai": False}),
        "capabilities": _capabilities(given.get("capabilities", {})),
        **{name: value for name, value in given.items() if name not in own},
        "_links": links_of(known["id"]),
    }


def _capabilities(given: Mapping[str, Any]) -> dict[str, Any]:
    # "if not populated will be set to v1" (OpenAPI document of the Applications API 2.1.1)
    messages = given.get("messages")
    if messages is None or "version" in messages:
        return dict(given)
    return {**given, "messages": {**messages, "version": "v1"}}


def _with_private_key(application: Application, private_key: str) -> Application:
    # Shown once, when it is made.
    if not private_key:
        return application
    return {**application, "keys": {**application["keys"], "private_key": private_key}}


def _public_key(given: Mapping[str, Any]) -> str:
    keys = given.get("keys")
    key = keys.get("public_key") if isinstance(keys, dict) else ""
    return key if isinstance(key, str) else ""


def _problems(given: Mapping[str, Any]) -> Iterator[_Problem]:
    """What is wrong with an application, in the order in which it is checked."""
    if not isinstance(given.get("name"), str) or not given["name"]:
        yield {"name": "name", "reason": "is required."}
    capabilities = given.get("capabilities", {})
    if not isinstance(capabilities, dict):
        yield {"name": "capabilities", "reason": "must be an object."}
        return
    messages = capabilities.get("messages", {})
    if not isinstance(messages, dict) or not isinstance(messages.get("webhooks", {}), dict):
        yield {"name": "capabilities.messages", "reason": "must be an object with webhooks."}
        return
    if messages.get("version", "v1") not in _VERSIONS:
        yield {"name": "capabilities.messages.version", "reason": f"is one of {', '.join(_VERSIONS)}."}
    for name, webhook in messages.get("webhooks", {}).items():
        yield from _webhook_problems(f"capabilities.messages.webhooks.{name}", webhook)


def _webhook_problems(name: str, webhook: object) -> Iterator[_Problem]:
    address = webhook.get("address") if isinstance(webhook, dict) else None
    if not isinstance(webhook, dict) or not isinstance(address, str):
        yield {"name": f"{name}.address", "reason": "must be a URL."}
        return
    if address and not address.startswith(("http://", "https://")):
        yield {"name": f"{name}.address", "reason": "must be a URL."}
    # "POST is the only one supported" (the same document)
    if webhook.get("http_method", "POST") != "POST":
        yield {"name": f"{name}.http_method", "reason": "must be POST."}


def _refuse(request: ApiRequest, problems: list[_Problem], simulator: Simulator) -> ApiResponse:
    text = "; ".join(f"{each['name']} {each['reason'].rstrip('.')}" for each in problems)
    simulator.watch(Refusal("applications", 400, text or "the body is not a JSON object"))
    if not problems:
        return _error(request, 400, "Bad Request", "The request body is not a JSON object.")
    return _invalid(request, problems)


def _invalid(request: ApiRequest, problems: list[_Problem]) -> ApiResponse:
    detail = "The request failed due to validation errors"
    return _error(request, 400, "Bad Request", detail, invalid_parameters=problems)


def _not_found(request: ApiRequest, simulator: Simulator) -> ApiResponse:
    simulator.watch(Refusal("applications", 404, "no such application"))
    return _error(
        request, 404, "Not Found", "The requested application does not exist, or you may not use it."
    )


def _error(request: ApiRequest, status: int, title: str, detail: str, **more: object) -> ApiResponse:
    return problem(request, status, f"{ERRORS_URL}#{title.lower().replace(' ', '-')}", title, detail, **more)


_API = SimulatedApi(
    "applications",
    {
        "unauthorized": unauthorized,
        "refused": lambda request: _invalid(
            request, [{"name": "devkit simulator", "reason": "the fault `refused`"}]
        ),
    },
)
