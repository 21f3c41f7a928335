from datetime import UTC, datetime, timedelta, timezone

import pytest

from devkit.errors import ConfigurationError
from devkit.replay.transform import refresh, signer_with
from devkit.webhook.callback import TRANSPORTS, Callback, Transport, compose
from devkit.webhook.receipt import Receipt, read
from devkit.webhook.signature import METHODS, Method, Signer, verify

NOW = datetime(2026, 11, 23, 14, 0, 5, tzinfo=timezone(timedelta(hours=1)))
SECONDS = str(int(NOW.timestamp()))
SECRET = "test-signature-secret"
PLAIN = {"msisdn": "447700900001", "status": "delivered", "scts": "2001011400"}
STAMPED = {**PLAIN, "message-timestamp": "2020-01-01 12:00:00"}
SIGNED = {**STAMPED, "timestamp": "1577880000", "nonce": "old", "sig": "OLD"}


def fields_of(callback: Callback) -> dict[str, object]:
    reading = read(callback)
    assert isinstance(reading, Receipt)
    return dict(reading.fields)


def nonce() -> str:
    return "new"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_times_and_nonce_are_renewed_in_their_places(transport: Transport) -> None:
    fresh = refresh(compose(SIGNED, transport), NOW, nonce, times=True)

    expected = {**SIGNED, "message-timestamp": "2026-11-23 13:00:05", "timestamp": SECONDS, "nonce": "new"}
    assert list(fields_of(fresh).items()) == list(expected.items())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_missing_times_are_not_added(transport: Transport) -> None:
    assert refresh(compose(PLAIN, transport), NOW, nonce, times=True) == compose(PLAIN, transport)


def test_a_json_number_stays_a_number() -> None:
    fresh = refresh(compose({**STAMPED, "timestamp": 1577880000}, "json"), NOW, nonce, times=True)

    assert fields_of(fresh)["timestamp"] == int(SECONDS)


def test_a_fresh_receipt_in_json_keeps_all_other_bytes() -> None:
    body = b'{ "status": "x", "price": 1.50, "message-timestamp": "2020-01-01 12:00:00", "sig": "OLD" }'
    callback = Callback("POST", "/", (("Content-Type", "application/json"),), body)

    fresh = refresh(callback, NOW, nonce, times=True, signer=Signer(SECRET, "md5hash"))

    signature = fields_of(fresh)["sig"]
    expected = body.replace(b"2020-01-01 12:00:00", b"2026-11-23 13:00:05")
    assert fresh.body == expected.replace(b"OLD", str(signature).encode())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_new_signature_is_right(method: Method, transport: Transport) -> None:
    signed = refresh(compose(SIGNED, transport), NOW, nonce, signer=Signer(SECRET, method))

    fields = fields_of(signed)
    assert verify(fields, SECRET, method) == "valid"
    assert list(fields) == list(SIGNED)
    assert fields["timestamp"] == SIGNED["timestamp"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_unsigned_receipt_gets_all_fields_of_a_signed_one(transport: Transport) -> None:
    signed = refresh(compose(STAMPED, transport), NOW, nonce, signer=Signer(SECRET, "sha256"))

    fields = fields_of(signed)
    assert list(fields) == list(SIGNED)
    assert (fields["timestamp"], fields["nonce"]) == (SECONDS, "new")
    assert verify(fields, SECRET, "sha256") == "valid"


def test_hmacs_are_upper_case_and_the_plain_hash_is_not() -> None:
    assert Signer(SECRET, "sha1").sign(PLAIN).isupper()
    assert Signer(SECRET, "md5hash").sign(PLAIN).islower()


def test_a_callback_without_a_receipt_is_unchanged() -> None:
    callback = Callback("POST", "/", (("Content-Type", "application/json"),), b"[]")

    assert refresh(callback, NOW, nonce, times=True) == callback
    assert refresh(callback, NOW, nonce, signer=Signer(SECRET, "sha1")) == callback


def test_without_a_secret_nothing_can_be_signed() -> None:
    with pytest.raises(ConfigurationError, match="VONAGE_SIGNATURE_SECRET"):
        signer_with("", "sha1")


def test_a_repr_does_not_show_the_secret() -> None:
    assert SECRET not in repr(signer_with(SECRET, "sha1"))


def test_now_may_be_in_any_time_zone() -> None:
    fresh = refresh(compose(STAMPED, "get"), NOW.astimezone(UTC), nonce, times=True)

    assert fields_of(fresh)["message-timestamp"] == "2026-11-23 13:00:05"
