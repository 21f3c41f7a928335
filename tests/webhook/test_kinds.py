"""The kinds of webhooks: told by their fields alone, with one set of attributes for all."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.webhook.callback import TRANSPORTS, Callback, Transport, compose
from devkit.webhook.kinds import MessagesInbound, MessagesStatus, SmsInbound, UnknownWebhook
from devkit.webhook.receipt import KINDS, Receipt, Unreadable, Webhook, read
from tests.support.strategies import any_text, json_values

UUID = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
TO, SENDER = "447700900000", "447700900001"
# As captured in 2022, with other numbers.
STATUS = {
    "to": TO,
    "from": SENDER,
    "channel": "sms",
    "message_uuid": UUID,
    "timestamp": "2022-10-04T22:04:01Z",
    "usage": {"price": "0.0412", "currency": "EUR"},
    "status": "submitted",
}
INBOUND = {
    "to": TO,
    "from": SENDER,
    "channel": "sms",
    "message_uuid": UUID,
    "timestamp": "2022-10-04T22:26:08Z",
    "usage": {"price": "0.0057", "currency": "EUR"},
    "message_type": "text",
    "text": "Hello Back!",
    "sms": {"num_messages": "2", "keyword": "HELLO"},
    "origin": {"network_code": "23410"},
}
SMS_INBOUND = {
    "msisdn": SENDER,
    "to": TO,
    "messageId": "28000000054225B9",
    "concat": "true",
    "concat-ref": "222",
    "concat-total": "3",
    "concat-part": "1",
    "text": "Sim senhor",
    "type": "unicode",
    "keyword": "SIM",
    "api-key": "abcd1234",
    "message-timestamp": "2022-07-08 20:38:36",
}
OLD_STATUS = {
    "message_uuid": UUID,
    "to": {"number": TO, "type": "sms"},
    "from": {"number": SENDER, "type": "sms"},
    "timestamp": "2019-09-09T23:18:25.308Z",
    "status": "rejected",
    "error": {"code": 1300, "reason": "Not part of the provider network"},
}
OLD_INBOUND = {
    "message_uuid": UUID,
    "to": {"type": "sms", "number": TO},
    "from": {"type": "sms", "number": SENDER},
    "timestamp": "2021-07-07T15:30:26.706Z",
    "message": {"content": {"type": "text", "text": "Hi"}, "sms": {"num_messages": "1"}},
    "direction": "inbound",
}
VERIFY = {"request_id": UUID, "type": "event", "channel": "sms", "status": "completed", "client_ref": "a-1"}


def webhook(fields: object, *headers: tuple[str, str]) -> Webhook:
    body = json.dumps(fields).encode()
    reading = read(Callback("POST", "/", (("Content-Type", "application/json"), *headers), body))
    assert isinstance(reading, Webhook), reading
    return reading


def status(**fields: object) -> MessagesStatus:
    found = webhook({**STATUS, **fields})
    assert isinstance(found, MessagesStatus)
    return found


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        (STATUS, "messages-status"),
        (OLD_STATUS, "messages-status"),
        (INBOUND, "messages-inbound"),
        (OLD_INBOUND, "messages-inbound"),
        (SMS_INBOUND, "sms-inbound"),
        ({"msisdn": SENDER, "to": TO, "messageId": "0A", "type": "binary", "data": "EA06"}, "sms-inbound"),
        ({"msisdn": TO, "to": "AcmeInc", "messageId": "0A", "status": "delivered"}, "sms-receipt"),
        ({"status": "delivered"}, "sms-receipt"),
        (VERIFY, "unknown"),
        ({"conversation_uuid": "CON-1", "uuid": "1", "status": "answered"}, "unknown"),
    ],
)
def test_fields_decide_on_the_kind(fields: dict[str, object], kind: str) -> None:
    assert webhook(fields).kind == kind
    assert kind in KINDS


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_inbound_sms_is_read_from_any_transport(transport: Transport) -> None:
    reading = read(compose(SMS_INBOUND, transport))

    assert reading == SmsInbound(SMS_INBOUND)


def surface(found: Webhook) -> tuple[object, ...]:
    return (
        found.message_id,
        found.status,
        found.err_code,
        found.recipient,
        found.sender,
        found.client_ref,
        found.network,
        found.channel,
        found.body_text,
        found.message_type,
        found.part,
        found.parts,
    )


RECEIPT = {
    "msisdn": TO,
    "to": "AcmeInc",
    "messageId": "0A",
    "status": "failed",
    "err-code": "9",
    "client-ref": "r",
}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (RECEIPT, ("0A", "failed", "9", TO, "AcmeInc", "r", "", "sms", "", "", 0, 0)),
        (
            SMS_INBOUND,
            ("28000000054225B9", "inbound", "", TO, SENDER, "", "", "sms", "Sim senhor", "unicode", 1, 3),
        ),
        (STATUS, (UUID, "submitted", "", TO, SENDER, "", "", "sms", "", "", 0, 0)),
        (OLD_STATUS, (UUID, "rejected", "1300", TO, SENDER, "", "", "sms", "", "", 0, 0)),
        (INBOUND, (UUID, "inbound", "", TO, SENDER, "", "23410", "sms", "Hello Back!", "text", 0, 2)),
        (OLD_INBOUND, (UUID, "inbound", "", TO, SENDER, "", "", "sms", "Hi", "text", 0, 1)),
        (VERIFY, (UUID, "completed", "", "", "", "a-1", "", "sms", "", "", 0, 0)),
    ],
)
def test_all_kinds_have_the_same_attributes(fields: dict[str, object], expected: tuple[object, ...]) -> None:
    assert surface(webhook(fields)) == expected


@pytest.mark.parametrize(
    "error",
    [
        {"title": "1240"},
        {"title": 1240},
        {"title": 1240.0},
        {"error": {"title": "1240", "detail": "x"}},
        {"error": {"title": 1240}},
        {"code": 1240},
        {"type": "https://developer.nexmo.com/api-errors/messages-olympus#1240", "title": "Illegal Number"},
        "1240",
        1240,
    ],
)
def test_an_error_number_has_many_shapes(error: object) -> None:
    assert status(status="rejected", error=error).err_code == "1240"


@pytest.mark.parametrize(
    "error", [None, {}, [], "", {"title": None}, {"error": None}, {"title": {"a": 1}}, True]
)
def test_a_status_without_an_error_number(error: object) -> None:
    assert status(error=error).err_code == ""


def test_an_error_without_a_number_is_named_by_its_title() -> None:
    assert status(error={"title": "Throttled"}).err_code == "Throttled"


@pytest.mark.parametrize("name", ["count_total", "total_count", "num_messages"])
@pytest.mark.parametrize("count", ["3", 3])
def test_every_spelling_of_the_number_of_parts_is_read(name: str, count: object) -> None:
    assert status(sms={name: count}).parts == 3


@pytest.mark.parametrize("count", ["", "-1", "x", None, [], {}, True, 10**30, 1.5, "100000"])
def test_a_nonsensical_number_of_parts_counts_as_none(count: object) -> None:
    assert status(sms={"count_total": count}).parts == 0


def test_an_unknown_channel_is_kept_and_a_person_may_have_an_id_instead_of_a_number() -> None:
    found = status(channel="pigeon", to="447700900000")
    messenger = webhook(
        {**OLD_INBOUND, "from": {"type": "messenger", "id": "P1"}, "to": {"type": "messenger"}}
    )

    assert (found.channel, found.recipient) == ("pigeon", TO)
    assert (messenger.channel, messenger.sender, messenger.recipient) == ("messenger", "P1", "")


def test_an_inbound_image_has_a_type_and_no_text() -> None:
    found = webhook(
        {"message_uuid": UUID, "channel": "whatsapp", "message_type": "image", "image": {"url": "x"}}
    )

    assert (found.kind, found.message_type, found.body_text) == ("messages-inbound", "image", "")


@pytest.mark.parametrize(
    ("fields", "name", "shown"),
    [
        (VERIFY, "Verify", "completed"),
        ({"request_id": "1", "type": "summary", "workflow": []}, "Verify", "summary"),
        ({"request_id": "1", "status": 0, "status_message": "Success"}, "Number Insight", "0"),
        ({"conversation_uuid": "CON-1", "status": "ringing"}, "Voice", "ringing"),
        ({"type": "member:joined", "application_id": "1", "body": {}}, "RTC", "member:joined"),
        ({"sessionId": "1", "projectId": "2", "event": "streamCreated"}, "Video", "unknown"),
    ],
)
def test_webhooks_of_other_products_are_named(fields: dict[str, object], name: str, shown: str) -> None:
    found = webhook(fields)

    assert isinstance(found, UnknownWebhook)
    assert name in found.problem
    assert found.status == shown


@pytest.mark.parametrize("fields", [{}, {"brand": "new"}, {"status": "delivered"}])
def test_a_bearer_token_without_a_known_field_is_an_unknown_kind(fields: dict[str, object]) -> None:
    found = webhook(fields, ("authorization", "bearer a.b.c"))

    assert isinstance(found, UnknownWebhook)
    assert "Bearer token" in found.problem
    assert found.fields == fields


def test_a_bearer_token_changes_no_known_kind() -> None:
    token = ("Authorization", "Bearer a.b.c")

    assert [webhook(each, token).kind for each in (STATUS, INBOUND, SMS_INBOUND, RECEIPT)] == [
        "messages-status",
        "messages-inbound",
        "sms-inbound",
        "sms-receipt",
    ]


def test_a_json_object_that_nothing_tells_stays_unreadable() -> None:
    body = b'{"brand": "new"}'

    assert read(Callback("POST", "/", (), body)) == Unreadable(
        "There is no status field: this is not a delivery receipt."
    )


NAMES = st.sampled_from(
    [
        *(
            "message_uuid",
            "messageId",
            "status",
            "request_id",
            "type",
            "error",
            "to",
            "from",
            "sms",
            "message",
        ),
        "workflow",
        "title",
        "code",
        "content",
        "usage",
        "channel",
        "text",
        "number",
        "count_total",
        "concat-part",
    ]
)
OBJECTS = st.recursive(
    json_values,
    lambda inner: st.dictionaries(NAMES | any_text, inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(NAMES | any_text, OBJECTS, max_size=8), st.booleans())
def test_no_json_raises_in_any_attribute(fields: dict[str, object], has_token: bool) -> None:
    headers = (("Authorization", "Bearer x"),) if has_token else ()
    reading = read(Callback("POST", "/", headers, json.dumps(fields).encode()))

    assert isinstance(reading, Webhook | Unreadable)
    assert isinstance(reading.problem, str)
    if isinstance(reading, Webhook):
        assert reading.fields == fields
        assert reading.status
        *texts, part, parts = surface(reading)
        assert all(isinstance(each, str) for each in texts)
        assert isinstance(part, int)
        assert isinstance(parts, int)
        assert repr(reading).startswith(f"<{type(reading).__name__} ")


def test_a_repr_shows_no_number_and_no_text() -> None:
    shown = repr(webhook(INBOUND)) + repr(webhook(SMS_INBOUND)) + repr(webhook(OLD_STATUS))

    assert "MessagesInbound inbound" in shown
    assert TO not in shown
    assert "Hello" not in shown


def test_kinds_with_equal_fields_differ() -> None:
    kinds: list[Webhook] = [Receipt(RECEIPT), MessagesInbound(RECEIPT)]

    assert kinds[0] == Receipt(dict(RECEIPT))
    assert kinds[0] != kinds[1]
