"""What the recorder makes of webhooks beside receipts: files, events, verdicts on tokens, one explanation."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from devkit.events import Notice
from devkit.events.session import ReceiptTaken, Refused
from devkit.fixture.format import load
from devkit.webhook.callback import Callback, compose
from devkit.webhook.jwt import make_token
from devkit.webhook.new_webhook import (
    TextPart,
    compose_messages,
    make_inbound_fields,
    make_sms_inbound_fields,
    make_status_fields,
)
from devkit.webhook.signature import Signer, sign_fields
from devkit.webhook.timeline import SentMessage
from tests.support.recorder import NOON, SECRET, RecordingSession, receipt

UUID = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
APPLICATION_ID = "78d335fa-323d-0114-9c3d-d6f0d48968cf"
JTI = "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5"


@pytest.fixture
def session(tmp_path: Path) -> RecordingSession:
    return RecordingSession(tmp_path, secret=SECRET)


def status(word: str = "delivered", *, secret: str = "", **fields: object) -> Callback:
    made = make_status_fields(word, message_uuid=UUID, timestamp=NOON, **fields)  # type: ignore[arg-type]
    return signed(made, secret)


def signed(fields: object, secret: str) -> Callback:
    body = json.dumps(fields).encode()
    return compose_messages(
        body, make_token(body, secret, api_key="abcd1234", now=NOON, jti=JTI) if secret else ""
    )


def inbound(text: str) -> Callback:
    return signed(make_inbound_fields(text, message_uuid=UUID, timestamp=NOON, parts=2), "")


def taken(session: RecordingSession) -> list[ReceiptTaken]:
    return [event for event in session.events if isinstance(event, ReceiptTaken)]


def notices(session: RecordingSession) -> list[str]:
    return [event.text for event in session.events if isinstance(event, Notice)]


def test_a_status_is_recorded_and_published(session: RecordingSession) -> None:
    assert session.handle(status("rejected", error="1240", client_ref="r1", network_code="23410")) == 200

    (path,) = session.files
    (event,) = taken(session)
    assert f"-rejected-{UUID.replace('-', '_')}-" in path.name
    assert load(path).read().kind == "messages-status"
    assert replace(event, file="") == ReceiptTaken(
        file="",
        message_id=UUID,
        status="rejected",
        err_code="1240",
        meaning="Illegal number",
        signature="absent",
        network="23410",
        latency_ms=None,
        msisdn="*********000",
        transport="json",
        problem="",
        replay=False,
        sender="AcmeInc",
        client_ref="r1",
        kind="messages-status",
        channel="sms",
    )


def test_an_inbound_message_is_published_with_its_text_and_masked_numbers(session: RecordingSession) -> None:
    session.handle(inbound("STOP\x1b[2J\n call +44 7700 900123"))
    part = TextPart("222", total=3, number=2)
    fields = make_sms_inbound_fields("and so", message_id="0A01", pushed_at=NOON, part=part)
    session.handle(compose(fields, "get"))

    joined, single = taken(session)
    assert (joined.kind, joined.status, joined.message_type) == ("messages-inbound", "inbound", "text")
    assert joined.text == "STOP [2J call +** **** ***123"
    assert (joined.sender, joined.msisdn, joined.part, joined.parts) == ("*********001", "*********000", 0, 0)
    assert (single.kind, single.status, single.text) == ("sms-inbound", "inbound", "and so")
    assert (single.part, single.parts, single.sender) == (2, 3, "*********001")
    assert notices(session) == []


def test_an_unknown_webhook_is_recorded_and_named(session: RecordingSession) -> None:
    verify = {"request_id": UUID, "type": "summary", "status": "completed", "channel_timeout": 1}

    assert session.handle(compose(verify, "json")) == 200

    (event,) = taken(session)
    assert (event.kind, event.status) == ("unknown", "completed")
    assert "Verify" in event.problem
    assert load(session.files[0]).read().kind == "unknown"


def test_what_cannot_be_read_stays_unreadable(session: RecordingSession) -> None:
    session.handle(Callback("POST", "/"))

    (event,) = taken(session)
    assert (event.kind, event.channel) == ("unreadable", "")
    assert event.problem


def test_statuses_of_a_message_are_compared_by_rank_not_by_their_timestamps(
    session: RecordingSession,
) -> None:
    for word in ("submitted", "read", "delivered", "delivered"):
        session.handle(status(word))

    assert [event.order for event in taken(session)] == ["", "", "late", "duplicate"]
    assert [event.latency_ms for event in taken(session)] == [None, 250, 500, 750]


def test_a_status_of_a_sent_message_counts_from_its_send(tmp_path: Path) -> None:
    sent = SentMessage(NOON - timedelta(seconds=1), (UUID,))
    session = RecordingSession(tmp_path, sends={UUID: sent}.get)
    session.handle(status())

    assert (taken(session)[0].sent_ms, taken(session)[0].part) == (1000, 1)
    assert notices(session) == []


def test_the_first_status_at_the_url_for_receipts_is_explained_once(session: RecordingSession) -> None:
    session.handle(status("submitted"), kind="triggered")
    session.handle(status("submitted"), kind="replay")
    assert notices(session) == []

    session.handle(status("delivered"))
    session.handle(status("rejected"))

    (explained,) = notices(session)
    assert "Messaging API type" in explained


@pytest.mark.parametrize(
    ("secret", "is_named"), [(SECRET, True), ("another secret of 32 bytes or more", False)]
)
def test_the_application_that_sent_the_message_is_named_unless_the_token_is_forged(
    session: RecordingSession, secret: str, is_named: bool
) -> None:
    body = json.dumps(make_status_fields("delivered", message_uuid=UUID, timestamp=NOON)).encode()
    sender = {"api_key": "abcd1234", "application_id": APPLICATION_ID}
    session.handle(compose_messages(body, make_token(body, secret, **sender, now=NOON, jti=JTI)))

    (explained,) = notices(session)
    assert (f"devkit dev --application {APPLICATION_ID}" in explained) is is_named
    assert ("Messaging API type" in explained) is not is_named


def test_an_expected_status_is_not_explained(tmp_path: Path) -> None:
    session = RecordingSession(tmp_path, expects_messages=True)
    session.handle(status())

    assert (len(taken(session)), notices(session)) == (1, [])


@pytest.mark.parametrize(
    ("secret", "verdict", "problem"),
    [(SECRET, "valid", ""), ("another", "invalid", "forged"), ("", "absent", "")],
)
def test_a_token_is_checked(session: RecordingSession, secret: str, verdict: str, problem: str) -> None:
    session.handle(status(secret=secret))

    (event,) = taken(session)
    assert event.signature == load(session.files[0]).signature == verdict
    assert problem in event.signature_problem
    assert event.signature_problem == load(session.files[0]).note
    assert bool(event.signature_problem) == bool(problem)


def test_a_body_that_a_proxy_re_encoded_is_called_so(session: RecordingSession) -> None:
    callback = status(secret=SECRET)
    body = json.dumps(json.loads(callback.body), indent=1).encode()
    session.handle(replace(callback, body=body))

    (event,) = taken(session)
    assert event.signature == "invalid"
    assert "a proxy re-encoded the body, or somebody changed it" in event.signature_problem


def test_without_a_secret_a_token_is_unchecked(tmp_path: Path) -> None:
    session = RecordingSession(tmp_path)
    session.handle(status(secret=SECRET))

    assert (taken(session)[0].signature, taken(session)[0].signature_problem) == ("unchecked", "")


def test_an_old_token_is_stale_but_not_in_a_replay(session: RecordingSession) -> None:
    old = status(secret=SECRET)
    session.recorder.clock = lambda: NOON + timedelta(hours=26)
    session.handle(old)
    session.handle(old, kind="replay")

    fresh, replayed = taken(session)
    assert (fresh.signature, replayed.signature) == ("invalid", "valid")
    assert "stale" in fresh.signature_problem


def test_an_inbound_sms_is_signed_as_a_receipt_is(session: RecordingSession) -> None:
    fields = make_sms_inbound_fields("Hi & bye = é€👍", message_id="0A01", pushed_at=NOON)
    session.handle(compose(sign_fields(fields, Signer(SECRET, "md5hash"), NOON, JTI), "form"))

    assert (taken(session)[0].kind, taken(session)[0].signature) == ("sms-inbound", "valid")


def test_a_required_signature_covers_tokens(tmp_path: Path) -> None:
    session = RecordingSession(tmp_path, secret=SECRET, require_signature=True)

    callbacks = [status(secret=SECRET), status(), status(secret="another"), receipt(), inbound("Hi")]

    assert [session.handle(callback) for callback in callbacks] == [200, 401, 401, 401, 401]
    assert len(session.files) == len(taken(session)) == 1
    reasons = [event.reason for event in session.events if isinstance(event, Refused)]
    assert reasons[0] == reasons[2] == "the signature is absent"
    assert reasons[1].startswith("the signature is invalid: The token is forged")


def test_many_reasons_of_refusal_need_no_more_memory(tmp_path: Path) -> None:
    session = RecordingSession(tmp_path, secret=SECRET, require_signature=True)
    body = b'{"message_uuid": "a", "status": "delivered"}'
    for number in range(200):
        token = make_token(body, "another", api_key=f"key{number}", now=NOON, jti=JTI)
        session.handle(compose_messages(body, token))

    assert len(session.recorder._refused) <= 51
    assert sum(session.recorder._refused.values()) == 200
