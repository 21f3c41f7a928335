"""`devkit trigger` and `devkit replay` with statuses and inbound messages."""

import json
from pathlib import Path

import pytest

from devkit.fixture.format import Fixture, load
from devkit.fixture.store import Store
from devkit.webhook.callback import Callback
from devkit.webhook.jwt import claims_of, make_token, verify_token
from devkit.webhook.new_webhook import compose_messages
from devkit.webhook.receipt import Webhook, read
from devkit.webhook.signature import verify
from tests.support.command import Run, call
from tests.support.fixture_example import MOMENT
from tests.support.parsed_request import received
from tests.support.raw_socket import OK, raw_server

SECRET = "test-signature-secret"
APPLICATION = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"


def sent(directory: Path, *args: str, **settings: str) -> tuple[Run, Callback]:
    with raw_server([OK]) as server:
        result = call(directory, *args, "--to", server.url, **settings)
    assert result.code == 0, result
    return result, received(server.requests[0])


def webhook_of(callback: Callback) -> Webhook:
    reading = read(callback)
    assert isinstance(reading, Webhook)
    return reading


def test_a_status_is_sent_with_its_error_and_its_token(tmp_path: Path) -> None:
    result, callback = sent(
        tmp_path,
        *("trigger", "messages:rejected", "--error", "illegal-number", "--sign", "jwt", "--json"),
        VONAGE_SIGNATURE_SECRET=SECRET,
        VONAGE_API_KEY="efgh5678",
        VONAGE_API_SECRET="not-sent",
        VONAGE_APPLICATION_ID=APPLICATION,
    )

    webhook = webhook_of(callback)
    assert (webhook.kind, webhook.status, webhook.err_code) == ("messages-status", "rejected", "1240")
    assert callback.header("X-Devkit-Trigger") == "1"
    assert verify_token(callback.headers, callback.body, SECRET, None, application_id=APPLICATION)
    assert claims_of(callback.header("Authorization"))["api_key"] == "efgh5678"
    event = json.loads(result.out[0])
    assert (event["message_id"], event["err_code"]) == (webhook.message_id, "1240")
    assert list(event)[-1] == "kind"
    assert event["kind"] == "messages-status"


def test_an_inbound_message_is_sent_in_the_form_of_each_api(tmp_path: Path) -> None:
    _, sms = sent(
        tmp_path,
        *("trigger", "inbound", "--text", "stop it", "--as", "form", "--sign", "sha256"),
        VONAGE_SIGNATURE_SECRET=SECRET,
    )
    result, messages = sent(tmp_path, "trigger", "inbound", "--api", "messages", "--text", "stop it")

    assert verify(webhook_of(sms).fields, SECRET, "sha256") == "valid"
    assert webhook_of(sms).text("keyword") == "STOP"
    assert (webhook_of(messages).kind, webhook_of(messages).body_text) == ("messages-inbound", "stop it")
    assert "inbound" in result.out[0]
    assert "POST" in result.out[1]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["messages:delivered", "--as", "get"], ["sends JSON only", "Omit --as"]),
        (["messages:delivered", "--sign", "md5"], ["Messages API does not sign with md5", "Sign with jwt"]),
        (["delivered", "--sign", "jwt"], ["SMS API does not sign with jwt", "Sign with one of: md5hash,"]),
        (
            ["messages:rejected", "--error", "illegal-nomber"],
            ["No error of the Messages API", "illegal-number"],
        ),
        (["delivered", "--text", "x"], ["--text is for", "devkit trigger inbound"]),
    ],
)
def test_an_option_that_does_not_fit_is_an_error_of_two_lines(
    tmp_path: Path, args: list[str], words: list[str]
) -> None:
    result = call(tmp_path, "trigger", *args, VONAGE_SIGNATURE_SECRET=SECRET)

    assert result.code == 2
    assert all(word in result.err for word in words)
    assert result.out == []


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    body = b'{"message_uuid":"aaaa-1", "timestamp":"2025-02-03T12:14:25Z","status":"rejected","error":{"title":"1"}}'
    token = make_token(body, "of-the-account", api_key="abcd1234", now=MOMENT, jti="1")
    fixture = Fixture(MOMENT, compose_messages(body, token, target="/status"))
    store = Store(tmp_path / "fixtures")
    store.prepare()
    return store.record(fixture, fixture.read())


def test_a_status_is_replayed_byte_for_byte_or_changed_and_signed_again(
    tmp_path: Path, recording: Path
) -> None:
    original = load(recording).callback

    _, exact = sent(tmp_path, "replay", "latest")
    _, changed = sent(
        tmp_path,
        *("replay", "latest", "--set", "error.title=1240", "--unset", "timestamp", "--resign"),
        VONAGE_SIGNATURE_SECRET=SECRET,
    )

    assert exact.body == original.body
    assert exact.header("Authorization") == original.header("Authorization")
    assert changed.body == b'{"message_uuid":"aaaa-1", "status":"rejected","error":{"title":"1240"}}'
    assert verify_token(changed.headers, changed.body, SECRET, None)
    assert claims_of(changed.header("Authorization"))["jti"] == "1"


def test_a_status_cannot_be_replayed_in_another_transport(tmp_path: Path, recording: Path) -> None:
    result = call(tmp_path, "replay", "latest", "--as", "get")

    assert result.code == 3
    assert "exists only as JSON, so it cannot be sent as get" in result.err
    assert "Omit --as" in result.err
