"""The webhooks that the simulator pushes: where each goes, what it says, how it is signed."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from devkit.http.address import Address, target_of
from devkit.simulator.occurrences import Delivery, InboundMessage, Message
from devkit.simulator.options import SimulatorOptions
from devkit.simulator.outcomes import OutcomeStep
from devkit.simulator.resources import Application, messages_url, webhook_version
from devkit.simulator.scheduler import time_of
from devkit.simulator.state import Simulator
from devkit.webhook.callback import Callback, compose, json_body
from devkit.webhook.jwt import make_token
from devkit.webhook.new_webhook import (
    MessagesVersion,
    compose_messages,
    make_inbound_fields,
    make_receipt_fields,
    make_status_fields,
)
from devkit.webhook.signature import Signer, sign_fields
from devkit.webhook.vocabulary import STATUSES


@dataclass(frozen=True, slots=True)
class OutgoingWebhook:
    """A webhook that is due. delivery: its first attempt. without_url: the problem if there is no URL.

    compose: the callback for the address of the URL. If it has a token, each call makes a new one.
    """

    delivery: Delivery
    url: str
    without_url: str
    compose: Callable[[Address], Callback]

    @property
    def has_token(self) -> bool:
        return self.delivery.kind in ("messages-status", "messages-inbound")


_NO_CALLBACK = "the account has no callback URL"
_NO_INBOUND = "the account has no URL for inbound messages"


def outcome_webhook(message: Message, step: OutcomeStep, simulator: Simulator) -> OutgoingWebhook:
    """The receipt or the status for a step of the message's outcome, at this moment."""
    now = simulator.clock.now()
    delivery = Delivery(
        message.message_id, step.status, step.err_code, 1, now, answer=None, kind=message.kind
    )
    if message.kind == "messages-status":
        return _status(message, step, simulator, delivery)
    fields = _signed(_receipt_fields(message, step, simulator.options, now), simulator)
    url = message.callback_url or simulator.account.dr_callback_url
    return OutgoingWebhook(delivery, url, _NO_CALLBACK, partial(_compose, fields, simulator))


def inbound_part(
    message: InboundMessage, message_id: str, fields: Mapping[str, str], simulator: Simulator
) -> OutgoingWebhook:
    """An inbound message of the SMS API, or a part of one: to the number's own URL, else to the account's."""
    number = simulator.resources.number(message.recipient) or {}
    url = number.get("moHttpUrl", "") or simulator.account.mo_callback_url
    make = partial(_compose, _signed(fields, simulator), simulator)
    return OutgoingWebhook(_inbound_delivery(message, message_id, simulator), url, _NO_INBOUND, make)


def inbound_message(message: InboundMessage, parts: int, simulator: Simulator) -> OutgoingWebhook:
    """An inbound message of the Messages API: to the number's application, else to the account's URL.

    The number's own URL counts for the SMS API only (a comment in a public program reports it).
    """
    number = simulator.resources.number(message.recipient) or {}
    application = simulator.resources.application(number.get("app_id", "")) or {}
    if not messages_url(application, "inbound_url"):
        application = {}
    (message_id,) = message.message_ids
    fields = make_inbound_fields(
        message.text,
        message_uuid=message_id,
        timestamp=time_of(simulator.clock.now()),
        recipient=message.recipient,
        sender=message.sender,
        parts=parts,
        version=webhook_version(application),
    )
    url = messages_url(application, "inbound_url") or simulator.account.mo_callback_url
    make = partial(_compose_messages, fields, application.get("id", ""), simulator)
    return OutgoingWebhook(_inbound_delivery(message, message_id, simulator), url, _NO_INBOUND, make)


def _inbound_delivery(message: InboundMessage, message_id: str, simulator: Simulator) -> Delivery:
    now = simulator.clock.now()
    return Delivery(message_id, "inbound", "", 1, now, answer=None, kind=message.kind)


