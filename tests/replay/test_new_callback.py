"""New webhooks of each kind: their fields, their signature, and what a user may ask for."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from devkit.errors import UsageError
from devkit.replay.new_callback import Api, NewWebhook, Origin
from devkit.replay.trigger import notices_about, parse_error, parse_new
from devkit.webhook.callback import Callback
from devkit.webhook.field_meanings import flat_fields
from devkit.webhook.jwt import claims_of, verify_token
from devkit.webhook.kinds import MessagesStatus
from devkit.webhook.receipt import Webhook, read
from devkit.webhook.signature import Signer, verify

NOW = datetime(2026, 11, 23, 12, 30, 5, tzinfo=UTC)
SECRET = "test-signature-secret"
ORIGIN = Origin(NOW, 0x3C7E09B15A4D2F680A0000001234567B, "b2f9d1c4-0000-4000-8000-000000000000")
SIGNED = replace(ORIGIN, api_key="efgh5678", signer=Signer(SECRET, "sha256"))
UUID = "3c7e09b1-5a4d-4f68-8a00-00001234567b"


def webhook_of(callback: Callback) -> Webhook:
    reading = read(callback)
    assert isinstance(reading, Webhook), reading
    return reading


@pytest.mark.parametrize(
    ("api", "status", "kind", "message_id"),
    [
        ("sms", "delivered", "sms-receipt", UUID),
        ("sms", "inbound", "sms-inbound", "0A0000001234567B"),
        ("messages", "delivered", "messages-status", UUID),
        ("messages", "inbound", "messages-inbound", UUID),
    ],
)
def test_there_is_one_of_each_kind(api: Api, status: str, kind: str, message_id: str) -> None:
    webhook = webhook_of(NewWebhook(status, api=api, text="STOP it").callback(ORIGIN))

    assert (webhook.kind, webhook.status, webhook.message_id) == (kind, status, message_id)
    assert webhook.body_text == ("STOP it" if status == "inbound" else "")


@pytest.mark.parametrize("status", ["delivered", "inbound"])
def test_the_messages_api_signs_with_a_token_for_its_body(status: str) -> None:
    callback = NewWebhook(status, api="messages", sets={"client_ref": "é"}).callback(SIGNED)

    verdict = verify_token(callback.headers, callback.body, SECRET, NOW, api_key="efgh5678")
    assert verdict.verdict == "valid"
    assert claims_of(callback.header("Authorization"))["jti"] == ORIGIN.nonce
    assert "application_id" not in claims_of(callback.header("Authorization"))
    of_an_application = NewWebhook(status, api="messages").callback(replace(SIGNED, application_id="app-1"))
    assert claims_of(of_an_application.header("Authorization"))["application_id"] == "app-1"
    unsigned = NewWebhook(status, api="messages").callback(ORIGIN)
    assert unsigned.header("Authorization") is None


def test_the_sms_api_signs_the_fields_of_an_inbound_message() -> None:
    new = NewWebhook("inbound", text="Hi & bye = é€👍", sets={"type": "unicode"}, unsets=("keyword",))

    for transport in ("get", "form", "json"):
        fields = webhook_of(new.callback(SIGNED, transport)).fields
        assert list(fields)[3:6] == ["text", "type", "api-key"]
        assert list(fields)[-3:] == ["timestamp", "nonce", "sig"]
        assert verify(fields, SECRET, "sha256") == "valid"


@pytest.mark.parametrize(
    ("status", "code", "error"), [("rejected", "", "1330"), ("rejected", "1240", "1240")]
)
def test_a_rejected_message_has_an_error(status: str, code: str, error: str) -> None:
    webhook = webhook_of(NewWebhook(status, code, api="messages").callback(ORIGIN))
    flat = dict(flat_fields(webhook))

    assert isinstance(webhook, MessagesStatus)
    assert webhook.err_code == error
    assert flat["error.detail"] == {"1330": "Unknown", "1240": "Illegal number"}[error]


def test_only_a_submitted_message_has_a_price_and_no_other_has_an_error() -> None:
    names = {
        status: set(webhook_of(NewWebhook(status, api="messages").callback(ORIGIN)).fields)
        for status in ("submitted", "delivered", "undeliverable", "read")
    }

    assert [status for status in names if "usage" in names[status]] == ["submitted"]
    assert not any("error" in found for found in names.values())


def test_fields_inside_objects_can_be_set_and_removed() -> None:
    sets = {"error.title": "1000", "sms.count_total": "3"}
    body = (
        NewWebhook("rejected", "1240", sets, ("error.instance", "channel"), "messages").callback(ORIGIN).body
    )

    fields = json.loads(body)
    assert fields["error"]["title"] == "1000"
    assert fields["sms"] == {"count_total": "3"}
    assert "channel" not in fields
    assert "instance" not in fields["error"]
    with pytest.raises(UsageError, match="to is not an object, so it has no field number"):
        NewWebhook("delivered", sets={"to.number": "1"}, api="messages").callback(ORIGIN)


@pytest.mark.parametrize(
    ("status", "options", "api", "code"),
    [
        ("failed", {"err_code": "9"}, "sms", "9"),
        ("messages:rejected", {"error": "1240"}, "messages", "1240"),
        ("rejected", {"api": "messages", "error": "1240"}, "messages", "1240"),
        ("messages:rejected", {"api": "messages"}, "messages", ""),
        ("inbound", {}, "sms", ""),
        ("inbound", {"api": "messages"}, "messages", ""),
        ("messages:inbound", {"text": ""}, "messages", ""),
    ],
)
def test_the_status_says_whose_webhook_it_is(
    status: str, options: dict[str, str], api: str, code: str
) -> None:
    new = parse_new(status, **options)  # type: ignore[arg-type]

    assert (new.api, new.code) == (api, code)
    assert new.status == status.removeprefix("messages:")
    assert new.text == options.get("text", "Hello")


@pytest.mark.parametrize(
    ("status", "options", "message", "hint"),
    [
        ("messages:delivered", {"api": "sms"}, "is of the Messages API", "Omit --api sms"),
        ("messages:", {}, "Not a status: 'messages:'", "messages:delivered"),
        ("", {}, "Not a status: ''", "such as delivered"),
        ("failed", {"error": "1240"}, "--error is for", "--err-code, or type messages:failed"),
        ("messages:rejected", {"err_code": "9"}, "--err-code is for", "Use --error"),
        (
            "inbound",
            {"error": "1240", "api": "messages"},
            "--error is for",
            "an inbound message has no error",
        ),
        ("inbound", {"err_code": "9"}, "--err-code is for", "an inbound message has no error"),
        ("delivered", {"text": ""}, "--text is for", "devkit trigger inbound"),
    ],
)
def test_an_option_of_another_kind_is_refused(
    status: str, options: dict[str, str], message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as raised:
        parse_new(status, **options)  # type: ignore[arg-type]

    assert message in raised.value.message
    assert hint in raised.value.hint


def test_an_error_has_a_number_and_a_name() -> None:
    assert [parse_error(text) for text in ("1240", "illegal-number", "Illegal number", "1999")] == [
        "1240",
        "1240",
        "1240",
        "1999",
    ]
    with pytest.raises(UsageError) as raised:
        parse_error("illegal-numbers")
    assert "illegal-number" in raised.value.hint


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (NewWebhook("delivered", api="messages"), []),
        (NewWebhook("inbound"), []),
        (NewWebhook("inbound", api="messages"), []),
        (NewWebhook("accepted", api="messages"), ["'accepted' is not a status"]),
        (NewWebhook("rejected", "9", api="messages"), ["'9' is not an error number"]),
        (NewWebhook("read", api="messages"), ["an SMS is never 'read'"]),
        (NewWebhook("read", api="messages", sets={"channel": "rcs"}), []),
        (NewWebhook("deliverd", "95"), ["did you mean 'delivered'", "'95' is not an err-code"]),
    ],
)
def test_what_vonage_does_not_document_gets_a_notice(new: NewWebhook, words: list[str]) -> None:
    notices = notices_about(webhook_of(new.callback(ORIGIN)))

    assert len(notices) == len(words)
    assert all(word in notice for word, notice in zip(words, notices, strict=True))
