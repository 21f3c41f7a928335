"""The forms of the page that make receipts: trigger one, or send a message whose receipts follow."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flask import Blueprint, request

from devkit.errors import ConfigurationError, DevkitError, UsageError
from devkit.events.session import Sent
from devkit.http.address import parse_address
from devkit.inspector.context import InspectorContext
from devkit.inspector.index import key_of
from devkit.inspector.replay_form import read_transport
from devkit.inspector.views import recordings_blueprint, render
from devkit.replay.new_callback import NewWebhook
from devkit.replay.trigger import (
    MESSAGES_PREFIX,
    Triggered,
    new_origin,
    notices_about,
    parse_with_code,
    read_signer,
    send_new,
)
from devkit.simulator.outcomes import OFFLINE_RECIPIENT, recipients
from devkit.webhook.receipt import read, webhook_in
from devkit.webhook.signature import METHODS
from devkit.webhook.vocabulary import INBOUND, MESSAGES_STATUSES, STATUSES

_TIMEOUT = 10  # seconds; a person waits for it
_MAX_LINES = 50  # fields of a triggered receipt that differ
_LONGEST = 4_000  # characters of a form's value

# What can be triggered, by group: the value in the form, and its name.
_NEW_STATUSES: dict[str, list[tuple[str, str]]] = {
    "Receipt of the SMS API": [(status, status) for status in STATUSES],
    "Status of the Messages API": [(f"{MESSAGES_PREFIX}{status}", status) for status in MESSAGES_STATUSES],
    "Inbound message": [(INBOUND, "SMS API"), (f"{MESSAGES_PREFIX}{INBOUND}", "Messages API")],
}


def send_forms(context: InspectorContext) -> Blueprint:
    """The two forms."""
    part = recordings_blueprint("send_forms", context)

    @part.get("/trigger")
    def trigger_form() -> str:
        return _trigger_form(context)

    @part.post("/trigger")
    def trigger() -> str:
        try:
            result = _trigger(context, request.form)
        except DevkitError as error:
            return _trigger_form(context, refused=error)
        context.index.refresh()
        context.responses.refresh()
        return _trigger_form(context, result=result)

    @part.get("/send")
    def send_form() -> str:
        return _send_form(context)

    @part.post("/send")
    def send() -> str:
        try:
            return _send_form(context, sent=_send(context, request.form))
        except DevkitError as error:
            return _send_form(context, refused=error)

    return part


def _trigger_form(context: InspectorContext, **values: object) -> str:
    return render(
        context, "_trigger.html", form=request.form, methods=METHODS, new_statuses=_NEW_STATUSES, **values
    )


def _send_form(context: InspectorContext, **values: object) -> str:
    session = context.options.session()
    # The outcomes of the simulator's recipients in words, the usual one first.
    outcomes = sorted(recipients().items(), key=lambda pair: pair[0] != OFFLINE_RECIPIENT)
    return render(context, "_send.html", form=request.form, session=session, recipients=outcomes, **values)


@dataclass(frozen=True, slots=True)
class TriggerOutcome:
    """key: of the recording, empty if there is none. notices: about what Vonage does not document."""

    triggered: Triggered
    key: str
    notices: list[str]


def _trigger(context: InspectorContext, form: Mapping[str, str]) -> TriggerOutcome:
    """Send a new webhook to the session's receiver, which records, forwards and shows it. Raises DevkitError."""
    options, session = context.options, context.options.session()
    new = _read_webhook(form)
    transport = read_transport(_text(form, "as")) or "get"
    signer = read_signer(_text(form, "sign"), new.api, options.secret, options.method)
    account, application = (session.api_key, session.application_id) if session else ("", "")
    origin = new_origin(options.clock(), signer, api_key=account, application_id=application)
    callback = new.callback(origin, transport)
    webhook = webhook_in(read(callback))
    sent = send_new(callback, parse_address(options.receiver_url), _TIMEOUT)
    entry = next(context.store.entries(message=webhook.message_id), None) if sent.answer else None
    key = key_of(context.store, str(entry.path)) if entry else ""
    return TriggerOutcome(Triggered.of(sent, webhook.kind), key, notices_about(webhook))


def _read_webhook(form: Mapping[str, str]) -> NewWebhook:
    """The webhook that a submitted form asks for. `status` as in `devkit trigger`: `messages:rejected`, `inbound`.

    `fields` has a line `name=value` for each field that differs. A field without a `=` is left out. Raises UsageError.
    """
    status, code = _text(form, "status"), _text(form, "err-code")
    if not status:
        raise UsageError("A receipt needs a status.", hint="Choose one, such as: delivered")
    is_inbound = status.endswith(INBOUND)
    if code and is_inbound:
        raise UsageError("An inbound message has no error.", hint="Choose: the usual one of the status")
    lines = [line.strip() for line in _text(form, "fields").splitlines() if line.strip()][:_MAX_LINES]
    pairs = [line.partition("=") for line in lines]
    sets = {name.strip(): value.strip() for name, is_set, value in pairs if is_set}
    unsets = [name.strip() for name, is_set, _ in pairs if not is_set]
    new = parse_with_code(status, code, sets, unsets)
    text = form.get("text", "")[:_LONGEST]
    return replace(new, text=text) if text and is_inbound else new


def _send(context: InspectorContext, form: Mapping[str, str]) -> Sent:
    """Send the message that a submitted form asks for, and publish its event. Raises DevkitError.

    `other` takes precedence over the chosen recipient. `confirmed`: the user knows that a live session sends a real
    SMS, which costs money.
    """
    session, text = context.options.session(), form.get("text", "")[:_LONGEST]
    if session is None:
        raise ConfigurationError(
            "The session is not ready to send.", hint="Wait for its ready line, or start it again: devkit dev"
        )
    if not text:
        raise UsageError("A message needs a text.", hint="Type one.")
    if session.mode == "live" and not form.get("confirmed"):
        raise UsageError(
            "Nothing was sent: a real SMS costs money.", hint="Tick the box to confirm it, then send again."
        )
    to, sender = _text(form, "other") or _text(form, "to"), _text(form, "from") or "devkit"
    sent = session.send(to, sender, text, _text(form, "client-ref"))
    context.event_log.publish(sent)
    return sent


def _text(form: Mapping[str, str], name: str) -> str:
    return form.get(name, "").strip()[:_LONGEST]
