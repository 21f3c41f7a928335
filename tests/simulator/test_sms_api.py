import json
import re
import uuid
from dataclasses import replace
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from vonage_sms import SmsMessage
from vonage_sms.errors import SmsError

from devkit.errors import ConfigurationError
from devkit.simulator import SimulatorOptions
from tests.support.simulator_client import (
    MESSAGE,
    call,
    listening,
    owner,
    register,
    sdk,
    send,
    submit,
)


def test_an_accepted_message_is_answered_in_strings(simulator):
    (entry,) = send(simulator, client_ref="ref & 1", account_ref="acc")

    message_id = entry.pop("message-id")
    assert message_id == str(uuid.UUID(message_id))
    assert entry == {
        "to": "447700900000",
        "status": "0",
        "remaining-balance": "9999.96670000",
        "message-price": "0.03330000",
        "network": "23410",
        "client-ref": "ref & 1",
        "account-ref": "acc",
    }


def test_ids_of_the_older_form_are_given_out_on_demand(simulator):
    simulator.configure(lambda options: replace(options, id_style="hex"))

    (entry,) = send(simulator)

    assert re.fullmatch("[0-9A-F]{16}", entry["message-id"])


def test_an_unknown_style_of_ids_is_refused():
    with pytest.raises(ConfigurationError, match="'int' is not a valid 'id_style'"):
        SimulatorOptions(id_style="int")  # type: ignore[arg-type]


def test_a_long_text_is_answered_with_an_entry_for_each_part(simulator):
    entries = send(simulator, text="x" * 307)

    assert len({entry["message-id"] for entry in entries}) == 3
    assert {entry["remaining-balance"] for entry in entries} == {"9999.90010000"}
    assert [len(message.text) for message in simulator.messages] == [153, 153, 1]


def test_the_answer_is_compact_and_counts_the_messages_last_in_a_string(simulator):
    _, answer, text = call(
        simulator, "POST", "/sms/json", urlencode({**MESSAGE, "text": "x" * 161}), owner(simulator)
    )

    assert list(json.loads(text)) == ["messages", "message-count"]
    assert text.endswith('],"message-count":"2"}')
    assert json.dumps(json.loads(text), separators=(",", ":")) == text
    assert answer["Content-Type"] == "application/json"
    assert answer["Content-Disposition"] == 'attachment; filename="api.txt"'


def test_a_network_may_have_a_name_instead_of_a_number(simulator):
    with listening() as listener:
        register(simulator, listener)
        (entry,) = send(simulator, to="447700900107")
        receipts = listener.wait_for(3)

    assert entry["network"] == "US_VIRTUAL_BANDWIDTH"
    assert {receipt.text("network-code") for receipt in receipts} == {"US_VIRTUAL_BANDWIDTH"}


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/json", ""])
def test_a_form_is_read_whatever_its_content_type_says(simulator, content_type):
    headers = {**owner(simulator), "Content-Type": content_type}

    assert submit(simulator, headers=headers) == ("0", "")


def test_a_message_can_be_sent_by_get(simulator):
    fields = {"api_key": simulator.api_key, "api_secret": simulator.api_secret, **MESSAGE}

    _, _, text = call(simulator, "GET", f"/sms/json?{urlencode(fields)}")

    assert json.loads(text)["messages"][0]["status"] == "0"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/sms/json", "/sms/xml"])
def test_other_methods_find_nothing(simulator, method, path):
    assert call(simulator, method, path, urlencode(MESSAGE), owner(simulator))[0] == 404
    assert simulator.messages == ()


def test_spaces_in_the_name_of_a_sender_are_ignored(simulator):
    with listening() as listener:
        register(simulator, listener)
        assert submit(simulator, **{"from": " A c m e  I n c "}) == ("0", "")
        receipts = listener.wait_for(3)

    assert simulator.messages[0].sender == "AcmeInc"
    assert {receipt.text("to") for receipt in receipts} == {"AcmeInc"}


def test_a_client_ref_may_have_100_characters(simulator):
    (entry,) = send(simulator, client_ref="x" * 100)

    assert entry["client-ref"] == "x" * 100


def test_xml_answers_say_the_same(simulator):
    form = urlencode({**MESSAGE, "client-ref": "a<b"})
    _, answer, text = call(simulator, "POST", "/sms/xml", form, owner(simulator))

    assert answer["Content-Type"].startswith("text/xml")
    assert text.startswith(
        "<?xml version='1.0' encoding='UTF-8' ?><mt-submission-response><messages count='1'>"
    )
    document = ElementTree.fromstring(text)
    messages = document.find("messages")
    assert messages is not None
    assert messages.attrib == {"count": "1"}
    assert document.findtext("messages/message/status") == "0"
    assert document.findtext("messages/message/messageId") == simulator.messages[0].message_id
    assert document.findtext("messages/message/clientRef") == "a<b"


def test_a_refusal_in_xml_has_the_fields_of_one_in_json(simulator):
    form = urlencode({**MESSAGE, "from": "AcmeIncorporated"})

    _, _, text = call(simulator, "POST", "/sms/xml", form, owner(simulator))

    (message,) = ElementTree.fromstring(text).iter("message")
    assert {field.tag: field.text for field in message} == {
        "to": "447700900000",
        "status": "15",
        "errorText": "Illegal Sender Address - rejected",
        "network": "23410",
    }


@pytest.mark.parametrize("text", ["a\x01b", "a\ud800b", "a\ufffeb"])
def test_what_xml_cannot_hold_is_a_question_mark_in_it(simulator, text):
    body = json.dumps({**MESSAGE, "client-ref": text})

    status, _, answer = call(simulator, "POST", "/sms/xml", body, owner(simulator))

    assert status == 200
    assert ElementTree.fromstring(answer).findtext("messages/message/clientRef") == "a?b"


def test_json_stays_json_whatever_is_accepted(simulator):
    headers = {**owner(simulator), "Accept": "application/xml"}

    assert submit(simulator, headers=headers) == ("0", "")


def test_the_sdk_sends(simulator):
    message = SmsMessage(to="447700900000", from_="AcmeInc", text="Grüße €", client_ref="ref", ttl=60000)

    response = sdk(simulator).sms.send(message)

    assert response.messages[0].message_id == simulator.messages[0].message_id
    assert simulator.messages[0].text == "Grüße €"


def test_the_sdk_meets_a_refusal_as_its_error(simulator):
    with pytest.raises(SmsError, match="error code 3"):
        sdk(simulator).sms.send(SmsMessage(to="1", from_="AcmeInc", text="Hello"))


def test_the_sdk_sends_a_form_that_says_json_after_a_json_call(simulator):
    client = sdk(simulator)
    client.http_client._headers["Content-Type"] = "application/json"  # what its create_secret leaves behind

    response = client.sms.send(SmsMessage(to="447700900000", from_="AcmeInc", text="Hello"))

    assert response.messages[0].status == "0"


@pytest.mark.parametrize("wanted", ["false", "False", "0"])
def test_no_receipt_is_made_when_none_is_asked_for(simulator, wanted):
    with listening() as listener:
        register(simulator, listener)
        send(simulator, status_report_req=wanted)

        assert simulator.wait_idle(10)
        assert simulator.deliveries == ()


@pytest.mark.parametrize("wanted", ["true", "True", "1"])
def test_receipts_are_made_when_they_are_asked_for(simulator, wanted):
    with listening() as listener:
        register(simulator, listener)
        send(simulator, status_report_req=wanted)

        assert len(listener.wait_for(3)) == 3
