"""What identifies a message, and the fields that say it, which have other names in each kind of webhook."""

from dataclasses import dataclass

from devkit.inspector.row import Row
from devkit.webhook.masking import mask_number

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
