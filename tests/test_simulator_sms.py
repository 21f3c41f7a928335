import json
from dataclasses import replace
from decimal import Decimal
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from simulated import JUMPING, call, listening, owner, post, register, sdk, send
from vonage_sms import SmsMessage
from vonage_sms.errors import SmsError

from devkit.signature import METHODS, sign
from devkit.simulator import Fault, SimulatorOptions, run_simulator

MESSAGE = {"from": "AcmeInc", "to": "447700900000", "text": "Hello"}


@pytest.fixture
def simulator():
    with run_simulator(JUMPING) as running:
        yield running


def submit(simulator, *without, headers=None, **fields):
    """One send request: the status and the error text of its only entry."""
    message = {**MESSAGE, **{name.replace("_", "-"): value for name, value in fields.items()}}
    for name in without:
        del message[name]
    status, document = post(simulator, "/sms/json", message, headers)
    assert (status, document["message-count"]) == (200, "1")
    entry = document["messages"][0]
    return entry["status"], entry.get("error-text", "")


def test_an_accepted_message_is_answered_in_strings(simulator):
    (entry,) = send(simulator, client_ref="ref & 1", account_ref="acc")

    message_id = entry.pop("message-id")
    assert len(message_id) == 16
    assert set(message_id) <= set("0123456789ABCDEF")
    assert entry == {
        "to": "447700900000",
        "status": "0",
        "remaining-balance": "9999.96670000",
        "message-price": "0.03330000",
        "network": "23410",
        "client-ref": "ref & 1",
        "account-ref": "acc",
    }


def test_a_long_text_is_answered_with_an_entry_for_each_part(simulator):
    entries = send(simulator, text="x" * 307)

    assert len({entry["message-id"] for entry in entries}) == 3
    balances = [entry["remaining-balance"] for entry in entries]
    assert balances == ["9999.96670000", "9999.93340000", "9999.90010000"]
    assert [len(message.text) for message in simulator.messages] == [153, 153, 1]


def test_the_message_count_is_a_string(simulator):
    _, document = post(simulator, "/sms/json", {**MESSAGE, "text": "x" * 161})

    assert document["message-count"] == "2"


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/json", ""])
def test_a_form_is_read_whatever_its_content_type_says(simulator, content_type):
    headers = {**owner(simulator), "Content-Type": content_type}

    assert submit(simulator, headers=headers) == ("0", "")


def test_a_message_can_be_sent_by_get(simulator):
    fields = {"api_key": simulator.api_key, "api_secret": simulator.api_secret, **MESSAGE}

    _, _, text = call(simulator, "GET", f"/sms/json?{urlencode(fields)}")

    assert json.loads(text)["messages"][0]["status"] == "0"


@pytest.mark.parametrize("name", ["from", "to", "text"])
def test_a_missing_field_is_status_2_and_named(simulator, name):
    assert submit(simulator, name) == ("2", f"Missing {name} param")


def test_missing_credentials_are_status_2(simulator):
    _, document = post(simulator, "/sms/json", {**MESSAGE, "api_key": "abcd1234"}, {})

    assert submit(simulator, headers={}) == ("2", "Missing api_key param")
    assert document["messages"] == [{"status": "2", "error-text": "Missing api_secret param"}]


def test_wrong_credentials_are_status_4_with_http_200(simulator):
    fields = {"api_key": "abcd1234", "api_secret": "wrong"}

    status, document = post(simulator, "/sms/json", {**MESSAGE, **fields}, {})

    assert (status, document["messages"]) == (200, [{"status": "4", "error-text": "Bad Credentials"}])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("to", "12345"),
        ("to", "+447700900000"),
        ("to", "4477009000001234"),
        ("to", "٤٤٧٧٠٠٩٠٠٠٠٠"),
        ("type", "fax"),
        ("ttl", "19999"),
        ("ttl", "604800001"),
        ("ttl", "-1"),
        ("ttl", "9" * 5000),
        ("message_class", "4"),
        ("protocol_id", "256"),
        ("status_report_req", "maybe"),
        ("client_ref", "x" * 101),
        ("body", "xyz"),
        ("udh", "050"),
    ],
)
def test_an_invalid_field_is_status_3_and_named(simulator, name, value):
    expected = ("3", f"Invalid {name.replace('_', '-')} param")

    assert submit(simulator, **{name: value}) == expected


@pytest.mark.parametrize("sender", ["AcmeIncorporated", "1" * 16, "Ac\nme", "Ácme"])
def test_a_sender_that_no_handset_could_show_is_status_15(simulator, sender):
    assert submit(simulator, **{"from": sender})[0] == "15"


def test_a_text_above_3200_characters_is_status_12(simulator):
    assert submit(simulator, text="x" * 3201)[0] == "12"
    assert len(send(simulator, text="x" * 3200)) == 21


@pytest.mark.parametrize(
    "callback",
    [
        "http://127.0.0.1/" + "x" * 84,
        "http://127.0.0.1/a b",
        "127.0.0.1/x",
        "ftp://127.0.0.1/",
        "http://127.0.0.1/é",
    ],
)
def test_a_callback_that_is_too_long_or_no_url_is_status_23(simulator, callback):
    assert submit(simulator, callback=callback) == ("23", "Invalid Callback URL")


