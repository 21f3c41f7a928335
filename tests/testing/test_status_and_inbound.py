"""Statuses and inbound messages in tests: made, changed, signed, and their token checked."""

from datetime import UTC, datetime, timedelta

import pytest
from django.http.request import HttpHeaders
from flask import Flask, request
from starlette.datastructures import Headers as StarletteHeaders

from devkit.errors import UsageError
from devkit.testing import (
    NotReceived,
    ReceiptInbox,
    TextPart,
    deliver,
    load,
    make_inbound,
    make_status,
    resign,
    verify,
    verify_webhook,
    with_fields,
)
from devkit.webhook.jwt import make_token

SECRET = "only-for-tests"
BODY = b'{"message_uuid":"aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab","status":"delivered"}'


def signed(body: bytes = BODY, age: timedelta = timedelta()) -> dict[str, str]:
    token = make_token(body, SECRET, api_key="abcd1234", now=datetime.now(UTC) - age, jti="1")
    return {"authorization": f"Bearer {token}"}


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


def test_a_made_status_is_equal_in_each_run_and_as_vonage_sends_it() -> None:
    status = make_status("rejected", error="1240", client_ref="order-7", fields={"sms": {"count_total": "2"}})

    assert status == make_status(
        "rejected", error="1240", client_ref="order-7", fields={"sms": {"count_total": "2"}}
    )
    assert (status.kind, status.status, status.err_code) == ("messages-status", "rejected", "1240")
    assert (status.client_ref, status.via, status.name) == ("order-7", "json", "rejected")
    assert list(status.fields) == [
        *("to", "from", "channel", "message_uuid", "timestamp", "status", "error", "sms", "client_ref")
    ]
    assert status.callback.header("Authorization") is None


def test_fields_of_a_status_have_python_names_or_the_vendor_s() -> None:
    changed = make_status(from_="Other", message_uuid="a-1", channel=None, fields={"error.title": 1240})

    assert (changed.fields["from"], changed.message_id) == ("Other", "a-1")
    assert changed.fields["error"] == {"title": 1240}
    assert "channel" not in changed.fields
    with pytest.raises(
        TypeError, match=r"'msisdn' is no field of the kind messages-status; there are to, from_"
    ):
        make_status(msisdn="447700900001")
    with pytest.raises(TypeError, match="'to_' is no field of the kind messages-status"):
        with_fields(changed, to_="447700900001")
    with pytest.raises(UsageError, match="to is not an object, so it has no field number"):
        make_status(fields={"to.number": "447700900001"})


def test_a_changed_status_keeps_all_other_bytes_and_its_token() -> None:
    status = resign(make_status("rejected"), SECRET)
    changed = with_fields(status, status="delivered", fields={"error": None})

    assert changed.callback.body == make_status("delivered").callback.body
    assert "payload hash" in verify_webhook(changed.callback.headers, changed.callback.body, SECRET).reason
    again = resign(changed, SECRET)
    assert verify_webhook(again.callback.headers, again.callback.body, SECRET)


def test_statuses_of_the_older_version_have_objects() -> None:
    status = make_status("delivered", version="v0.1")

    assert status.fields["to"] == {"type": "sms", "number": "447700900000"}
    assert status.kind == "messages-status"


def test_inbound_messages_of_both_apis_are_made() -> None:
    sms = make_inbound("STOP now", via="POST", part=TextPart("222", 3, 1), keyword=None)
    messages = make_inbound("STOP now", "messages", fields={"sms.keyword": "STOP"})

    assert (sms.kind, sms.via, sms.fields["concat-part"]) == ("sms-inbound", "form", "1")
    assert "keyword" not in sms.fields
    assert messages.kind == "messages-inbound"
    assert messages.fields["sms"] == {"num_messages": "1", "keyword": "STOP"}
    with pytest.raises(TypeError, match="'err_code' is no field of the kind sms-inbound"):
        make_inbound(err_code="1")


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


@pytest.mark.parametrize("version", ["v1", "v0.1"])
def test_a_repr_has_what_a_failed_test_needs_and_no_number(version: str) -> None:
    status = make_status("rejected", error="1240", version=version, from_="447700900001")  # type: ignore[arg-type]

    assert repr(status).startswith("<SampleWebhook rejected: rejected error=1240 message_uuid=3c7e09b1-")
    assert repr(make_inbound()) == "<SampleWebhook inbound: inbound messageId=0A0000001234567B via get>"
    assert "447700900" not in repr(status) + repr(status.fields) + repr(make_inbound().fields)


def test_an_inbox_knows_statuses_by_the_names_of_all_kinds() -> None:
    inbox = ReceiptInbox()
    inbox.put(make_status("submitted"))
    inbox.put(make_inbound("Hello", "messages"))

    assert (
        inbox.wait_for_receipt(0, message_id=make_status().message_id, status="submitted").kind
        == "messages-status"
    )
    assert inbox.wait_for_receipt(0, kind="messages-inbound").fields["text"] == "Hello"
    with pytest.raises(NotReceived, match=r"No receipt with kind=sms-receipt within 0 s"):
        inbox.wait_for_receipt(0, kind="sms-receipt")


def test_a_function_of_the_fields_takes_statuses() -> None:
    taken: list[dict[str, object]] = []

    assert deliver(make_status("read"), taken.append).ok
    assert taken[0]["status"] == "read"


def test_a_webhook_of_another_product_is_signed_again_too() -> None:
    stranger = load("verify-event")

    signed = resign(stranger, SECRET)

    assert verify_webhook(signed.callback.headers, signed.callback.body, SECRET, any_age=True)
    assert signed.kind == "unknown"


def test_a_version_or_api_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"version is 'v1\.0'; use one of: v1, v0\.1"):
        make_status(version="v1.0")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="api is 'message'; use one of: sms, messages"):
        make_inbound(api="message")  # type: ignore[arg-type]
