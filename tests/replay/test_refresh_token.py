"""Statuses and inbound messages as if they were sent now: byte for byte, with a new token or a new signature."""

from datetime import UTC, datetime

import pytest

from devkit.errors import FixtureError
from devkit.replay.transform import convert, refresh, set_fields
from devkit.webhook.callback import TRANSPORTS, Callback, Transport, compose
from devkit.webhook.jwt import claims_of, make_token, verify_token
from devkit.webhook.new_webhook import compose_messages, make_sms_inbound_fields
from devkit.webhook.receipt import Webhook, read
from devkit.webhook.signature import Signer, verify

SECRET, OLD_SECRET = "test-signature-secret", "of-the-account"
THEN = datetime(2025, 2, 3, 12, 14, 25, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 13, 0, 5, tzinfo=UTC)
SIGNER = Signer(SECRET, "md5hash", "efgh5678")
# Spaces, a number with a zero at its end and an escape: a parser would write none of them again.
BODY = (
    b'{ "to":"447700900000", "from":"447700900001","channel":"sms","message_uuid":"aaaa-1",'
    b' "timestamp":"2025-02-03T12:14:25Z","usage":{"price": 1.50},"client_ref":"\\u00e9","status":"rejected",'
    b'"error":{"title":"1000"} }'
)


def recorded(body: bytes = BODY) -> Callback:
    token = make_token(body, OLD_SECRET, api_key="abcd1234", application_id="app", now=THEN, jti="old")
    return compose_messages(body, token)


def nonce() -> str:
    return "new"


def is_valid(callback: Callback) -> bool:
    return bool(verify_token(callback.headers, callback.body, SECRET, None))


def test_a_new_token_is_right_and_the_body_unchanged() -> None:
    resigned = refresh(recorded(), NOW, nonce, signer=SIGNER)

    assert resigned.body == BODY
    assert is_valid(resigned)
    assert not is_valid(recorded())
    claims = claims_of(resigned.header("Authorization"))
    assert claims == claims_of(recorded().header("Authorization"))
    assert [name for name, _ in resigned.headers] == [name for name, _ in recorded().headers]


def test_a_changed_field_is_signed_and_all_other_bytes_stay() -> None:
    changed = set_fields(recorded(), {"error.title": "1240"})

    resigned = refresh(changed, NOW, nonce, signer=SIGNER)

    assert resigned.body == BODY.replace(b"1000", b"1240")
    assert is_valid(resigned)


def test_the_time_of_body_and_token_is_renewed() -> None:
    fresh = refresh(recorded(), NOW, nonce, times=True, signer=SIGNER)

    assert fresh.body == BODY.replace(b"2025-02-03T12:14:25Z", b"2026-11-23T13:00:05Z")
    claims = claims_of(fresh.header("Authorization"))
    assert (claims["iat"], claims["jti"]) == (int(NOW.timestamp()), "new")
    assert (claims["api_key"], claims["application_id"]) == ("abcd1234", "app")
    assert verify_token(fresh.headers, fresh.body, SECRET, NOW)


def test_without_resign_the_token_stays_and_is_wrong_for_the_new_body() -> None:
    fresh = refresh(recorded(), NOW, nonce, times=True)

    assert fresh.header("Authorization") == recorded().header("Authorization")
    assert "payload hash" in verify_token(fresh.headers, fresh.body, OLD_SECRET, None).reason


def test_milliseconds_stay_milliseconds_and_a_missing_time_is_not_added() -> None:
    old = recorded(b'{"message_uuid":"a","to":{"type":"sms"},"timestamp":"2021-07-07T15:30:26.706Z"}')
    without = recorded(b'{"message_uuid":"a","status":"read"}')

    assert b'"timestamp":"2026-11-23T13:00:05.000Z"' in refresh(old, NOW, nonce, times=True).body
    assert refresh(without, NOW, nonce, times=True) == without


@pytest.mark.parametrize("token", [None, "Bearer garbage", "Basic abc"])
def test_a_webhook_without_a_token_gets_one_of_the_account(token: str | None) -> None:
    headers = (("Authorization", token),) if token else ()
    callback = Callback("POST", "/", (("Content-Type", "application/json"), *headers), BODY)

    resigned = refresh(callback, NOW, nonce, signer=SIGNER)

    assert verify_token(resigned.headers, resigned.body, SECRET, NOW, api_key="efgh5678")
    assert resigned.headers_named("authorization") == [resigned.header("Authorization")]


def test_several_tokens_become_one() -> None:
    callback = recorded()
    doubled = Callback("POST", "/", (*callback.headers, callback.headers[-1]), callback.body)

    assert is_valid(refresh(doubled, NOW, nonce, signer=SIGNER))


def test_a_webhook_of_another_product_is_signed_too() -> None:
    verify_event = recorded(b'{"request_id":"a","type":"event","status":"completed","timestamp":"x"}')

    resigned = refresh(verify_event, NOW, nonce, times=True, signer=SIGNER)

    assert is_valid(resigned)
    assert resigned.body == verify_event.body


def test_what_cannot_be_read_is_unchanged() -> None:
    broken = recorded(b"{")

    assert refresh(broken, NOW, nonce, times=True, signer=SIGNER) == broken


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_inbound_message_of_the_sms_api_is_signed_as_a_receipt(transport: Transport) -> None:
    fields = make_sms_inbound_fields("Hi & bye", message_id="0A00", pushed_at=THEN)
    signed = refresh(compose(fields, transport), NOW, nonce, times=True, signer=SIGNER)

    reading = read(signed)
    assert isinstance(reading, Webhook)
    assert reading.kind == "sms-inbound"
    assert verify(reading.fields, SECRET, "md5hash") == "valid"
    assert list(reading.fields) == [*fields, "timestamp", "nonce", "sig"]
    assert reading.text("message-timestamp") == "2026-11-23 13:00:05"


@pytest.mark.parametrize("transport", ["get", "form"])
def test_a_webhook_that_exists_as_json_only_stays_json(transport: Transport) -> None:
    with pytest.raises(FixtureError) as raised:
        convert(recorded(), transport)

    assert "messages-status exists only as JSON" in raised.value.message
    assert raised.value.hint == "Omit --as for it."
    assert convert(recorded(), "json") == recorded()


def test_an_inbound_message_of_the_sms_api_has_each_transport() -> None:
    callback = compose(make_sms_inbound_fields("Hi", message_id="0A00", pushed_at=THEN), "get")

    assert convert(convert(callback, "json"), "get") == callback
