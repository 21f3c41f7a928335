"""The fields of new webhooks of every kind, as Vonage sends them.

Order of fields and types of values, known from what programs logged of real webhooks:
- receipts: captures of 2020 (Vonage/vonage-php-sdk-core, test/SMS/requests/dlr-*.txt). `client-ref` comes between
  `err-code` and `api-key`: captures of 2014 (a web server's log) and 2022 (an Express program's output). In the PHP
  SDK's own file it comes after `api-key`, where it was inserted by hand in 2022.
- inbound messages of the SMS API: 2016 to 2022.
- statuses and inbound messages of the Messages API: October to December 2022; v0.1 as in Vonage's tutorials of 2019 and
  2021. No such log has a status with an error, `client_ref`, `destination` or `sms`: what they contain is documented
  (OpenAPI description of the Messages API, 1.11.0), their place is only assumed.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Literal, NamedTuple, TypeVar, get_args

from devkit.webhook.callback import CALLBACK_PATH, Callback
from devkit.webhook.receipt import stamp
from devkit.webhook.signature import NO_ACCOUNT
from devkit.webhook.sms_text import is_gsm
from devkit.webhook.vocabulary import FIELDS, MESSAGES_ERRORS

_Value = TypeVar("_Value")
MessagesVersion = Literal["v1", "v0.1"]
MESSAGES_VERSIONS: tuple[MessagesVersion, ...] = get_args(MessagesVersion)

_ERROR_PAGE = "https://developer.vonage.com/api-errors/messages"


def make_receipt_fields(
    status: str,
    err_code: str,
    *,
    message_id: str,
    pushed_at: datetime,
    carrier_time: datetime | None = None,
    recipient: str = "447700900000",
    sender: str = "AcmeInc",
    network_code: str = "23410",
    price: str = "0.03330000",
    client_ref: str = "",
    api_key: str = NO_ACCOUNT,
) -> dict[str, str]:
    """The fields of an unsigned receipt, all text, in Vonage's order. The default number is never assigned.

    carrier_time: for `scts`, in the time zone of the carrier's clock; by default pushed_at in UTC.
    client_ref: no field when empty.
    """
    said_at = carrier_time or pushed_at.astimezone(UTC)
    return {
        "msisdn": recipient,
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


def make_status_fields(
    status: str,
    *,
    message_uuid: str,
    timestamp: datetime,
    recipient: str = "447700900000",
    sender: str = "AcmeInc",
    channel: str = "sms",
    price: str = "",
    error: str = "",
    error_detail: str | None = None,
    client_ref: str = "",
    network_code: str = "",
    parts: int = 0,
    version: MessagesVersion = "v1",
) -> dict[str, object]:
    """The fields of a status of the Messages API.

    price: of the whole message, EUR; Vonage says it with `submitted` only. error: its number. error_detail: what the
    platform says about it, by default Vonage's title for the number.
    parts: of the text; a message has one set of statuses, whatever its parts.
    An empty text, or 0, leaves the field out.
    """
    optional: dict[str, object] = {
        "status": status,
        "error": _error(error, error_detail, message_uuid, version) if error else None,
        "client_ref": client_ref,
        "destination": {"network_code": network_code} if network_code else None,
        channel: {"count_total": str(parts)} if parts else None,
    }
    start = _start(message_uuid, timestamp, recipient, sender, channel, price, version)
    return start | {name: value for name, value in optional.items() if value}


def make_inbound_fields(
    text: str,
    *,
    message_uuid: str,
    timestamp: datetime,
    recipient: str = "447700900000",
    sender: str = "447700900001",
    price: str = "0.0057",
    parts: int = 1,
    version: MessagesVersion = "v1",
) -> dict[str, object]:
    """The fields of an inbound SMS of the Messages API, which joins the parts of a long text."""
    start = _start(message_uuid, timestamp, recipient, sender, "sms", price, version)
    sms = {"num_messages": str(parts)}
    if version == "v1":
        return {**start, "message_type": "text", "text": text, "sms": sms}
    message = {"content": {"type": "text", "text": text}, "sms": sms}
    return {**start, "message": message, "direction": "inbound"}


class TextPart(NamedTuple):
    """One part of a long text. reference: the same in all parts of the text. number: from 1."""

    reference: str
    total: int
    number: int


def make_sms_inbound_fields(
    text: str,
    *,
    message_id: str,
    pushed_at: datetime,
    recipient: str = "447700900000",
    sender: str = "447700900001",
    part: TextPart | None = None,
    data: str = "",
    udh: str = "",
    api_key: str = NO_ACCOUNT,
) -> dict[str, str]:
    """The fields of an unsigned inbound message of the SMS API, all text.

    text: of this part. data, udh: of a binary message, in hex; it has no text and no keyword.
    """
    written = {"text": text, "type": "text" if is_gsm(text) else "unicode", "keyword": keyword(text)}
    binary = {"type": "binary", "data": data, "udh": udh}
    return {
        "msisdn": sender,
        "to": recipient,
        "messageId": message_id,
        **(_concat(part) if part else {}),
        **(binary if data else written),
        "api-key": api_key,
        "message-timestamp": stamp(pushed_at),
    }


def _concat(part: TextPart) -> dict[str, str]:
    numbers = {"concat-total": str(part.total), "concat-part": str(part.number)}
    return {"concat": "true", "concat-ref": part.reference, **numbers}


def keyword(text: str) -> str:
    """The first word of a text in capitals, as Vonage makes it."""
    return next(iter(text.split()), "").upper()


def _start(
    message_uuid: str,
    timestamp: datetime,
    recipient: str,
    sender: str,
    channel: str,
    price: str,
    version: MessagesVersion,
) -> dict[str, object]:
    """What statuses and inbound messages begin with."""
    usage = {"usage": {"price": price, "currency": "EUR"}} if price else {}
    if version == "v1":
        names = {"to": recipient, "from": sender, "channel": channel, "message_uuid": message_uuid}
        return {**names, "timestamp": iso_stamp(timestamp), **usage}
    return {
        "message_uuid": message_uuid,
        "to": {"type": channel, "number": recipient},
        "from": {"type": channel, "number": sender},
        "timestamp": iso_stamp(timestamp, milliseconds=True),
        **usage,
    }


def iso_stamp(moment: datetime, *, milliseconds: bool = False) -> str:
    """A time as in the `timestamp` of the Messages API. milliseconds: as in v0.1; else it is to the second."""
    at = moment.astimezone(UTC)
    fraction = f".{at.microsecond // 1000:03}" if milliseconds else ""
    return f"{at:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _error(number: str, detail: str | None, message_uuid: str, version: MessagesVersion) -> dict[str, object]:
    if detail is None:
        detail = MESSAGES_ERRORS[number].name if number in MESSAGES_ERRORS else ""
    if version == "v0.1":
        return {"code": int(number) if number.isdecimal() else number, "reason": detail}
    # `instance` is the id of a trace, 32 hexadecimal digits.
    instance = message_uuid.replace("-", "")
    return {"type": f"{_ERROR_PAGE}#{number}", "title": number, "detail": detail, "instance": instance}


def compose_messages(
    body: bytes, token: str = "", *, target: str = CALLBACK_PATH, host: str = "localhost"
) -> Callback:
    """The callback that the Messages API would send with a body. token: without one it is not signed.

    Documented are the method, the Content-Type and the token. No complete set of headers is known, so no User-Agent is
    made up.
    """
    headers = [("Host", host), ("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    if token:
        headers.append(("Authorization", f"Bearer {token}"))
    return Callback("POST", target, tuple(headers), body)
