"""The events of `devkit simulate`, for `--json` and for the terminal. Phone numbers are masked."""

from dataclasses import dataclass, replace
from typing import ClassVar

from devkit.events import Event, Notice
from devkit.simulator.occurrences import (
    Account,
    ApplicationChanged,
    Delivery,
    InboundMessage,
    Message,
    NumberChanged,
    Occurrence,
    Refusal,
    WebhookKind,
)
from devkit.simulator.settings_api import URL_SETTINGS
from devkit.webhook.callback import Transport
from devkit.webhook.masking import mask_number, one_line
from devkit.webhook.receipt import meaning
from devkit.webhook.vocabulary import MESSAGES_ERRORS


@dataclass(frozen=True, slots=True)
class SimulatorReady(Event):
    """The simulator accepts messages. host: for https too, if `authority` is not empty.

    authority: the certificate file to trust. bundle: the authorities that programs usually trust, and this one.
    application_id: an application that may send. private_key: the file with its key. number: the account's number for
    inbound messages, linked to that application. messaging_api: whose webhooks are pushed, `sms` or `messages`.
    private_network: programs in private networks are served too.
    signature: the method; empty if receipts are unsigned. api_secret, signature_secret: empty if the user chose them.
    """

    name: ClassVar[str] = "ready"
    url: str
    host: str
    api_key: str
    api_secret: str
    method: Transport
    signature: str
    signature_secret: str
    callback_url: str
    authority: str
    bundle: str
    pid: int
    application_id: str = ""
    private_key: str = ""
    number: str = ""
    inbound_url: str = ""
    messaging_api: str = "sms"
    private_network: bool = False


@dataclass(frozen=True, slots=True)
class MessageTaken(Event):
    """A message, or a part of one, was accepted. promised: the statuses of its webhooks, in their order.

    kind: of its webhooks. parts: of a message of the Messages API.
    """

    name: ClassVar[str] = "message"
    message_id: str
    to: str
    sender: str
    network: str
    promised: tuple[str, ...]
    kind: WebhookKind = "sms-receipt"
    parts: int = 1


@dataclass(frozen=True, slots=True)
class InboundTaken(Event):
    """Somebody sent a text to a number of the account. message_ids: one for each part that the SMS API has."""

    name: ClassVar[str] = "inbound"
    kind: WebhookKind
    message_ids: tuple[str, ...]
    sender: str
    to: str


@dataclass(frozen=True, slots=True)
class DeliveryTried(Event):
    """One attempt to push a webhook. answer: the HTTP status; null without a response, then `problem` says why.

    retry_after: simulated seconds until the next attempt; null when there is none. sent_again: as in `Delivery`.
    """

    name: ClassVar[str] = "delivery"
    message_id: str
    status: str
    err_code: str
    meaning: str
    attempt: int
    answer: int | None
    problem: str
    retry_after: float | None
    sent_again: bool = False
    kind: WebhookKind = "sms-receipt"


@dataclass(frozen=True, slots=True)
class SettingsChanged(Event):
    """The account's settings were changed. note: what was ignored; empty if nothing was."""

    name: ClassVar[str] = "settings"
    callback_url: str
    method: Transport
    note: str
    inbound_url: str = ""


@dataclass(frozen=True, slots=True)
class SimulatorStopped(Event):
    """The simulator ended. messages: parts and messages accepted. deliveries: attempts to push a webhook."""

    name: ClassVar[str] = "stopped"
    messages: int
    deliveries: int


def event_of(occurrence: Occurrence) -> Event:
    """The event for an occurrence."""
    match occurrence:
        case Message():
            return _message(occurrence)
        case Delivery():
            return _delivery(occurrence)
        case Account():
            return _settings(occurrence)
        case InboundMessage():
            return _inbound(occurrence)
        case ApplicationChanged():
            urls = one_line(occurrence.inbound_url), one_line(occurrence.status_url)
            return replace(occurrence, inbound_url=urls[0], status_url=urls[1])
        case NumberChanged():
            number = mask_number(occurrence.number)
            return replace(occurrence, number=number, inbound_url=one_line(occurrence.inbound_url))
        case Refusal():
            return replace(occurrence, reason=one_line(occurrence.reason))
    text = f"A program rejected the certificate ({occurrence.reason})."
    return Notice(f"{text} Tell it what to trust, as the ready lines show.")


def _message(message: Message) -> MessageTaken:
    promised = tuple(step.status for step in message.outcome.steps for _ in range(step.copies))
    recipient, sender = mask_number(message.recipient), mask_number(one_line(message.sender, 20))
    network = message.network.code
    return MessageTaken(message.message_id, recipient, sender, network, promised, message.kind, message.parts)


def _inbound(message: InboundMessage) -> InboundTaken:
    sender, recipient = mask_number(one_line(message.sender, 20)), mask_number(message.recipient)
    return InboundTaken(message.kind, message.message_ids, sender, recipient)


def _delivery(delivery: Delivery) -> DeliveryTried:
    retry_after = None if delivery.retry_at is None else round(delivery.retry_at - delivery.at, 3)
    return DeliveryTried(
        message_id=delivery.message_id,
        status=delivery.status,
        err_code=delivery.err_code,
        meaning=_meaning(delivery),
        attempt=delivery.attempt,
        answer=delivery.answer,
        problem=delivery.problem,
        retry_after=retry_after,
        sent_again=delivery.sent_again,
        kind=delivery.kind,
    )


def _meaning(delivery: Delivery) -> str:
    if delivery.kind != "messages-status":
        return meaning(delivery.err_code, delivery.status)
    return MESSAGES_ERRORS[delivery.err_code].name if delivery.err_code else ""


def _settings(account: Account) -> SettingsChanged:
    # A pitfall: the SDK's own method sends these names, gets 200, and nothing changes.
    ignored = (
        f"{setting.sdk} is ignored: Vonage documents {setting.documented}. --lenient takes both."
        for setting in URL_SETTINGS
        if getattr(account, setting.spelling) == setting.sdk and not getattr(account, setting.url)
    )
    return SettingsChanged(
        callback_url=one_line(account.dr_callback_url),
        method=account.method,
        note=next(ignored, ""),
        inbound_url=one_line(account.mo_callback_url),
    )
