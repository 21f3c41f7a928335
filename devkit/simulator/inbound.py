"""Inbound messages on demand: what Vonage does when somebody sends a text to a number of the account."""

import secrets
from functools import partial

from devkit.errors import ConfigurationError
from devkit.simulator.delivery import DeliveryWorker
from devkit.simulator.occurrences import InboundMessage, InboundText
from devkit.simulator.options import MessagingApi
from devkit.simulator.scheduler import time_of
from devkit.simulator.state import Simulator
from devkit.simulator.webhooks import OutgoingWebhook, inbound_message, inbound_part
from devkit.webhook.new_webhook import TextPart, make_sms_inbound_fields
from devkit.webhook.receipt import make_message_id
from devkit.webhook.sms_text import MAX_TEXT, is_gsm, split

_MAX_PAUSE = 72 * 3600.0


def receive(given: InboundText, simulator: Simulator) -> InboundMessage:
    """Have the webhooks of a text pushed. Raises ConfigurationError."""
    recipient = given.recipient or next(iter(simulator.options.numbers), "")
    api = given.api or simulator.options.messaging_api
    pieces = _pieces(given)
    _check(given, recipient, api, len(pieces), simulator)
    message = InboundMessage(
        kind="sms-inbound" if api == "sms" else "messages-inbound",
        message_ids=tuple(_ids(api, len(pieces))),
        sender=given.sender,
        recipient=recipient,
        text=given.text,
        at=simulator.clock.now(),
    )
    simulator.history.inbound.append(message)
    simulator.watch(message)
    if api == "messages":
        webhooks = [partial(inbound_message, message, len(pieces), simulator)]
    else:
        numbers = range(1, len(pieces) + 1) if given.parts is None else given.parts
        reference = str(secrets.randbelow(255) + 1)
        webhooks = [
            partial(_part, given, message, number, pieces, reference, simulator) for number in numbers
        ]
    DeliveryWorker(simulator).schedule_inbound(webhooks, given.pause)
    return message


def _pieces(given: InboundText) -> tuple[str, ...]:
    if given.data:
        return ("",)
    return split(given.text, unicode=given.unicode or not is_gsm(given.text))


def _ids(api: MessagingApi, count: int) -> list[str]:
    """Those of the SMS API still have 16 digits, and nothing in common."""
    if api == "messages":
        return [make_message_id(secrets.randbits(128))]
    return [make_message_id(secrets.randbits(64), "hex") for _ in range(count)]


def _part(
    given: InboundText,
    message: InboundMessage,
    number: int,
    pieces: tuple[str, ...],
    reference: str,
    simulator: Simulator,
) -> OutgoingWebhook:
    message_id, total = message.message_ids[number - 1], len(pieces)
    fields = make_sms_inbound_fields(
        pieces[number - 1],
        message_id=message_id,
        pushed_at=time_of(simulator.clock.now()),
        recipient=message.recipient,
        sender=message.sender,
        part=TextPart(reference, total, number) if total > 1 and given.concat else None,
        data=given.data,
        udh=given.udh,
        api_key=simulator.api_key,
    )
    if not given.data and (given.unicode or not is_gsm(given.text)):
        fields["type"] = "unicode"  # of the whole text
    return inbound_part(message, message_id, fields, simulator)


def _check(given: InboundText, recipient: str, api: MessagingApi, count: int, simulator: Simulator) -> None:
    if simulator.resources.number(recipient) is None:
        raise ConfigurationError(
            "The account has no such number to send the inbound message to.",
            hint="Leave out `to` for its first number. GET /account/numbers lists them.",
        )
    if api == "messages" and (given.data or given.parts is not None):
        raise ConfigurationError(
            "The Messages API has neither binary inbound messages nor parts.",
            hint='Leave out `data` and `parts`, or add "api": "sms".',
        )
    if given.parts is not None and not all(1 <= number <= count for number in given.parts):
        raise ConfigurationError(
            f"`parts` names a part that the text does not have: it has {count}.",
            hint='For example {"text": "...", "parts": [2, 1]}.',
        )
    if len(given.text) > MAX_TEXT or not 0 <= given.pause <= _MAX_PAUSE:
        raise ConfigurationError(
            f"An inbound text has at most {MAX_TEXT} characters, and `pause` is from 0 to {_MAX_PAUSE:.0f} seconds.",
            hint='For example {"text": "STOP"}.',
        )