def test_a_callback_of_100_characters_is_taken(simulator):
    assert submit(simulator, callback="http://127.0.0.1/" + "x" * 83) == ("0", "")


def test_a_binary_message_needs_a_body(simulator):
    assert submit(simulator, "text", type="binary") == ("2", "Missing body param")
    assert submit(simulator, "text", type="binary", body="00ff", udh="0500") == ("0", "")


def test_an_empty_balance_is_status_9():
    with run_simulator(SimulatorOptions(balance=Decimal("0.07"))) as simulator:
        answers = [submit(simulator)[0] for _ in range(3)]

        assert answers == ["0", "0", "9"]
        assert simulator.account.balance == Decimal("0.00340000")


def test_a_message_that_the_balance_does_not_cover_whole_sends_no_part():
    with run_simulator(SimulatorOptions(balance=Decimal("0.07"))) as simulator:
        assert submit(simulator, text="x" * 400)[0] == "9"
        assert simulator.messages == ()


def test_calls_above_the_rate_are_status_1_and_told_how_long_to_wait():
    with run_simulator(replace(JUMPING, rate=2)) as simulator:
        answers = [submit(simulator) for _ in range(3)]

    assert [status for status, _ in answers] == ["0", "0", "1"]
    words = answers[-1][1].split()
    assert " ".join(words[:6]) == "Throughput Rate Exceeded - please wait"
    assert 0 < int(words[7]) <= 1000


def test_a_trial_account_sends_to_verified_numbers_only():
    options = replace(JUMPING, trial=True, verified=("447700900001",))
    with run_simulator(options) as simulator:
        assert submit(simulator) == ("29", "Non-Whitelisted Destination")
        assert submit(simulator, to="447700900001") == ("0", "")
        assert simulator.messages[0].text == "Hello [FREE SMS DEMO, TEST MESSAGE]"


@pytest.mark.parametrize("method", METHODS)
def test_a_signed_request_is_taken(method):
    options = replace(JUMPING, signature_secret="test-signature-secret", signature_method=method)
    fields = {**MESSAGE, "api_key": "abcd1234", "timestamp": "1577880000", "text": "a&b=c"}
    fields["sig"] = sign(fields, "test-signature-secret", method).upper()
    with run_simulator(options) as simulator:
        _, document = post(simulator, "/sms/json", fields, {})

    assert document["messages"][0]["status"] == "0"


def test_a_wrong_signature_is_status_14(simulator):
    fields = {**MESSAGE, "api_key": "abcd1234", "timestamp": "1577880000", "sig": "0" * 32}

    _, document = post(simulator, "/sms/json", fields, {})

    assert document["messages"] == [{"status": "14", "error-text": "Invalid Signature"}]


def test_a_signature_over_a_field_name_that_cuts_the_text_is_status_14(simulator):
    fields = {**MESSAGE, "api_key": "abcd1234", "timestamp": "1577880000", "client-ref&text": "x"}
    fields["sig"] = sign(fields, simulator.options.signature_secret, simulator.options.signature_method)

    _, document = post(simulator, "/sms/json", fields, {})

    assert document["messages"] == [{"status": "14", "error-text": "Invalid Signature"}]


def test_a_signature_does_not_make_up_for_a_wrong_key(simulator):
    fields = {**MESSAGE, "api_key": "wrong", "timestamp": "1577880000"}
    fields["sig"] = sign(fields, simulator.options.signature_secret, "md5hash")

    _, document = post(simulator, "/sms/json", fields, {})

    assert document["messages"][0]["status"] == "4"


def test_signature_and_secret_together_are_status_32(simulator):
    assert submit(simulator, sig="0" * 32)[0] == "32"


@pytest.mark.parametrize("code", [5, 6, 7, 8, 10, 11, 22, 33])
def test_statuses_without_a_cause_here_can_be_asked_for(code):
    with run_simulator(replace(JUMPING, faults=(Fault(f"send-{code}", times=1),))) as simulator:
        first, second = submit(simulator), submit(simulator)

    assert first[0] == str(code)
    assert first[1]
    assert second == ("0", "")


def test_xml_answers_say_the_same(simulator):
    form = urlencode({**MESSAGE, "client-ref": "a<b"})
    _, answer, text = call(simulator, "POST", "/sms/xml", form, owner(simulator))

    assert answer["Content-Type"].startswith("application/xml")
    document = ElementTree.fromstring(text)
    assert document.find("messages").attrib == {"count": "1"}
    assert document.findtext("messages/message/status") == "0"
    assert document.findtext("messages/message/messageId") == simulator.messages[0].message_id
    assert document.findtext("messages/message/clientRef") == "a<b"


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


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b"[]", b'{"to": {"a": [1]}}', b"&&&=", b"a=" * 500])
def test_nonsense_is_refused_and_breaks_nothing(simulator, body):
    status, _, text = call(simulator, "POST", "/sms/json", body, owner(simulator))

    assert status == 200
    assert json.loads(text)["messages"][0]["status"] in ("2", "3")
