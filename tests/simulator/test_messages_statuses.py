import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from devkit.simulator import run_simulator
from devkit.webhook.jwt import claims_of, verify_token
from tests.support.recipients import MESSAGES_RECIPIENTS
from tests.support.simulator_client import (
    JUMPING,
    TEXT,
    ask,
    bearer,
    link,
    listening,
    post,
    register,
    send,
    send_text,
    set_options,
)

SECRET = "simulator-signature-secret"


def statuses(simulator, listener, recipient="447700900000", **fields):
    status, _ = send_text(simulator, to=recipient, webhook_url=listener.url, **fields)
    assert status == 202
    assert simulator.wait_idle(10)
    return listener.documents


def verdict(callback, secret=SECRET):
    return verify_token(callback.headers, callback.body, secret, datetime.now(UTC))


@pytest.mark.parametrize(("recipient", "expected"), MESSAGES_RECIPIENTS.items())
def test_the_recipient_decides(simulator, listener, recipient, expected):
    documents = statuses(simulator, listener, recipient)

    errors = [(each["status"], each.get("error", {}).get("title", "")) for each in documents]
    assert errors == expected
    assert all(verdict(callback) for callback in listener.arrived)
    assert [(each.status, each.err_code) for each in simulator.deliveries] == expected


def test_fields_have_the_order_and_the_types_of_real_ones(simulator, listener):
    submitted, delivered = statuses(simulator, listener, text="x" * 161, client_ref="ref")

    assert list(submitted) == [
        *("to", "from", "channel", "message_uuid", "timestamp", "usage"),
        *("status", "client_ref", "destination", "sms"),
    ]
    assert submitted["usage"] == {"price": "0.0666", "currency": "EUR"}
    assert submitted["sms"] == {"count_total": "2"}
    assert submitted["destination"] == {"network_code": "23410"}
    assert (submitted["to"], submitted["from"], submitted["client_ref"]) == ("447700900000", "AcmeInc", "ref")
    assert submitted["timestamp"].endswith("Z")
    assert "usage" not in delivered
    assert delivered["message_uuid"] == submitted["message_uuid"]


def test_details_can_be_left_out_as_in_the_captures_of_2022(simulator, listener):
    set_options(simulator, status_details=False)

    submitted, delivered = statuses(simulator, listener)

    assert list(delivered) == ["to", "from", "channel", "message_uuid", "timestamp", "status"]
    assert list(submitted) == [*list(delivered)[:5], "usage", "status"]


@pytest.mark.parametrize(
    ("form", "title"), [("text", "1210"), ("number", 1210), ("nested", None)], ids=lambda value: str(value)
)
def test_an_error_can_have_each_form_that_was_seen(simulator, listener, form, title):
    set_options(simulator, error_form=form)

    error = statuses(simulator, listener, "447700900006")[-1]["error"]

    assert error.get("title") == title
    assert error["error"]["title"] == "1210" if form == "nested" else error["type"].endswith("#1210")


def test_one_second_may_have_several_statuses(simulator, listener):
    submitted, delivered = statuses(simulator, listener, "447700900109")

    assert submitted["timestamp"] == delivered["timestamp"]
    assert (submitted["status"], delivered["status"]) == ("submitted", "delivered")


def test_a_v0_1_status_has_objects_and_milliseconds(simulator, listener):
    _, rejected = statuses(simulator, listener, "447700900009", webhook_version="v0.1")

    assert rejected["to"] == {"type": "sms", "number": "447700900009"}
    assert rejected["error"]["code"] == 1240
    assert "channel" not in rejected
    assert len(rejected["timestamp"]) == len("2020-01-01T12:00:00.000Z")


def test_a_ttl_in_seconds_brings_the_rejection_forward(simulator, listener):
    sent = simulator.clock.now()

    statuses(simulator, listener, "447700900101", ttl=3600)

    assert simulator.deliveries[0].at == pytest.approx(sent + 3600, abs=5)


