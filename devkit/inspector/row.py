"""The summary of a recording, as lists and the search need it, and what identifies its message."""

from dataclasses import dataclass
from datetime import datetime
from sys import intern
from urllib.parse import unquote

from devkit.fixture.format import TRIGGERED, Fixture, owner_in
from devkit.webhook.callback import Transport
from devkit.webhook.field_meanings import flat_fields
from devkit.webhook.masking import mask_number
from devkit.webhook.receipt import Webhook, meaning, reason, webhook_in
from devkit.webhook.signature import Method, Verdict, verify_callback
from devkit.webhook.vocabulary import STATUS_MEANINGS

_MAX_TEXT = (
    4_000  # characters of a receipt that a search looks at, and of an inbound text; most have a few hundred
)


@dataclass(frozen=True, slots=True, repr=False)
class Inbound:
    """What the row of an inbound message has beside the others. text: of this part, not masked.

    message_type: `text`, `unicode`, `binary`, `image`, ... reference, part, parts: of a part of a long text, whose
    parts have the same reference; else empty and 0.
    """

    text: str
    message_type: str
    reference: str = ""
    part: int = 0
    parts: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """The summary of a recording. kind: of the webhook, or `unreadable`. problem: why, or what an unknown webhook is.

    status: empty when it is unreadable. meaning: the err-code in words; empty when it adds nothing to the status.
    msisdn: the recipient. msisdn, sender, client_ref: not masked. text: to search in.
    triggered: `devkit trigger` made it. who: the member of a relay whose message it is, empty without one.
    inbound: None for all but inbound messages.
    """

    key: str
    at: datetime
    message_id: str
    status: str
    err_code: str
    msisdn: str
    network: str
    transport: Transport
    signature: Verdict
    problem: str
    text: str
    triggered: bool = False
    sender: str = ""
    client_ref: str = ""
    kind: str = "sms-receipt"
    channel: str = "sms"
    meaning: str = ""
    who: str = ""
    inbound: Inbound | None = None


def make_row(key: str, fixture: Fixture, secret: str, method: Method) -> Row:
    """The row of a fixture. secret, method: for a signature that was not checked when it was recorded."""
    reading = fixture.read()
    webhook = webhook_in(reading)
    return Row(
        key=key,
        at=fixture.recorded_at,
        message_id=webhook.message_id,
        status=webhook.status,
        err_code=webhook.err_code,
        msisdn=webhook.recipient,
        network=webhook.network,
        transport=fixture.callback.transport,
        signature=fixture.signature or verify_callback(webhook, fixture.callback, secret, method)[0],
        problem=reading.problem,
        text=_search_text(key, fixture, webhook),
        triggered=TRIGGERED in fixture.tags,
        sender=webhook.sender,
        client_ref=webhook.client_ref,
        kind=reading.kind,
        channel=intern(webhook.channel),
        meaning=reason(webhook.err_code, webhook.status),
        who=intern(owner_in(fixture.tags)),
        inbound=_inbound(webhook) if webhook.kind.endswith("-inbound") else None,
    )


def damaged_row(key: str, at: datetime, why: str) -> Row:
    """The row of a file that is no fixture."""
    problem = f"The file cannot be read: {why}"
    return Row(
        key, at, "", "", "", "", "", "get", "absent", problem, problem.lower(), kind="unreadable", channel=""
    )


def _inbound(webhook: Webhook) -> Inbound:
    is_part = 0 < webhook.part <= webhook.parts
    return Inbound(
        webhook.body_text[:_MAX_TEXT],
        intern(webhook.message_type),
        webhook.text("concat-ref") if is_part else "",
        webhook.part if is_part else 0,
        webhook.parts if is_part else 0,
    )


def _search_text(key: str, fixture: Fixture, webhook: Webhook) -> str:
    lines = [f"{name}={text}" for name, text in _fields(webhook)]
    if lines:
        words = meaning(webhook.err_code, webhook.status) if webhook.err_code != "0" else ""
        known = STATUS_MEANINGS.get(webhook.kind, {}).get(webhook.status)
        lines += filter(None, (words, known, "" if webhook.kind == "sms-receipt" else webhook.kind))
    else:
        lines = [unquote(fixture.callback.target), fixture.callback.body.decode("utf-8", "replace")]
    return "\n".join([*fixture.tags, *lines, key])[:_MAX_TEXT].lower()


def _fields(webhook: Webhook) -> list[tuple[str, str]]:
    if webhook.kind == "sms-receipt":
        return [(name, webhook.text(name)) for name in webhook.fields]
    return flat_fields(webhook)


SENT_KINDS = ("sms-receipt", "messages-status")  # are about messages that you sent


@dataclass(frozen=True, slots=True)
class Fact:
    """A name for people, the value, and the field that has it."""

    name: str
    value: str
    field: str


NAMES = ("Recipient", "Sender", "Client-ref", "Network", "Message id", "Channel")
_FIELDS = {
    "sms-receipt": ("msisdn", "to", "client-ref", "network-code", "messageId", ""),
    "sms-inbound": ("to", "msisdn", "", "", "messageId", ""),
    "messages-status": ("to", "from", "client_ref", "destination.network_code", "message_uuid", "channel"),
    "messages-inbound": ("to", "from", "client_ref", "origin.network_code", "message_uuid", "channel"),
    "unknown": ("to", "from", "client_ref", "", "request_id", "channel"),
}
_NONE = ("",) * len(NAMES)


def field_names(kind: str) -> dict[str, str]:
    """The field of each name in a kind of webhook; empty where it has none."""
    return dict(zip(NAMES, _FIELDS.get(kind, _NONE), strict=True))


def facts_of(row: Row, *, numbers: bool) -> tuple[Fact, ...]:
    """What identifies the message of a recording. numbers: show phone numbers whole."""
    people = (row.msisdn, row.sender, row.client_ref)
    values = (*(people if numbers else map(mask_number, people)), row.network, row.message_id, row.channel)
    names = (*NAMES[:4], "Request id", NAMES[5]) if row.kind == "unknown" else NAMES
    facts = map(Fact, names, values, _FIELDS.get(row.kind, _NONE))
    return tuple(fact for fact in facts if fact.value and fact.field)
