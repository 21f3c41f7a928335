"""The forms of the page that make receipts: trigger one, or send a message whose receipts follow."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from devkit.errors import ConfigurationError, UsageError
from devkit.events.session import Sent
from devkit.http.address import parse_address
from devkit.inspector.context import InspectorContext
from devkit.inspector.replay_form import read_transport
from devkit.replay.new_callback import NewWebhook, Origin
from devkit.replay.transform import signer_with
from devkit.replay.trigger import (
    MESSAGES_PREFIX,
    Triggered,
    notices_about,
    parse_err_code,
    parse_error,
    parse_new,
    send_new,
)
from devkit.simulator.outcomes import OFFLINE_RECIPIENT, recipients
from devkit.webhook.callback import Transport
from devkit.webhook.receipt import read, webhook_in
from devkit.webhook.signature import METHODS, Method
from devkit.webhook.vocabulary import INBOUND, MESSAGES_STATUSES, STATUSES

_TIMEOUT = 10  # seconds; a person waits for it
_MAX_LINES = 50  # fields of a triggered receipt that differ
_LONGEST = 4_000  # characters of a form's value


TOKEN = "jwt"  # how the Messages API signs

# What can be triggered, by group: the value in the form, and its name.
NEW_STATUSES: dict[str, list[tuple[str, str]]] = {
    "Receipt of the SMS API": [(status, status) for status in STATUSES],
    "Status of the Messages API": [(f"{MESSAGES_PREFIX}{status}", status) for status in MESSAGES_STATUSES],
    "Inbound message": [(INBOUND, "SMS API"), (f"{MESSAGES_PREFIX}{INBOUND}", "Messages API")],
}


@dataclass(frozen=True, slots=True)
class TriggerRequest:
    """transport, method: of the SMS API. is_signed: with the method, or a token; both need the session's secret."""

    webhook: NewWebhook
    transport: Transport = "get"
    method: Method | None = None
    is_signed: bool = False


def read_trigger_request(values: Mapping[str, str]) -> TriggerRequest:
    """The request in a submitted form. `status` as in `devkit trigger`: `messages:rejected`, `inbound`.

    `fields` has a line `name=value` for each field that differs. A field without a `=` is left out. Raises UsageError.
    """
    status = _text(values, "status")
    if not status:
        raise UsageError("A receipt needs a status.", hint="Choose one, such as: delivered")
    is_messages = status.startswith(MESSAGES_PREFIX)
    lines = [line.strip() for line in _text(values, "fields").splitlines() if line.strip()][:_MAX_LINES]
    pairs = [line.partition("=") for line in lines]
    code = _code(_text(values, "err-code"), is_messages=is_messages)
    if code and status.endswith(INBOUND):
        raise UsageError("An inbound message has no error.", hint="Choose: the usual one of the status")
    webhook = parse_new(
        status,
        err_code="" if is_messages else code,
        error=code if is_messages else "",
        text=values.get("text", "")[:_LONGEST] or None if status.endswith(INBOUND) else None,
        sets=tuple((name.strip(), value.strip()) for name, is_set, value in pairs if is_set),
        unsets=tuple(name.strip() for name, is_set, _ in pairs if not is_set),
    )
    sign = _text(values, "sign")
    method = next((each for each in METHODS if each == sign), None)
    if sign and sign not in (*METHODS, TOKEN):
        raise UsageError(
            f"No signature method is called {sign[:40]!r}.",
            hint=f"Use one of: {', '.join((*METHODS, TOKEN))}",
        )
    if sign and (sign == TOKEN) != is_messages:
        api, how = (
            ("Messages", f"with {TOKEN}") if is_messages else ("SMS", f"with one of: {', '.join(METHODS)}")
        )
        raise UsageError(f"The {api} API does not sign with {sign}.", hint=f"Sign {how}")
    return TriggerRequest(webhook, read_transport(_text(values, "as")) or "get", method, bool(sign))


def _code(text: str, *, is_messages: bool) -> str:
    """The number of an err-code or error. Raises UsageError."""
    parse = parse_error if is_messages else parse_err_code
    return parse(text) if text else ""


@dataclass(frozen=True, slots=True)
class TriggerOutcome:
    """key: of the recording, empty if there is none. notices: about what Vonage does not document."""

    triggered: Triggered
    key: str
    notices: tuple[str, ...]


def trigger(context: InspectorContext, request: TriggerRequest) -> TriggerOutcome:
    """Send a new webhook to the session's receiver, which records, forwards and shows it. Raises DevkitError."""
    options, session = context.options, context.options.session()
    signer = signer_with(options.secret, request.method or options.method) if request.is_signed else None
    origin = Origin(
        options.clock(),
        secrets.randbits(128),
        str(uuid.uuid4()),
        api_key=session.api_key if session else "",
        signer=signer,
        application_id=session.application_id if session else "",
    )
    callback = request.webhook.callback(origin, request.transport)
    webhook = webhook_in(read(callback))
    sent = send_new(callback, parse_address(options.receiver_url), _TIMEOUT)
    entry = next(context.store.entries(message=webhook.message_id), None) if sent.answer else None
    key = entry.path.relative_to(context.store.recorded).as_posix() if entry else ""
    return TriggerOutcome(Triggered.of(sent, webhook.kind), key, tuple(notices_about(webhook)))


@dataclass(frozen=True, slots=True)
class SendRequest:
    """A message to send. confirmed: the user knows that a live session sends a real SMS, which costs money."""

    to: str = field(repr=False)
    sender: str = "devkit"
    text: str = "Hello from devkit"
    client_ref: str = ""
    confirmed: bool = False


def read_send_request(values: Mapping[str, str]) -> SendRequest:
    """The request in a submitted form. `other` takes precedence over the chosen recipient."""
    return SendRequest(
        to=_text(values, "other") or _text(values, "to"),
        sender=_text(values, "from") or "devkit",
        text=values.get("text", "")[:_LONGEST],
        client_ref=_text(values, "client-ref"),
        confirmed=bool(values.get("confirmed")),
    )


def send(context: InspectorContext, request: SendRequest) -> Sent:
    """Send a message and publish its event. Raises DevkitError."""
    session = context.options.session()
    if session is None:
        raise ConfigurationError(
            "The session is not ready to send.", hint="Wait for its ready line, or start it again: devkit dev"
        )
    if not request.text:
        raise UsageError("A message needs a text.", hint="Type one.")
    if session.mode == "live" and not request.confirmed:
        raise UsageError(
            "Nothing was sent: a real SMS costs money.", hint="Tick the box to confirm it, then send again."
        )
    sent = session.send(request.to, request.sender, request.text, request.client_ref)
    context.event_log.publish(sent)
    return sent


def offline_recipients() -> list[tuple[str, str]]:
    """The recipients of the simulator with their outcomes in words, the usual one first."""
    return sorted(recipients().items(), key=lambda pair: pair[0] != OFFLINE_RECIPIENT)


def _text(values: Mapping[str, str], name: str) -> str:
    return values.get(name, "").strip()[:_LONGEST]
