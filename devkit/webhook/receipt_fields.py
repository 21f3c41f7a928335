"""The fields of a receipt as Vonage sends them: made in one place, in the order of captured ones. Pure.

Order: captures of 2020 (Vonage/vonage-php-sdk-core, test/SMS/requests/dlr-*.txt). `client-ref` comes between
`err-code` and `api-key`: captures of 2014 (a web server's log) and 2022 (an Express program's output). In the PHP
SDK's own file it comes after `api-key`, where it was inserted by hand in 2022.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

from devkit.webhook.vocabulary import FIELDS

Value = TypeVar("Value")


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
    """The fields of an unsigned receipt, all text. The default number is one that nobody has.

    carrier_time: for `scts`, by the carrier's clock, in whichever zone that is; UTC of pushed_at when left out.
    client_ref: left out when empty.
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


def in_order(fields: Mapping[str, Value]) -> dict[str, Value]:
    """The fields in Vonage's order; names that no document lists come last."""
    places = {name: place for place, name in enumerate(FIELDS)}
    return dict(sorted(fields.items(), key=lambda pair: places.get(pair[0], len(places))))


def stamp(moment: datetime) -> str:
    """A moment as `message-timestamp` says it: UTC, to the second, without a zone."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