def test_a_trial_account_rejects_other_recipients(simulator, listener):
    set_options(simulator, trial=True, verified=["447700900000"])

    assert statuses(simulator, listener, "447700900001")[-1]["error"]["title"] == "1160"
    assert statuses(simulator, listener)[-1]["status"] == "delivered"


def test_the_early_status_is_answered_before_the_call(simulator, listener):
    status, _ = send_text(simulator, to="447700900104", webhook_url=listener.url)

    assert status == 202
    assert [document["status"] for document in listener.documents] == ["delivered"]


def test_statuses_of_an_application_go_to_its_status_url(simulator, listener):
    link(simulator, status_url=listener.url)
    with listening() as account:
        register(simulator, account)
        send_text(simulator, bearer(simulator))
        assert simulator.wait_idle(10)

    submitted, _ = listener.arrived
    claims = claims_of(submitted.header("Authorization"))
    assert list(claims) == ["iat", "jti", "iss", "payload_hash", "api_key", "application_id"]
    assert (claims["iss"], claims["application_id"]) == ("Vonage", simulator.application_id)
    assert not account.documents


def test_statuses_of_the_account_go_to_its_callback_url_without_an_application(simulator, listener):
    link(simulator, status_url="http://127.0.0.1:1/application")
    register(simulator, listener)

    send_text(simulator)
    assert simulator.wait_idle(10)

    assert len(listener.documents) == 2
    assert "application_id" not in claims_of(listener.arrived[-1].header("Authorization"))


def test_without_a_url_an_attempt_says_so(simulator):
    send_text(simulator)
    send_text(simulator, bearer(simulator))
    assert simulator.wait_idle(10)

    assert {each.problem for each in simulator.deliveries} == {
        "the account has no callback URL",
        "the application has no status_url",
    }


def test_an_application_of_v0_1_gets_v0_1_unless_the_message_says_otherwise(simulator, listener):
    path = f"/v2/applications/{simulator.application_id}"
    messages = {"version": "v0.1", "webhooks": {"status_url": {"address": listener.url}}}
    ask(simulator, "PUT", path, {"name": "old", "capabilities": {"messages": messages}})

    for version in ({}, {"webhook_version": "v1"}):
        send_text(simulator, bearer(simulator), to="447700900100", **version)
        assert simulator.wait_idle(10)

    assert ["channel" in document for document in listener.documents] == [False, True]


def test_a_message_of_the_sms_api_has_statuses_when_the_account_s_type_is_messages(simulator, listener):
    set_options(simulator, messaging_api="messages")
    register(simulator, listener)

    (entry,) = send(simulator, "447700900006", client_ref="ref")
    assert simulator.wait_idle(10)

    submitted, rejected = listener.documents
    assert (submitted["message_uuid"], submitted["status"]) == (entry["message-id"], "submitted")
    assert (rejected["error"]["title"], rejected["client_ref"]) == ("1210", "ref")


def test_no_api_tells_or_sets_the_account_s_type(simulator):
    set_options(simulator, messaging_api="messages")

    _, document = post(simulator, "/account/settings", {"messaging_api": "sms", "messagingApi": "sms"})

    assert not [name for name in document if "messag" in name.lower()]
    assert simulator.options.messaging_api == "messages"


