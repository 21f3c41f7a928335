"""What a callback says: a webhook of some kind, mostly a delivery receipt. Ids of messages, and err-codes in words.

*Webhook* is any kind, *receipt* the SMS API's only. The other kinds are in `kinds`.

Message ids have two forms. Receipts and send answers of 2022 and later have a UUID in lower case, 36 characters:
Vonage's tutorial "How to Receive an SMS Delivery Receipt with Node.js" (2023) prints such a receipt. Older ones have 14
to 17 upper-case hexadecimal digits, mostly 16 (Vonage/vonage-php-sdk-core, test/SMS/requests/dlr-*.txt, 2020). Inbound
messages still have those.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Literal, get_args
from urllib.parse import unquote_to_bytes

from devkit.webhook.callback import Callback
from devkit.webhook.strict_json import InvalidJson, RepeatedKey, parse
from devkit.webhook.vocabulary import ALL_ERRORS, NO_ERROR

MAX_FIELDS = 1000
_MAX_DEPTH = 16  # Vonage sends a flat object

IdStyle = Literal["uuid", "hex"]
ID_STYLES: tuple[IdStyle, ...] = get_args(IdStyle)

_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_SHORT_ID = 8  # characters: enough to distinguish messages


Kind = Literal["sms-receipt", "sms-inbound", "messages-status", "messages-inbound", "unknown"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True, repr=False)
class Webhook:
    """What a callback says. All kinds have these attributes; what a kind does not have is empty.

    fields: the vendor's names and values, in the order of arrival. Values are text, or what JSON sent, also nested.
    """

    fields: Mapping[str, object]
    kind: ClassVar[Kind] = "unknown"

    def __repr__(self) -> str:
        # No phone numbers: a repr ends up in logs and test reports.
        err_code = f"err-code={self.err_code or '-'} "
        return f"<{type(self).__name__} {self.status} {err_code}({len(self.fields)} fields)>"

    def text(self, name: str) -> str:
        """A field as text; empty when it is missing or null."""
        value = self.fields.get(name)
        return "" if value is None else str(value)

    @property
    def message_id(self) -> str:
        """`messageId` or `message_uuid`; the `request_id` of Verify."""
        return self.text("messageId")

    @property
    def status(self) -> str:
        """What became of the message; `inbound` for an inbound message. Of an unknown kind: its status or type."""
        return self.text("status")

    @property
    def err_code(self) -> str:
        """The err-code of a receipt, or the error number of a Messages API status."""
        return self.text("err-code")

    @property
    def recipient(self) -> str:
        """Where the message went: of an inbound message, your own number."""
        return self.text("msisdn")  # not `to`, which is the sender in a receipt

    @property
    def sender(self) -> str:
        """Where the message came from: of an inbound message, the person who wrote it."""
        return self.text("to")

    @property
    def client_ref(self) -> str:
        return self.text("client-ref")

    @property
    def network(self) -> str:
        """The network of the other person's phone, as MCCMNC."""
        return self.text("network-code")

    @property
    def channel(self) -> str:
        """`sms`, or the Messages API's name of another channel."""
        return "sms"

    @property
    def body_text(self) -> str:
        """The text of an inbound message."""
        return ""

    @property
    def message_type(self) -> str:
        """What an inbound message carries: `text`, `unicode` or `binary` in the SMS API; `text`, `image`, ..."""
        return ""

    @property
    def part(self) -> int:
        """The number of this part of a long inbound text, from 1; 0 when the webhook is about a whole message."""
        return 0

    @property
    def parts(self) -> int:
        """How many parts the message has, as far as the webhook says so; else 0."""
        return 0

    @property
    def problem(self) -> str:
        """What a webhook of an unknown kind is, in a sentence; empty for the other kinds."""
        return ""


