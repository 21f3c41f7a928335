"""The events of `devkit simulate`, for `--json` and for the terminal. Phone numbers are masked."""

from dataclasses import dataclass
from typing import ClassVar

from devkit.events import Event, Notice
from devkit.simulator.settings_api import DOCUMENTED, SDK_SPELLING
from devkit.simulator.state import Account, Delivery, Message, Occurrence, Refusal
from devkit.webhook.callback import Transport
from devkit.webhook.masking import mask_number, one_line
from devkit.webhook.vocabulary import meaning


@dataclass(frozen=True, slots=True)
class SimulatorReady(Event):
    """The simulator accepts messages. host: for https too, if `authority` is not empty.

    authority: the certificate file to trust. bundle: the same, after all that programs usually trust.
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


@dataclass(frozen=True, slots=True)
class MessageTaken(Event):
    """A part of a message was accepted. promised: the statuses of its receipts, in their order."""

    name: ClassVar[str] = "message"
    message_id: str
    to: str
    sender: str
    network: str
    promised: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeliveryTried(Event):
    """One attempt to push a receipt. answer: the HTTP status; null without a response, then `problem` says why.

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


@dataclass(frozen=True, slots=True)
class SettingsChanged(Event):
    """The account's settings were changed. note: what was ignored; empty if nothing was."""

    name: ClassVar[str] = "settings"
    callback_url: str
    method: Transport
    note: str


@dataclass(frozen=True, slots=True)
class RequestRefused(Event):
    """A request was refused. status: of the SMS API's table if `api` is `sms`, of HTTP if it is `settings`."""

    name: ClassVar[str] = "refused"
    api: str
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class SimulatorStopped(Event):
    """The simulator ended. messages: parts accepted. deliveries: attempts to push a receipt."""

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
        case Refusal():
            return RequestRefused(occurrence.api, occurrence.status, one_line(occurrence.text))
    text = f"A program rejected the certificate ({occurrence.reason})."
    return Notice(f"{text} Tell it what to trust, as the ready lines show.")


def _message(message: Message) -> MessageTaken:
    promised = tuple(step.status for step in message.outcome.steps for _ in range(step.copies))
    recipient, sender = mask_number(message.recipient), mask_number(one_line(message.sender, 20))
    return MessageTaken(message.message_id, recipient, sender, message.network.code, promised)


def _delivery(delivery: Delivery) -> DeliveryTried:
    retry_after = None if delivery.retry_at is None else round(delivery.retry_at - delivery.at, 3)
    return DeliveryTried(
        message_id=delivery.message_id,
        status=delivery.status,
        err_code=delivery.err_code,
        meaning=meaning(delivery.err_code, delivery.status),
        attempt=delivery.attempt,
        answer=delivery.answer,
        problem=delivery.problem,
        retry_after=retry_after,
        sent_again=delivery.sent_again,
    )


def _settings(account: Account) -> SettingsChanged:
    # A pitfall: the SDK's own method sends this name, gets 200, and nothing changes.
    is_ignored = account.spelling == SDK_SPELLING and not account.dr_callback_url
    hint = f"{SDK_SPELLING} is ignored: Vonage documents {DOCUMENTED}. --lenient takes both."
    note = hint if is_ignored else ""
    return SettingsChanged(one_line(account.dr_callback_url), account.method, note)