def _status(message: Message, step: OutcomeStep, simulator: Simulator, delivery: Delivery) -> OutgoingWebhook:
    application: Application = {}
    url, without_url = simulator.account.dr_callback_url, _NO_CALLBACK
    if message.application_id:
        application = simulator.resources.application(message.application_id) or {}
        url, without_url = messages_url(application, "status_url"), "the application has no status_url"
    version = message.version or webhook_version(application)
    fields = _status_fields(message, step, simulator.options, delivery.at, version)
    make = partial(_compose_messages, fields, message.application_id, simulator)
    return OutgoingWebhook(delivery, message.callback_url or url, without_url, make)


def _status_fields(
    message: Message, step: OutcomeStep, options: SimulatorOptions, now: float, version: MessagesVersion
) -> dict[str, object]:
    at = message.at if message.outcome.one_timestamp else now
    has_details = options.status_details and version == "v1"
    fields = make_status_fields(
        step.status,
        message_uuid=message.message_id,
        timestamp=time_of(at),
        recipient=message.recipient,
        sender=message.sender,
        # Charged when it is submitted.
        price=f"{message.network.price * message.parts:.4f}" if step.status == "submitted" else "",
        error=step.err_code,
        client_ref=message.client_ref,
        network_code=message.network.code if has_details else "",
        parts=message.parts if has_details else 0,
        version=version,
    )
    if message.workflow:
        numbers = {"items_number": str(message.workflow.number), "items_total": str(message.workflow.total)}
        fields["workflow"] = {"workflow_id": message.workflow.workflow_id, **numbers}
    if "error" in fields and version == "v1":
        fields["error"] = _formed(fields["error"], options)
    return fields


def _formed(error: object, options: SimulatorOptions) -> object:
    assert isinstance(error, dict)
    if options.error_form == "number":
        return {**error, "title": int(error["title"])}
    return {"error": error} if options.error_form == "nested" else error


def _receipt_fields(
    message: Message, step: OutcomeStep, options: SimulatorOptions, now: float
) -> dict[str, str]:
    # Captures of one message show `scts` in UTC for accepted and in local time for delivered
    # (Vonage's tutorial "How to Receive an SMS Delivery Receipt with Python", a UK number).
    offset = message.network.offset if STATUSES[step.status].final else 0
    return make_receipt_fields(
        step.status,
        step.err_code,
        message_id=message.message_id,
        pushed_at=time_of(now),
        carrier_time=time_of(message.at + step.after + offset),
        recipient=message.recipient,
        sender=message.sender,
        network_code=message.network.code,
        price=str(message.network.price),
        client_ref=message.client_ref,
        api_key=options.api_key,
    )


def _signed(fields: Mapping[str, str], simulator: Simulator) -> Mapping[str, str]:
    options = simulator.options
    if not options.sign_receipts:
        return fields
    signer = Signer(options.signature_secret, options.signature_method)
    now = time_of(simulator.clock.now())
    return sign_fields(fields, signer, now, str(uuid.uuid4()))


def _compose(fields: Mapping[str, str], simulator: Simulator, address: Address) -> Callback:
    return compose(fields, simulator.account.method, target=target_of(address), host=address.netloc)


def _compose_messages(
    fields: Mapping[str, object], application_id: str, simulator: Simulator, address: Address
) -> Callback:
    body = json_body(fields)
    token = _token(body, application_id, simulator)
    return compose_messages(body, token, target=target_of(address), host=address.netloc)


def _token(body: bytes, application_id: str, simulator: Simulator) -> str:
    options = simulator.options
    if options.token == "unsigned":
        return ""
    token = make_token(
        body + b" " if options.token == "wrong-hash" else body,
        f"{options.signature_secret}?" if options.token == "wrong-secret" else options.signature_secret,
        api_key=options.api_key,
        application_id=application_id,
        # At real speed, because programs compare it with their own clock.
        now=time_of(simulator.clock.real_now() + options.token_skew),
        jti=str(uuid.uuid4()),
    )
    return simulator.first_token(token) if options.token == "replayed" else token
