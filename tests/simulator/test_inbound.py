import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

import pytest

from devkit.errors import ConfigurationError
from devkit.simulator import InboundText, Simulator, run_simulator
from devkit.simulator.occurrences import InboundMessage
from devkit.webhook.callback import TRANSPORTS, Transport
from devkit.webhook.jwt import claims_of, verify_token
from devkit.webhook.kinds import MessagesInbound, SmsInbound
from devkit.webhook.receipt import Webhook, read
from devkit.webhook.signature import METHODS, Method, verify
from tests.support.simulator_client import JUMPING, Listener, ask, call, link, listening, post

NUMBER = "447700900900"
FIELDS = ["msisdn", "to", "messageId", "text", "type", "keyword", "api-key", "message-timestamp"]
LONG = "Hello there. " * 30  # 390 characters


@pytest.fixture
def listener(simulator: Simulator) -> Iterator[Listener]:
    """The account's URL for inbound messages."""
    with listening() as listener:
        status, _ = post(simulator, "/account/settings", {"moCallBackUrl": listener.url})
        assert status == 200
        listener.arrived.clear()
        yield listener


def webhooks(simulator: Simulator, listener: Listener) -> list[Webhook]:
    assert simulator.wait_idle(10)
    readings = [read(callback) for callback in listener.arrived]
    return [reading for reading in readings if isinstance(reading, Webhook)]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_text_comes_by_the_accounts_method_with_the_fields_of_real_ones(
    simulator: Simulator, listener: Listener, transport: Transport
) -> None:
    simulator.configure(lambda options: replace(options, method=transport))

    message = simulator.receive(InboundText(text="Lá & vai = 1+1\n", sender="447700900007"))

    (webhook,) = webhooks(simulator, listener)
    assert isinstance(webhook, SmsInbound)
    assert listener.arrived[0].transport == transport
    assert list(webhook.fields) == FIELDS
    assert (webhook.text("text"), webhook.text("keyword")) == ("Lá & vai = 1+1\n", "LÁ")
    assert (webhook.sender, webhook.recipient) == ("447700900007", NUMBER)
    assert (webhook.text("type"), webhook.message_id) == ("unicode", message.message_ids[0])
    assert len(webhook.message_id) == 16