def test_a_rejected_message_is_followed_by_its_fallback(simulator, listener):
    before = simulator.account.balance
    fallback = {**TEXT, "to": "447700900100", "webhook_url": listener.url}
    status, answer = send_text(
        simulator, to="447700900006", webhook_url=listener.url, failover=[fallback, fallback]
    )
    assert simulator.wait_idle(10)

    assert (status, list(answer)) == (202, ["message_uuid", "workflow_id"])
    first, rejected, second = listener.documents
    assert [each["status"] for each in (first, rejected, second)] == ["submitted", "rejected", "submitted"]
    assert first["workflow"] == {
        "workflow_id": answer["workflow_id"],
        "items_number": "1",
        "items_total": "3",
    }
    assert (second["workflow"]["items_number"], second["to"]) == ("2", "447700900100")
    assert second["message_uuid"] != first["message_uuid"] == answer["message_uuid"]
    assert before - simulator.account.balance == sum(each.network.price for each in simulator.messages)
    assert len(simulator.messages) == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"token": "unsigned"}, "There is no token"),
        ({"token": "wrong-secret"}, "forged"),
        ({"token": "wrong-hash"}, "payload hash is wrong"),
        ({"token_skew": 120}, "from the future"),
        ({"token_skew": -200_000}, "stale"),
    ],
)
def test_a_token_can_be_wrong(simulator, listener, change, reason):
    set_options(simulator, **change)

    statuses(simulator, listener, "447700900100")

    assert reason in verdict(listener.arrived[0]).reason


def test_a_small_skew_is_in_the_token(simulator, listener):
    set_options(simulator, token_skew=30)

    statuses(simulator, listener, "447700900100")

    issued_at = claims_of(listener.arrived[0].header("Authorization"))["iat"]
    assert isinstance(issued_at, int)
    ahead = datetime.fromtimestamp(issued_at, UTC)
    assert timedelta(seconds=20) < ahead - datetime.now(UTC) < timedelta(seconds=40)
    assert verdict(listener.arrived[0])


def test_a_token_can_be_replayed(simulator, listener):
    set_options(simulator, token="replayed")

    statuses(simulator, listener)

    first, second = listener.arrived
    assert first.header("Authorization") == second.header("Authorization")
    assert verdict(first)
    assert "payload hash is wrong" in verdict(second).reason


@pytest.mark.parametrize("fresh", [False, True])
def test_a_retry_has_the_same_token_or_a_fresh_one(simulator, fresh):
    set_options(simulator, fresh_token=fresh)
    with listening(answers=[503]) as listener:
        statuses(simulator, listener, "447700900100")

    first, again = listener.arrived
    ids = {claims_of(each.header("Authorization"))["jti"] for each in (first, again)}
    assert first.body == again.body
    assert len(ids) == 1 + fresh
    assert verdict(again)


@pytest.mark.parametrize(
    ("policy", "answers", "seconds"),
    [
        ("backoff", [500, 429], [5, 10]),
        ("backoff", [404], []),
        ("minutely", [404, 500], [60, 60]),
        ("sandbox", [204] * 10, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]),
    ],
)
def test_retries_follow_the_policy(simulator, policy, answers, seconds):
    set_options(simulator, messages_retry=policy)
    with listening(answers=answers) as listener:
        statuses(simulator, listener, "447700900100")

    delays = [round(each.retry_at - each.at) for each in simulator.deliveries if each.retry_at]
    assert delays == seconds


@pytest.mark.parametrize("policy", ["backoff", "minutely", "sandbox"])
def test_statuses_are_retried_for_a_day(policy):
    options = replace(JUMPING, messages_retry=policy)
    with listening(answers=[500] * 2000) as listener, run_simulator(options) as simulator:
        statuses(simulator, listener, "447700900100")
        last, first = simulator.deliveries[-1], simulator.deliveries[0]

    assert 23 * 3600 < last.at - first.at <= 24 * 3600


def test_the_hash_is_that_of_the_sent_bytes(simulator, listener):
    statuses(simulator, listener, "447700900100", client_ref="é€ </x>")

    (callback,) = listener.arrived
    assert json.dumps(json.loads(callback.body), separators=(",", ":"), ensure_ascii=False).encode() == (
        callback.body
    )
    header, _, _ = callback.header("Authorization").removeprefix("Bearer ").split(".")
    assert base64.urlsafe_b64decode(header + "==") == b'{"alg":"HS256","typ":"JWT"}'
    assert verdict(callback)
