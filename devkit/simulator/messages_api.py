"""The Messages API: checks a message, answers as Vonage does, and has its statuses scheduled. Channel sms only.

Sources: OpenAPI description of the Messages API 1.11.0, and what Vonage's own gateway tests expect (401, 402, the 422
of an empty body). The description has other error numbers than the statuses have: 1120 here is 1420 there.
"""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from devkit.simulator.api_faults import SimulatedApi, answer_with_faults
from devkit.simulator.delivery import DeliveryWorker
from devkit.simulator.exchange import (
    MAX_CLIENT_REF,
    SENDER,
    ApiRequest,
    ApiResponse,
    is_http_url,
    is_owner,
    json_object,
    problem,
)
from devkit.simulator.occurrences import Message, Refusal, Workflow
from devkit.simulator.options import SimulatorOptions
from devkit.simulator.outcomes import EXPIRY, TRIAL_ERROR, Outcome, network, outcome_of_messages, rejected
from devkit.simulator.state import Simulator
from devkit.webhook.callback import json_body
from devkit.webhook.new_webhook import MESSAGES_VERSIONS
from devkit.webhook.receipt import make_message_id
from devkit.webhook.sms_text import MAX_TEXT, is_gsm, split

_Body = Mapping[str, Any]

_ERRORS = "https://developer.vonage.com/api-errors"
_MESSAGES_ERRORS = f"{_ERRORS}/messages"
_MIN_TTL, _MAX_TTL = 20, 604_800  # seconds
_ENCODINGS = ("text", "unicode", "auto")

