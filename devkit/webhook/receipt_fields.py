"""Makes the fields of a delivery receipt, as Vonage sends them.

Order of fields: captures of 2020 (Vonage/vonage-php-sdk-core, test/SMS/requests/dlr-*.txt). `client-ref` comes between
`err-code` and `api-key`: captures of 2014 (a web server's log) and 2022 (an Express program's output). In the PHP SDK's
own file it comes after `api-key`, where it was inserted by hand in 2022.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from devkit.webhook.receipt import stamp
from devkit.webhook.vocabulary import FIELDS

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
