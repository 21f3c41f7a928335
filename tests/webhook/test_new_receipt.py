"""The one place where the fields of a receipt are made."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from devkit.webhook.new_webhook import change_fields, make_receipt_fields
from devkit.webhook.receipt import stamp
from devkit.webhook.vocabulary import FIELDS

PUSHED = datetime(2026, 11, 23, 12, 30, 5, tzinfo=UTC)
MESSAGE = "38eef590-711f-4360-a23d-80c38291eb1d"


def test_the_fields_are_those_of_a_captured_receipt_in_its_order() -> None:
    made = make_receipt_fields("delivered", "0", message_id=MESSAGE, pushed_at=PUSHED, client_ref="order-1")

    assert list(made.items()) == [
        ("msisdn", "447700900000"),
        ("to", "AcmeInc"),
        ("network-code", "23410"),
        ("messageId", MESSAGE),
        ("price", "0.03330000"),
        ("status", "delivered"),
        ("scts", "2611231230"),
        ("err-code", "0"),
        ("client-ref", "order-1"),
        ("api-key", "abcd1234"),
        ("message-timestamp", "2026-11-23 12:30:05"),
    ]


def test_a_message_without_a_reference_has_none() -> None:
    assert "client-ref" not in make_receipt_fields("accepted", "0", message_id=MESSAGE, pushed_at=PUSHED)


def test_the_table_of_fields_has_the_same_order() -> None:
    made = make_receipt_fields("delivered", "0", message_id=MESSAGE, pushed_at=PUSHED, client_ref="r")

    assert list(FIELDS) == [*made, "timestamp", "nonce", "sig"]


def test_scts_is_the_carriers_clock_and_message_timestamp_is_utc() -> None:
    there = PUSHED.astimezone(timezone(timedelta(hours=1)))

    made = make_receipt_fields("delivered", "0", message_id=MESSAGE, pushed_at=there, carrier_time=there)

    assert (made["scts"], made["message-timestamp"]) == ("2611231330", "2026-11-23 12:30:05")


@pytest.mark.parametrize("hours", [0, 1, -4])
def test_without_a_carriers_clock_scts_is_utc(hours: int) -> None:
    there = PUSHED.astimezone(timezone(timedelta(hours=hours)))

    assert make_receipt_fields("delivered", "0", message_id=MESSAGE, pushed_at=there)["scts"] == "2611231230"


def test_a_stamp_is_utc_to_the_second() -> None:
    assert stamp(PUSHED.astimezone(timezone(timedelta(hours=1)))) == "2026-11-23 12:30:05"


def test_fields_get_the_order_of_captured_ones_and_others_come_last() -> None:
    mixed = {"new": "1", "api-key": "k", "client-ref": "r", "other": "2", "err-code": "0", "msisdn": "4"}

    assert list(change_fields(mixed, {})) == ["msisdn", "err-code", "client-ref", "api-key", "new", "other"]
