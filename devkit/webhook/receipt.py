"""A delivery receipt: read from a callback of any transport, or made of fields as Vonage sends them.

Message ids have two forms. Receipts and send answers of 2022 and later have a UUID in lower case, 36 characters:
Vonage's tutorial "How to Receive an SMS Delivery Receipt with Node.js" (2023) prints such a receipt. Older ones have 14
to 17 upper-case hexadecimal digits, mostly 16 (Vonage/vonage-php-sdk-core, test/SMS/requests/dlr-*.txt, 2020). Inbound
messages still have those.

Order of fields: captures of 2020 (Vonage/vonage-php-sdk-core, test/SMS/requests/dlr-*.txt). `client-ref` comes between
`err-code` and `api-key`: captures of 2014 (a web server's log) and 2022 (an Express program's output). In the PHP SDK's
own file it comes after `api-key`, where it was inserted by hand in 2022.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeVar, get_args
from urllib.parse import unquote_to_bytes

from devkit.webhook.callback import Callback
from devkit.webhook.strict_json import InvalidJson, RepeatedKey, parse
from devkit.webhook.vocabulary import FIELDS

MAX_FIELDS = 1000
_MAX_DEPTH = 16  # Vonage sends a flat object

IdStyle = Literal["uuid", "hex"]
ID_STYLES: tuple[IdStyle, ...] = get_args(IdStyle)

_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_SHORT_ID = 8  # characters: enough to distinguish messages


@dataclass(frozen=True, slots=True, repr=False)
class Receipt:
    """What Vonage says about one message part.

    fields: the vendor's names and values, in the order of arrival. Values are text, or what JSON sent.
    """

    fields: Mapping[str, object]

    def __repr__(self) -> str:
        # No phone numbers: a repr ends up in logs and test reports.
        return f"<Receipt {self.status} err-code={self.err_code or '-'} ({len(self.fields)} fields)>"

    def text(self, name: str) -> str:
        """A field as text; empty when it is missing or null."""
        value = self.fields.get(name)
        return "" if value is None else str(value)

    @property
    def message_id(self) -> str:
        return self.text("messageId")

    @property
    def status(self) -> str:
        return self.text("status")

    @property
    def err_code(self) -> str:
        return self.text("err-code")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A callback without a receipt. problem: one sentence for people that names the likely mistake."""

    problem: str


class _Problem(Exception):
    pass


def read(callback: Callback) -> Receipt | Unreadable:
    """What a callback says. Accepts any bytes; never raises."""
    try:
        fields = _fields(callback)
        _require_receipt(fields)
    except _Problem as problem:
        return Unreadable(str(problem))
    return Receipt(fields)


def receipt_in(reading: Receipt | Unreadable) -> Receipt:
    """The receipt; one without fields when it is unreadable."""
    return reading if isinstance(reading, Receipt) else Receipt({})


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


def _require_receipt(fields: Mapping[str, object]) -> None:
    if "message_uuid" in fields:
        raise _Problem(
            "This is a Messages API status (it has message_uuid), not an SMS API receipt: "
            "set the account's default SMS setting to SMS API in the dashboard."
        )
    if "status" not in fields and "text" in fields:
        raise _Problem(
            "This is an inbound SMS (it has a text), not a receipt: "
            "the account's inbound webhook points at the receipt URL."
        )
    if "status" not in fields:
        raise _Problem("There is no status field: this is not a delivery receipt.")
    if not isinstance(fields["status"], str) or not fields["status"]:
        raise _Problem("The status is empty or not text; Vonage sends a word such as delivered.")


_Value = TypeVar("_Value")


def make_fields(
    status: str,
    err_code: str,
    *,
    message_id: str,
    pushed_at: datetime,
    carrier_time: datetime | None = None,
    msisdn: str = "447700900000",
    sender: str = "AcmeInc",
    network_code: str = "23410",
    price: str = "0.03330000",
    client_ref: str = "",
    api_key: str = "abcd1234",
) -> dict[str, str]:
    """The fields of an unsigned receipt, all text, in Vonage's order. The default number is never assigned.

    carrier_time: for `scts`, in the time zone of the carrier's clock; by default pushed_at in UTC.
    client_ref: no field when empty.
    """
    said_at = carrier_time or pushed_at.astimezone(UTC)
    return {
        "msisdn": msisdn,
        "to": sender,
        "network-code": network_code,
        "messageId": message_id,
        "price": price,
        "status": status,
        "scts": said_at.strftime("%y%m%d%H%M"),
        "err-code": err_code,
        **({"client-ref": client_ref} if client_ref else {}),
        "api-key": api_key,
        "message-timestamp": stamp(pushed_at),
    }


def change_fields(
    fields: Mapping[str, _Value], values: Mapping[str, _Value], unset: Collection[str] = ()
) -> dict[str, _Value]:
    """The fields with some set and some removed, in Vonage's order; undocumented ones come last."""
    changed = {name: value for name, value in {**fields, **values}.items() if name not in unset}
    places = {name: place for place, name in enumerate(FIELDS)}
    return dict(sorted(changed.items(), key=lambda pair: places.get(pair[0], len(places))))


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
