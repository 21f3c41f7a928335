"""The fields of a webhook of any kind for people: flat names such as `usage.price`, what they mean, masked values.

Sources: as in `kinds` and `vocabulary`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from devkit.webhook.masking import FORMS, mask_field, mask_number, mask_numbers_in
from devkit.webhook.receipt import Webhook
from devkit.webhook.vocabulary import FIELDS

_RECIPIENT = "the recipient of your message"
_SENDER = "the sender of your message, `from` in the send request"
_PERSON = "the person who sent the message"
_OWN_NUMBER = "your number, to which the message was sent"

_SMS_INBOUND = {
    **{name: FIELDS[name] for name in ("timestamp", "nonce", "sig")},
    "msisdn": f"{_PERSON}: the sender (in a receipt it is the recipient)",
    "to": _OWN_NUMBER,
    "messageId": "this part of the message, or all of it",
    "text": "the text of this part",
    "type": "text, unicode (not in the GSM alphabet) or binary",
    "keyword": "the first word of this part, in capitals",
    "data": "the content of a binary message, in hex",
    "udh": "the user data header of a binary message, in hex",
    "concat": "true for a part of a long text; some carriers do not mark the parts",
    "concat-ref": "the same in all parts of one text",
    "concat-total": "how many parts the text has",
    "concat-part": "the number of this part, from 1",
    "api-key": "the account that the number belongs to",
    "message-timestamp": "when Vonage began to push this message, UTC",
}

_MESSAGES = {
    "message_uuid": "the message, with all its parts",
    "timestamp": "to the second, UTC: never order by it",
    "channel": "sms, or another channel of the Messages API",
    "to.type": "the channel",
    "from.type": "the channel",
    "usage.price": "what the message cost",
    "usage.currency": "of the price; always EUR",
    "client_ref": "your own reference, when the send request had one",
    "sms.count_total": "how many parts the message has",
    "sms.total_count": "how many parts the message has",
    "sms.num_messages": "how many parts the message had; Vonage has joined them",
    "sms.keyword": "the first word, in capitals",
    "message.sms.num_messages": "how many parts the message had; Vonage has joined them",
}
_STATUS = {
    **_MESSAGES,
    **dict.fromkeys(("to", "to.number", "to.id"), _RECIPIENT),
    **dict.fromkeys(("from", "from.number", "from.id"), _SENDER),
    "status": "what became of the message",
    "error.type": "a page about the error; its end is the number",
    "error.title": "why, as a number",
    "error.code": "why, as a number",
    "error.detail": "why, in words",
    "error.reason": "why, in words",
    "error.instance": "for Vonage's support",
    "destination.network_code": "the recipient's network, mobile country code and network code (MCCMNC)",
    **dict.fromkeys(
        ("workflow.workflow_id", "workflow.id"), "the failover workflow that the message is part of"
    ),
    **dict.fromkeys(("workflow.items_number", "workflow.item_number"), "which message of the workflow it is"),
    **dict.fromkeys(("workflow.items_total", "workflow.total_items"), "how many messages the workflow has"),
}
_INBOUND = {
    **_MESSAGES,
    **dict.fromkeys(("to", "to.number", "to.id"), _OWN_NUMBER),
    **dict.fromkeys(("from", "from.number", "from.id"), _PERSON),
    **dict.fromkeys(("message_type", "message.content.type"), "text, image, ..."),
    **dict.fromkeys(("text", "message.content.text"), "what the person wrote"),
    "origin.network_code": "the network of the person's phone (MCCMNC)",
    "direction": "inbound",
}
_MEANINGS = {
    "sms-receipt": FIELDS,
    "sms-inbound": _SMS_INBOUND,
    "messages-status": _STATUS,
    "messages-inbound": _INBOUND,
}

# Whose digits are no phone number in the form that Vonage gives them.
_TIME = FORMS["message-timestamp"].replace(r"(Z|", r"( ?UTC|Z|")
_ID = rf"[0-9a-f]{{32}}|{FORMS['messageId']}"
_MESSAGES_FORMS = {
    **dict.fromkeys(
        ("message_uuid", "request_id", "error.instance", "workflow.workflow_id", "workflow.id"), _ID
    ),
    **dict.fromkeys(("timestamp", "triggered_at", "submitted_at", "finalized_at"), _TIME),
    "usage.price": FORMS["price"],
}
_TEXTS = frozenset({"text", "message.content.text", "error.detail", "error.reason"})


def flat_fields(webhook: Webhook) -> list[tuple[str, str]]:
    """Names and values as text. An object or list becomes a name for each of its values, but not in a receipt."""
    return [(name, _text(value)) for name, value in flat_values(webhook)]


def flat_values(webhook: Webhook) -> list[tuple[str, object]]:
    """As `flat_fields`, with the values as they arrived."""
    if webhook.kind == "sms-receipt":
        return list(webhook.fields.items())
    return list(_flat(webhook.fields, ""))


def field_meaning(webhook: Webhook, name: str) -> str:
    """What a flat field says; empty for one that no document lists."""
    return _MEANINGS.get(webhook.kind, {}).get(_once(name), "")


def mask_value(webhook: Webhook, name: str, text: str) -> str:
    """The value of a flat field with each possible phone number masked."""
    if webhook.kind == "sms-receipt" or (webhook.kind == "sms-inbound" and name not in _TEXTS):
        return mask_field(name, text)
    name = _once(name)
    if name in _TEXTS:
        return mask_numbers_in(text)
    form = _MESSAGES_FORMS.get(name)
    return text if form and re.fullmatch(form, text, re.ASCII) else mask_number(text)


def _once(name: str) -> str:
    return name.replace("error.error.", "error.", 1)  # as Vonage's Kotlin SDK has it in its test data


def _flat(value: object, name: str) -> Iterator[tuple[str, object]]:
    inner: Sequence[tuple[object, object]] = ()
    if isinstance(value, Mapping):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    if not inner:
        if name:
            yield name, value
        return
    for key, each in inner:
        yield from _flat(each, f"{name}.{key}" if name else str(key))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
