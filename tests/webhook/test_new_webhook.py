"""New statuses and inbound messages equal, to the byte, what was logged of real ones; numbers replaced."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from devkit.webhook.callback import json_body
from devkit.webhook.jwt import make_token, verify_token
from devkit.webhook.new_webhook import (
    TextPart,
    compose_messages,
    keyword,
    make_inbound_fields,
    make_sms_inbound_fields,
    make_status_fields,
)

NUMBER, SENDER = "447700900000", "447700900001"
AT = datetime(2022, 10, 4, 22, 4, 1, 706_999, tzinfo=UTC)
UUID = "c6a0e0b9-a1ea-49bb-b618-4f15d6612f6e"


def test_a_submitted_status_is_as_logged() -> None:
    fields = make_status_fields(
        "submitted", message_uuid=UUID, timestamp=AT, recipient=NUMBER, sender=SENDER, price="0.0412"
    )

    assert json_body(fields) == (
        b'{"to":"447700900000","from":"447700900001","channel":"sms",'
        b'"message_uuid":"c6a0e0b9-a1ea-49bb-b618-4f15d6612f6e","timestamp":"2022-10-04T22:04:01Z",'
        b'"usage":{"price":"0.0412","currency":"EUR"},"status":"submitted"}'
    )


def test_a_delivered_status_is_as_logged() -> None:
    fields = make_status_fields("delivered", message_uuid=UUID, timestamp=AT, recipient=NUMBER, sender=SENDER)

    assert json_body(fields) == (
        b'{"to":"447700900000","from":"447700900001","channel":"sms",'
        b'"message_uuid":"c6a0e0b9-a1ea-49bb-b618-4f15d6612f6e","timestamp":"2022-10-04T22:04:01Z",'
        b'"status":"delivered"}'
    )


def test_a_status_has_the_documented_fields_when_they_are_known() -> None:
    fields = make_status_fields(
        "rejected",
        message_uuid=UUID,
        timestamp=AT,
        error="1240",
        client_ref="order-7",
        network_code="23410",
        parts=2,
    )

    assert list(fields)[5:] == ["status", "error", "client_ref", "destination", "sms"]
    assert fields["error"] == {
        "type": "https://developer.vonage.com/api-errors/messages#1240",
        "title": "1240",
        "detail": "Illegal number",
        "instance": UUID.replace("-", ""),
    }
    assert fields["client_ref"] == "order-7"
    assert fields["destination"] == {"network_code": "23410"}
    assert fields["sms"] == {"count_total": "2"}


def test_statuses_of_v0_1_have_objects_as_addresses_and_milliseconds() -> None:
    fields = make_status_fields(
        "rejected", message_uuid=UUID, timestamp=AT, error="1300", error_detail="why", version="v0.1"
    )

    assert list(fields) == ["message_uuid", "to", "from", "timestamp", "status", "error"]
    assert fields["to"] == {"type": "sms", "number": NUMBER}
    assert fields["timestamp"] == "2022-10-04T22:04:01.706Z"
    assert fields["error"] == {"code": 1300, "reason": "why"}


def test_an_inbound_message_is_as_logged() -> None:
    fields = make_inbound_fields("Hello Back!", message_uuid=UUID, timestamp=AT)

    assert json_body(fields) == (
        b'{"to":"447700900000","from":"447700900001","channel":"sms",'
        b'"message_uuid":"c6a0e0b9-a1ea-49bb-b618-4f15d6612f6e","timestamp":"2022-10-04T22:04:01Z",'
        b'"usage":{"price":"0.0057","currency":"EUR"},"message_type":"text","text":"Hello Back!",'
        b'"sms":{"num_messages":"1"}}'
    )


def test_an_inbound_message_of_v0_1_is_as_in_the_tutorial() -> None:
    fields = make_inbound_fields("Hi", message_uuid=UUID, timestamp=AT, version="v0.1")

    assert list(fields) == ["message_uuid", "to", "from", "timestamp", "usage", "message", "direction"]
    assert fields["message"] == {"content": {"type": "text", "text": "Hi"}, "sms": {"num_messages": "1"}}


def test_a_part_of_an_inbound_text_is_as_logged() -> None:
    fields = make_sms_inbound_fields(
        "Sim senhor meu patrão ... mensagem ",
        message_id="28000000054225B9",
        pushed_at=datetime(2022, 7, 8, 20, 38, 36, tzinfo=UTC),
        part=TextPart("222", 3, 1),
    )

    assert urlencode(fields) == (
        "msisdn=447700900001&to=447700900000&messageId=28000000054225B9&concat=true&concat-ref=222"
        "&concat-total=3&concat-part=1&text=Sim+senhor+meu+patr%C3%A3o+...+mensagem+&type=unicode&keyword=SIM"
        "&api-key=abcd1234&message-timestamp=2022-07-08+20%3A38%3A36"
    )


def test_a_text_in_the_gsm_alphabet_is_no_unicode() -> None:
    fields = make_sms_inbound_fields("171080", message_id="17000002A882066F", pushed_at=AT)

    assert list(fields) == [
        "msisdn",
        "to",
        "messageId",
        "text",
        "type",
        "keyword",
        "api-key",
        "message-timestamp",
    ]
    assert (fields["type"], fields["keyword"]) == ("text", "171080")


def test_a_binary_message_has_neither_text_nor_keyword() -> None:
    fields = make_sms_inbound_fields(
        "", message_id="17000002A882066F", pushed_at=AT, data="EA0601AE", udh="0605040B8423F0"
    )

    assert list(fields)[3:] == ["type", "data", "udh", "api-key", "message-timestamp"]
    assert fields["type"] == "binary"


@pytest.mark.parametrize(
    ("text", "word"),
    [("Lá vai https", "LÁ"), ("Hi & bye", "HI"), (" stop\nnow", "STOP"), ("", ""), (" \n", "")],
)
def test_the_keyword_is_the_first_word_in_capitals(text: str, word: str) -> None:
    assert keyword(text) == word


def test_a_composed_callback_carries_its_token() -> None:
    body = json_body(make_inbound_fields("Olá 👍", message_uuid=UUID, timestamp=AT))
    token = make_token(body, "secret", api_key="abcd1234", now=AT, jti=UUID)

    callback = compose_messages(body, token, target="/status", host="dlr.example.test")

    assert "Olá 👍".encode() in callback.body
    assert (callback.method, callback.target, callback.transport) == ("POST", "/status", "json")
    assert callback.header("Content-Length") == str(len(body))
    assert verify_token(callback.headers, callback.body, "secret", AT).verdict == "valid"
    assert compose_messages(body).header("Authorization") is None
