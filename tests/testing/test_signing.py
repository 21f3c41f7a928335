"""Signatures and tokens in tests: made, made again, and checked as a handler does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.http.request import HttpHeaders
from flask import Flask, request
from starlette.datastructures import Headers as StarletteHeaders
from vonage_http_client import Auth

from devkit.testing import (
    SampleWebhook,
    load,
    make_inbound,
    make_receipt,
    make_status,
    resign,
    verify,
    verify_webhook,
    with_fields,
)
from devkit.testing.signing import resigned_if_valid
from devkit.webhook.callback import TRANSPORTS, Callback, compose
from devkit.webhook.jwt import make_token
from devkit.webhook.signature import METHODS

SECRET = "only-for-tests"
BODY = b'{"message_uuid":"aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab","status":"delivered"}'
ARRAY = SampleWebhook(Callback("POST", "/", (("Content-Type", "application/json"),), b"[{}]"), name="array")


def signed(body: bytes = BODY, age: timedelta = timedelta()) -> dict[str, str]:
    token = make_token(body, SECRET, api_key="abcd1234", now=datetime.now(UTC) - age, jti="1")
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize("via", TRANSPORTS)
@pytest.mark.parametrize("method", METHODS)
def test_signed_receipt_is_valid(via, method):
    receipt = resign(make_receipt(via=via), "a-secret", method)

    assert verify(receipt.fields, "a-secret", method) == "valid"
    assert receipt.via == via


def test_signed_receipt_is_valid_for_the_sdk():
    receipt = resign(make_receipt(), "a-secret", "sha256")

    auth = Auth(api_key="abcd1234", signature_secret="a-secret", signature_method="sha256")
    assert auth.check_signature(dict(receipt.fields))


def test_signing_again_follows_a_change():
    signed = resign(make_receipt(), "a-secret")
    forged = with_fields(signed, status="failed")

    assert verify(forged.fields, "a-secret", "md5hash") == "invalid"
    assert verify(resign(forged, "a-secret").fields, "a-secret", "md5hash") == "valid"
    assert resign(forged, "a-secret").fields["nonce"] == signed.fields["nonce"]


def test_now_refreshes_the_times():
    signed = resign(
        resign(make_receipt(), "a-secret"), "a-secret", now=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    )

    assert signed.fields["timestamp"] == "1767323045"
    assert signed.fields["message-timestamp"] == "2026-01-02 03:04:05"
    assert verify(signed.fields, "a-secret", "md5hash") == "valid"


def test_only_a_valid_signature_is_made_anew():
    signed = resign(make_receipt(via="json"), "former", "sha1")
    tampered = with_fields(signed, status="failed")

    again = resigned_if_valid(signed, "former", "latter", "sha512")

    assert verify(again.fields, "latter", "sha512") == "valid"
    assert resigned_if_valid(tampered, "former", "latter", "sha512") == tampered
    assert resigned_if_valid(make_receipt(), "former", "latter", "sha512") == make_receipt()
    assert resigned_if_valid(ARRAY, "former", "latter", "sha512") == ARRAY


def test_a_valid_token_is_replaced_only_where_there_is_something_to_sign():
    status, array = resign(make_status(), "former"), Callback("POST", "/", compose({}, "json").headers, b"[]")
    token = make_token(b"[]", "former", api_key="abcd1234", now=datetime.now(UTC), jti="1")
    unreadable = replace(ARRAY, callback=replace(array, headers=(("Authorization", f"Bearer {token}"),)))

    again = resigned_if_valid(status, "former", "latter", "md5hash").callback
    assert verify_webhook(again.headers, again.body, "latter")
    assert verify_webhook(unreadable.callback.headers, b"[]", "former")
    assert resigned_if_valid(unreadable, "former", "latter", "md5hash") == unreadable


def test_a_changed_status_keeps_all_other_bytes_and_its_token() -> None:
    status = resign(make_status("rejected"), SECRET)
    changed = with_fields(status, status="delivered", fields={"error": None})

    assert changed.callback.body == make_status("delivered").callback.body
    assert "payload hash" in verify_webhook(changed.callback.headers, changed.callback.body, SECRET).reason
    again = resign(changed, SECRET)
    assert verify_webhook(again.callback.headers, again.callback.body, SECRET)


def test_a_token_is_of_now_unless_a_time_is_given() -> None:
    status = make_status()
    then = datetime(2025, 1, 1, tzinfo=UTC)

    fresh, old = resign(status, SECRET), resign(status, SECRET, now=then)
    assert verify_webhook(fresh.callback.headers, fresh.callback.body, SECRET)
    assert verify_webhook(old.callback.headers, old.callback.body, SECRET, now=then)
    assert old.fields["timestamp"] == "2025-01-01T00:00:00Z"


def test_an_inbound_message_of_the_sms_api_is_signed_by_its_fields() -> None:
    signed = resign(make_inbound("Hi & bye"), SECRET, "sha256")

    assert verify(signed.fields, SECRET, "sha256") == "valid"


def test_a_webhook_of_another_product_is_signed_again_too() -> None:
    other = load("verify-event")

    signed = resign(other, SECRET)

    assert verify_webhook(signed.callback.headers, signed.callback.body, SECRET, any_age=True)
    assert signed.kind == "unknown"


def test_a_handler_sees_at_once_whether_a_webhook_is_right() -> None:
    assert verify_webhook(signed(), BODY, SECRET)
    assert not verify_webhook(signed(), BODY + b" ", SECRET)
    assert not verify_webhook({}, BODY, SECRET)
    assert not verify_webhook(signed(), BODY, "")
    assert verify_webhook(signed(), BODY + b" ", SECRET).reason.startswith("The payload hash is wrong")


def test_an_old_webhook_counts_as_a_recording_only() -> None:
    old = signed(age=timedelta(days=30))

    assert "stale" in verify_webhook(old, BODY, SECRET).reason
    assert verify_webhook(old, BODY, SECRET, any_age=True)
    assert verify_webhook(old, BODY, SECRET, now=datetime.now(UTC) - timedelta(days=30))


def test_it_can_ask_for_one_account_and_one_application() -> None:
    assert verify_webhook(signed(), BODY, SECRET, api_key="abcd1234")
    assert "api_key" in verify_webhook(signed(), BODY, SECRET, api_key="efgh5678").reason
    assert "application_id" in verify_webhook(signed(), BODY, SECRET, application_id="x").reason


def test_the_headers_of_each_framework_are_understood() -> None:
    found: list[bool] = []
    app = Flask(__name__)

    @app.post("/")
    def view() -> str:
        found.append(bool(verify_webhook(request.headers, request.get_data(), SECRET)))
        return ""

    app.test_client().post("/", data=BODY, headers=signed())
    django = HttpHeaders({"HTTP_AUTHORIZATION": signed()["authorization"]})
    found.append(bool(verify_webhook(django, BODY, SECRET)))
    found.append(bool(verify_webhook(StarletteHeaders(signed()), BODY, SECRET)))
    found.append(bool(verify_webhook([*signed().items()], BODY, SECRET)))

    assert found == [True] * 4


def test_a_second_header_is_seen_where_the_framework_keeps_both() -> None:
    pairs = [*signed().items(), *signed().items()]
    starlette = StarletteHeaders(raw=[(name.encode(), value.encode()) for name, value in pairs])

    assert "2 Authorization headers" in verify_webhook(pairs, BODY, SECRET).reason
    assert not verify_webhook(starlette, BODY, SECRET)


def test_a_body_that_was_decoded_is_a_mistake_of_the_test() -> None:
    with pytest.raises(TypeError, match=r"give the raw bytes, such as request\.get_data\(\)"):
        verify_webhook(signed(), BODY.decode(), SECRET)  # type: ignore[arg-type]