class Receipt(Webhook):
    """What the SMS API says about one message part."""

    __slots__ = ()
    kind: ClassVar[Kind] = "sms-receipt"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A callback that is no webhook. problem: one sentence for people that names the likely mistake."""

    problem: str
    kind: ClassVar[Literal["unreadable"]] = "unreadable"


class _Problem(Exception):
    pass


def read(callback: Callback) -> Webhook | Unreadable:
    """What a callback says. The fields decide on the kind, never the URL. Accepts any bytes; never raises."""
    try:
        fields = _fields(callback)
    except _Problem as problem:
        return Unreadable(str(problem))
    if _is_receipt(fields):
        return Receipt(fields)
    from devkit.webhook.kinds import classify  # here: nearly all are receipts, and it builds on this module

    return classify(fields, callback)


def webhook_in(reading: Webhook | Unreadable) -> Webhook:
    """The webhook; a receipt without fields when it is unreadable."""
    return reading if isinstance(reading, Webhook) else Receipt({})


def _fields(callback: Callback) -> dict[str, object]:
    transport = callback.transport
    if transport == "get":
        if callback.body and not callback.query:
            raise _Problem(
                "A GET with a body and no query string: Vonage puts the fields of a GET into the query."
            )
        return _query_fields(callback.query, "query string")
    if not callback.body:
        raise _Problem("A POST with neither a body nor a query string: Vonage never sends one.")
    if transport == "json":
        return _json_fields(callback.body)
    if "multipart/" in (callback.header("Content-Type") or "").lower():
        raise _Problem(
            "The body is multipart/form-data; Vonage sends application/x-www-form-urlencoded or JSON."
        )
    if callback.body.lstrip()[:1] in (b"{", b"["):
        raise _Problem("The body is JSON, but its Content-Type says that it is a form.")
    return _query_fields(callback.body, "form body")


def _query_fields(raw: str | bytes, place: str) -> dict[str, object]:
    fields: dict[str, object] = {}
    try:
        text = (raw.encode("latin-1") if isinstance(raw, str) else raw).decode("utf-8")
        if text.count("&") >= MAX_FIELDS:
            raise _too_many(place)
        for pair in filter(None, text.split("&")):
            name, _, value = pair.partition("=")
            if "%" in pair or "+" in pair:  # most have neither, and each receipt has a dozen pairs
                name, value = _decoded(name), _decoded(value)
            if name in fields:
                raise _repeated(name)
            fields[name] = value
    except UnicodeError:
        raise _Problem(f"The {place} is not UTF-8.") from None
    return fields


def _decoded(text: str) -> str:
    # As `unquote_plus` with strict errors, in half the time.
    return unquote_to_bytes(text.replace("+", " ")).decode()


def _json_fields(body: bytes) -> dict[str, object]:
    try:
        document = parse(body, max_depth=_MAX_DEPTH)
    except RepeatedKey as repeated:
        raise _repeated(repeated.key) from None
    except InvalidJson as bad:
        raise _Problem(f"The JSON body cannot be read: {bad}.") from None
    if not isinstance(document, dict):
        kind = "array" if isinstance(document, list) else "value without fields"
        raise _Problem(f"The body is a JSON {kind}; Vonage sends one flat JSON object for each receipt.")
    if len(document) > MAX_FIELDS:
        raise _too_many("JSON body")
    return document


def _repeated(name: str) -> _Problem:
    return _Problem(f"The field {name[:40]!r} arrived more than once; Vonage sends each field once.")


def _too_many(place: str) -> _Problem:
    return _Problem(f"The {place} has more than {MAX_FIELDS} fields.")


def _is_receipt(fields: Mapping[str, object]) -> bool:
    status = fields.get("status")
    return isinstance(status, str) and status != "" and "messageId" in fields and "message_uuid" not in fields


def meaning(err_code: str, status: str) -> str:
    """An err-code or error number in words; empty when there is none. One that no document lists is named as such.

    0 is called "Delivered", but comes with other statuses too: with a failure it gives no reason.
    """
    if not err_code:
        return ""
    if err_code == "0" and status != "delivered":
        return "No error" if (err_code, status) in NO_ERROR else "No reason given"
    if err_code in ALL_ERRORS:
        return ALL_ERRORS[err_code].name
    # The Messages API's numbers have four digits.
    return f"Undocumented {'err-code' if len(err_code) < 4 else 'error'} {err_code}"


def reason(err_code: str, status: str) -> str:
    """Why a message has its status, in words; empty when the err-code says only what the status says."""
    return "" if (err_code, status) in NO_ERROR else meaning(err_code, status)


def stamp(moment: datetime) -> str:
    """A time as in `message-timestamp`: UTC, to the second, without a time zone."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def make_message_id(number: int, style: IdStyle = "uuid") -> str:
    """The message id of a number, which may be random. uuid: uses 128 bits of it; hex: 64 bits.

    Raises ValueError for an unknown style.
    """
    if style == "hex":
        return f"{number % 2**64:016X}"
    if style != "uuid":
        raise ValueError(f"id_style={style!r} is none of {', '.join(ID_STYLES)}")
    # Not with `uuid`, whose import takes a millisecond of every short command. 4 and 8 to b: a random UUID.
    digits = f"{number % 2**128:032x}"
    variant = f"{8 + int(digits[16], 16) % 4:x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def is_uuid(text: str) -> bool:
    """Whether an id is a UUID, in either letter case."""
    return _UUID.fullmatch(text) is not None


def short_id(text: str) -> str:
    """Eight characters that distinguish a message: the first of a UUID, which are a selector too.

    The last of an older id: many of those begin with the same characters.
    """
    return text[:_SHORT_ID] if is_uuid(text) else text[-_SHORT_ID:]


def from_file_name(text: str) -> str:
    """The message id of a recording's file name, in which the dashes of a UUID are underscores."""
    with_dashes = text.replace("_", "-")
    return with_dashes if is_uuid(with_dashes) else text