_RECIPIENT = re.compile(r"[1-9]\d{6,14}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Refused:
    """An error answer. type: what follows the address of the error pages. reason: for the developer's terminal."""

    status: int
    type: str
    title: str
    detail: str
    reason: str = ""
    parameters: tuple[tuple[str, str], ...] = ()

    def answer(self, request: ApiRequest) -> ApiResponse:
        listed = [{"name": name, "reason": reason} for name, reason in self.parameters]
        more = {"invalid_parameters": listed} if listed else {}
        return problem(request, self.status, self.type, self.title, self.detail, **more)


# As the sandbox of the Messages API and production answer; the documents have another text.
_UNAUTHORIZED = _Refused(401, "", "Unauthorised", "Invalid Token")
_LOW_BALANCE = _Refused(
    402,
    f"{_ERRORS}#low-balance",
    "Low balance",
    "This request could not be performed due to your account balance being low.",
)
_THROTTLED = _Refused(
    429, f"{_MESSAGES_ERRORS}#1000", "Rate Limit Hit", "Please wait, then retry your request"
)
_NO_JSON = _Refused(
    422, f"{_ERRORS}#invalid-json", "Invalid JSON", "The request body did not contain valid JSON"
)


def send_message(request: ApiRequest, simulator: Simulator) -> ApiResponse:
    """Answer POST /v1/messages."""
    handle = partial(_handle, request, simulator)
    return answer_with_faults(_API, request, simulator, handle)


def no_such_message(request: ApiRequest, _: Simulator) -> ApiResponse:
    """Answer PATCH /v1/messages/ID, which changes messages of other channels than sms."""
    detail = f"Message with ID {request.in_path['message_id']} not found"
    return problem(request, 404, f"{_ERRORS}#not-found", "Not Found", detail)


def _handle(request: ApiRequest, simulator: Simulator) -> ApiResponse:
    result = _send(request, simulator)
    if isinstance(result, _Refused):
        simulator.watch(Refusal("messages", result.status, result.reason or result.detail))
        return result.answer(request)
    accepted = {"message_uuid": result.message_id}
    if result.workflow:
        accepted["workflow_id"] = result.workflow.workflow_id
    return ApiResponse(202, json_body(accepted))  # without spaces, as in a captured answer of 55 bytes


def _send(request: ApiRequest, simulator: Simulator) -> Message | _Refused:
    application_id = _sender_of(request, simulator)
    if isinstance(application_id, _Refused):
        return application_id
    if simulator.account.balance <= 0:  # before the body is read, as the gateway tests show
        return _LOW_BALANCE
    body = json_object(request)
    if body is None:
        return _NO_JSON if request.body else _invalid(("body", "is required."))
    fallbacks = body.get("failover", [])
    if not isinstance(fallbacks, list) or not all(isinstance(each, dict) for each in fallbacks):
        return _invalid(("failover", "must be a list of messages."))
    for each in (body, *fallbacks):
        if refused := next(_problems(each), None):
            return refused
    if simulator.throttle.wait(simulator.options.rate):
        return _THROTTLED
    message, *others = _workflow([_message(each, application_id, simulator) for each in (body, *fallbacks)])
    message = replace(message, fallbacks=tuple(others))
    if simulator.charge(message.network.price * message.parts) is None:
        return _LOW_BALANCE
    simulator.history.messages.append(message)
    simulator.watch(message)
    DeliveryWorker(simulator).schedule(message)
    return message


def _sender_of(request: ApiRequest, simulator: Simulator) -> str | _Refused:
    """The id of the application that sends; empty for the account itself, which uses Basic authentication."""
    scheme, _, token = request.authorization.partition(" ")
    if scheme.lower() != "bearer":
        is_account = is_owner(request, simulator.options)
        return "" if is_account else replace(_UNAUTHORIZED, reason="wrong or missing key and secret")
    return _application_of(token.strip(), simulator)


def _application_of(token: str, simulator: Simulator) -> str | _Refused:
    import jwt  # takes long to import, and only applications send tokens

    try:
        claimed = jwt.decode(token, options={"verify_signature": False}).get("application_id")
        application = simulator.resources.application(claimed) if isinstance(claimed, str) else None
        if application is None:
            return replace(_UNAUTHORIZED, reason="the token names no application of this account")
        jwt.decode(token, application["keys"]["public_key"], ["RS256"], options={"verify_aud": False})
    except (jwt.PyJWTError, ValueError, TypeError) as error:  # the last two: a public key that is none
        return replace(_UNAUTHORIZED, reason=f"the token is not valid: {error}")
    return str(claimed)


def _message(body: _Body, application_id: str, simulator: Simulator) -> Message:
    options, recipient = simulator.options, body["to"]
    encoding = body.get("sms", {}).get("encoding_type", "auto")
    is_unicode = encoding == "unicode" or (encoding == "auto" and not is_gsm(body["text"]))
    parts = split(body["text"], unicode=is_unicode)
    return Message(
        message_id=make_message_id(secrets.randbits(128)),
        recipient=recipient,
        sender=body["from"],
        text="".join(parts),
        at=simulator.clock.now(),
        network=network(recipient),
        outcome=_outcome(recipient, body.get("ttl", EXPIRY), options),
        client_ref=body.get("client_ref", ""),
        callback_url=body.get("webhook_url", ""),
        kind="messages-status",
        parts=len(parts),
        application_id=application_id,
        version=body.get("webhook_version"),
    )


def _outcome(recipient: str, ttl: float, options: SimulatorOptions) -> Outcome:
    if options.trial and recipient not in options.verified:
        return rejected(options.delays, TRIAL_ERROR)
    return outcome_of_messages(recipient, options.delays, ttl)


def _workflow(messages: list[Message]) -> list[Message]:
    """The messages of a failover, each with its place in it; a message alone has none."""
    if len(messages) == 1:
        return messages
    workflow_id, total = secrets.token_hex(16), len(messages)
    return [
        replace(message, workflow=Workflow(workflow_id, number, total))
        for number, message in enumerate(messages, start=1)
    ]


def _invalid(*parameters: tuple[str, str]) -> _Refused:
    detail = "The value of one or more parameters is invalid."
    reason = "; ".join(f"{name} {why.rstrip('.')}" for name, why in parameters)
    return _Refused(422, f"{_MESSAGES_ERRORS}#1150", "Invalid params", detail, reason, parameters)


_API = SimulatedApi(
    "messages",
    {
        "unauthorized": _UNAUTHORIZED.answer,
        "refused": _invalid(("devkit simulator", "the fault `refused`")).answer,
    },
)


def _wrong(number: str, title: str, reason: str) -> _Refused:
    return _Refused(422, f"{_MESSAGES_ERRORS}#{number}", title, f"{title}: {reason}", reason)


def _problems(body: _Body) -> Iterator[_Refused]:
    """What is wrong with a message, in the order in which it is checked. The order is assumed."""
    names = ("channel", "message_type", "to", "from", "text")
    if missing := [name for name in names if name not in body]:
        yield _invalid(*((name, "is required.") for name in missing))
    if body["channel"] != "sms":
        yield _wrong("1100", "Unsupported channel", "the simulator has the channel sms only")
    if body["message_type"] != "text":
        yield _wrong("1140", "Invalid message type", "the channel sms has the type text only")
    if not _is_text(body["from"], SENDER.fullmatch):
        yield _wrong("1120", "Invalid sender", "at most 15 digits, or 11 characters of printable ASCII")
    if not _is_text(body["to"], _RECIPIENT.fullmatch):
        yield _wrong("110", "Invalid recipient", "7 to 15 digits, the country code first, without +")
    if not _is_text(body.get("client_ref", ""), lambda text: len(text) <= MAX_CLIENT_REF):
        yield _wrong("1060", "Invalid client reference", f"at most {MAX_CLIENT_REF} characters")
    wrong = [
        (name, reason)
        for name, (is_valid, reason) in _VALID.items()
        if name in body and not is_valid(body[name])
    ]
    if not _has_valid_encoding(body):
        wrong.append(("sms.encoding_type", f"is one of {', '.join(_ENCODINGS)}."))
    if wrong:
        yield _invalid(*wrong)


def _is_text(value: object, is_valid: Callable[[str], object]) -> bool:
    return isinstance(value, str) and bool(is_valid(value))


def _is_ttl(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and _MIN_TTL <= value <= _MAX_TTL


def _has_valid_encoding(body: _Body) -> bool:
    settings = body.get("sms", {})
    return isinstance(settings, dict) and settings.get("encoding_type", "auto") in _ENCODINGS


# The fields that are checked together: whether a value is valid, and what Vonage wants.
_VALID: dict[str, tuple[Callable[[object], bool], str]] = {
    "text": (
        lambda value: isinstance(value, str) and len(value) <= MAX_TEXT,
        f"must be text of at most {MAX_TEXT} characters.",
    ),
    "ttl": (_is_ttl, f"must be a number of seconds from {_MIN_TTL} to {_MAX_TTL}."),
    "webhook_url": (lambda value: isinstance(value, str) and is_http_url(value), "must be a URL."),
    "webhook_version": (MESSAGES_VERSIONS.__contains__, f"is one of {', '.join(MESSAGES_VERSIONS)}."),
}