@pytest.mark.parametrize(("text", "kind", "part"), [(LONG, "text", 153), ("я" + LONG, "unicode", 67)])
def test_a_long_text_comes_in_parts(
    simulator: Simulator, listener: Listener, text: str, kind: str, part: int
) -> None:
    message = simulator.receive(InboundText(text=text))

    parts = webhooks(simulator, listener)
    total = -(-len(text) // part)
    assert list(parts[0].fields) == [
        *FIELDS[:3],
        *("concat", "concat-ref", "concat-total", "concat-part"),
        *FIELDS[3:],
    ]
    assert "".join(each.body_text for each in parts) == text
    assert {len(each.body_text) for each in parts[:-1]} == {part}
    assert {each.text("type") for each in parts} == {kind}
    assert [(each.part, each.parts) for each in parts] == [(at + 1, total) for at in range(total)]
    assert len({each.text("concat-ref") for each in parts}) == 1
    assert [each.message_id for each in parts] == list(message.message_ids)
    assert len(set(message.message_ids)) == total
    assert [each.text("keyword") for each in parts][1] == parts[1].body_text.split()[0].upper()


def test_parts_come_out_of_order_twice_or_not_at_all(simulator: Simulator, listener: Listener) -> None:
    simulator.receive(InboundText(text=LONG, parts=(3, 1, 1), pause=60))

    parts = webhooks(simulator, listener)

    assert [each.part for each in parts] == [3, 1, 1]
    third, first, again = simulator.deliveries
    assert [round(first.at - third.at), round(again.at - first.at)] == [60, 60]
    assert first.message_id == again.message_id


def test_all_parts_can_be_lost(simulator: Simulator, listener: Listener) -> None:
    simulator.receive(InboundText(text=LONG, parts=()))

    assert webhooks(simulator, listener) == []
    assert len(simulator.inbound[0].message_ids) == 3


def test_parts_need_not_say_that_they_belong_together(simulator: Simulator, listener: Listener) -> None:
    simulator.receive(InboundText(text=LONG, concat=False))

    parts = webhooks(simulator, listener)
    assert len(parts) == 3
    assert all(list(each.fields) == FIELDS for each in parts)


def test_a_binary_message_has_data_and_no_text(simulator: Simulator, listener: Listener) -> None:
    simulator.receive(InboundText(data="EA0601", udh="0605040B8423F0"))

    (webhook,) = webhooks(simulator, listener)
    assert isinstance(webhook, SmsInbound)
    assert list(webhook.fields) == [
        *("msisdn", "to", "messageId", "type", "data", "udh", "api-key", "message-timestamp")
    ]
    assert webhook.text("type") == "binary"


@pytest.mark.parametrize("method", METHODS)
def test_it_is_signed_as_receipts_are(simulator: Simulator, listener: Listener, method: Method) -> None:
    simulator.configure(lambda options: replace(options, sign_receipts=True, signature_method=method))

    simulator.receive(InboundText(text="Hi & bye = é€👍"))

    (webhook,) = webhooks(simulator, listener)
    assert list(webhook.fields)[-3:] == ["timestamp", "nonce", "sig"]
    assert verify(webhook.fields, simulator.options.signature_secret, method) == "valid"


def test_the_number_s_own_url_comes_before_the_account_s(simulator: Simulator, listener: Listener) -> None:
    with listening() as own:
        post(simulator, "/number/update", {"country": "GB", "msisdn": NUMBER, "moHttpUrl": own.url})
        own.arrived.clear()
        simulator.receive(InboundText())
        simulator.receive(InboundText(api="messages"))
        assert simulator.wait_idle(10)

    assert isinstance(read(own.arrived[0]), SmsInbound)
    assert len(own.arrived) == 1
    # In Messages-API mode it is ignored, and the update has unlinked the application.
    assert [type(each) for each in webhooks(simulator, listener)] == [MessagesInbound]


def test_the_messages_api_joins_the_parts_and_asks_the_application(
    simulator: Simulator, listener: Listener
) -> None:
    simulator.configure(lambda options: replace(options, messaging_api="messages"))
    with listening() as own:
        link(simulator, inbound_url=own.url)
        message = simulator.receive(InboundText(text=LONG))
        assert simulator.wait_idle(10)

    (callback,) = own.arrived
    webhook = read(callback)
    assert isinstance(webhook, MessagesInbound)
    assert list(webhook.fields) == [
        *("to", "from", "channel", "message_uuid", "timestamp", "usage", "message_type", "text", "sms")
    ]
    assert (webhook.body_text, webhook.parts) == (LONG, 3)
    assert [webhook.message_id] == list(message.message_ids)
    header = callback.header("Authorization")
    assert claims_of(header)["application_id"] == simulator.application_id
    assert verify_token(
        callback.headers, callback.body, simulator.options.signature_secret, datetime.now(UTC)
    )
    assert not listener.arrived


def test_without_an_application_url_it_goes_to_the_account(simulator: Simulator, listener: Listener) -> None:
    ask(
        simulator,
        "PUT",
        f"/v2/applications/{simulator.application_id}",
        {"name": "x", "capabilities": {"messages": {"version": "v0.1", "webhooks": {}}}},
    )

    simulator.receive(InboundText(text="STOP", api="messages"))

    (webhook,) = webhooks(simulator, listener)
    assert (webhook.kind, webhook.body_text) == ("messages-inbound", "STOP")
    assert webhook.text("channel") == "sms"  # v1: the application has no part in it
    assert "application_id" not in claims_of(listener.arrived[0].header("Authorization"))


@pytest.mark.parametrize("api", ["sms", "messages"])
def test_without_a_url_the_attempt_says_so(simulator: Simulator, api: Literal["sms", "messages"]) -> None:
    simulator.receive(InboundText(api=api))
    assert simulator.wait_idle(10)

    (delivery,) = simulator.deliveries
    assert delivery.problem == "the account has no URL for inbound messages"
    assert (delivery.status, delivery.kind) == ("inbound", f"{api}-inbound")


def test_it_is_retried_for_a_day(simulator: Simulator) -> None:
    with listening(answers=[503] * 2000) as listener:
        fields = {"moCallBackUrl": listener.url, "httpForwardMethod": "POST_JSON"}
        post(simulator, "/account/settings", fields)
        simulator.receive(InboundText())
        assert simulator.wait_idle(10)

    first, *_, last = simulator.deliveries
    assert last.at - first.at == pytest.approx(24 * 3600, abs=61)


def test_over_http(simulator: Simulator, listener: Listener) -> None:
    status, answer = ask(
        simulator,
        "POST",
        "/simulator/inbound",
        {"text": "Stop it", "from": "Shop", "to": NUMBER, "api": "sms"},
    )

    assert status == 202
    (message,) = simulator.inbound
    assert isinstance(message, InboundMessage)
    assert answer["message_ids"] == list(message.message_ids)
    assert (answer["kind"], answer["sender"], answer["text"]) == ("sms-inbound", "Shop", "Stop it")
    assert [each.text("keyword") for each in webhooks(simulator, listener)] == ["STOP"]
    assert call(simulator, "POST", "/simulator/inbound")[0] == 202  # all fields have a default


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_text_that_is_no_unicode_is_pushed_too(
    simulator: Simulator, listener: Listener, transport: Transport
) -> None:
    simulator.configure(lambda options: replace(options, method=transport))

    for api in ("sms", "messages"):
        assert (
            call(simulator, "POST", "/simulator/inbound", f'{{"text": "a\\ud800b", "api": "{api}"}}')[0]
            == 202
        )
    assert simulator.wait_idle(10)

    assert [delivery.answer for delivery in simulator.deliveries] == [200, 200]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"to": "447700900999"}, "The account has no such number"),
        ({"text": 7}, "The value of 'text' is not valid"),
        ({"from": "x" * 20}, "The value of 'from' is not valid"),
        ({"data": "xyz"}, "The value of 'data' is not valid"),
        ({"api": "mms"}, "The value of 'api' is not valid"),
        ({"parts": [2]}, "`parts` names a part that the text does not have: it has 1"),
        ({"parts": "2"}, "The value of 'parts' is not valid"),
        ({"api": "messages", "parts": [1]}, "neither binary inbound messages nor parts"),
        ({"api": "messages", "data": "00"}, "neither binary inbound messages nor parts"),
        ({"text": "x" * 3201}, "at most 3200 characters"),
        ({"pause": -1}, "`pause` is from 0"),
        ({"colour": "red"}, "'colour' is not a field of an inbound message."),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_sent(
    simulator: Simulator, document: object, words: str
) -> None:
    status, _, text = call(simulator, "POST", "/simulator/inbound", json.dumps(document))

    answer = json.loads(text)
    assert status == 400
    assert words in answer["error"]
    assert answer["hint"]
    assert not simulator.inbound
    assert simulator.due == 0


def test_in_python_a_wrong_text_is_an_error(simulator: Simulator) -> None:
    with pytest.raises(ConfigurationError, match="no such number"):
        simulator.receive(InboundText(recipient="447700900999"))


def test_an_inbound_url_of_the_start_is_not_probed() -> None:
    with listening(probe=500) as listener:
        options = replace(JUMPING, inbound_url=listener.url, messaging_api="messages")
        with run_simulator(options) as simulator:
            simulator.receive(InboundText())
            assert simulator.wait_idle(10)

    (callback,) = listener.arrived
    assert claims_of(callback.header("Authorization"))["application_id"] == simulator.application_id
