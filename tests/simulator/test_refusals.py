"""Refused send requests: the answers have the texts and the fields of real ones."""

import json
import re
from dataclasses import replace
from decimal import Decimal

import pytest

from devkit.simulator import Fault, SimulatorOptions, run_simulator
from devkit.webhook.signature import METHODS, sign
from tests.support.simulator_client import JUMPING, MESSAGE, call, owner, post, send, submit


def refused(simulator, **fields):
    """One send request that is refused: its only entry."""
    (entry,) = send(simulator, **fields)
    assert all(isinstance(value, str) for value in entry.values())
    return entry


@pytest.mark.parametrize("name", ["from", "to"])
def test_a_missing_field_is_status_2_and_named(simulator, name):
    assert submit(simulator, name) == ("2", f"Missing {name} param")


@pytest.mark.parametrize("kind", ["text", "unicode"])
def test_a_missing_or_empty_text_is_status_2_in_words_of_its_own(simulator, kind):
    assert submit(simulator, "text", type=kind) == ("2", "Missing Message Text")
    assert submit(simulator, text="", type=kind) == ("2", "Missing Message Text")
    assert simulator.messages == ()


def test_missing_credentials_are_status_2(simulator):
    _, document = post(simulator, "/sms/json", {**MESSAGE, "api_key": "abcd1234"}, {})

    assert submit(simulator, headers={}) == ("2", "Missing api_key")
    words = "Your request is incomplete and missing some mandatory parameters"
    assert document["messages"] == [{"status": "2", "error-text": words}]


@pytest.mark.parametrize(
    ("kind", "needed"),
    [
        ("wappush", {"title": "Devkit", "url": "http://example.com/"}),
        ("vcal", {"vcal": "BEGIN:VCALENDAR"}),
        ("vcard", {"vcard": "BEGIN:VCARD"}),
        ("binary", {"body": "00ff", "udh": "0500"}),
    ],
)
def test_a_message_without_the_content_of_its_type_is_status_2(simulator, kind, needed):
    complete = {name: value for name, value in needed.items() if name != "udh"}
    for name in complete:
        rest = {other: value for other, value in needed.items() if other != name}
        assert submit(simulator, "text", type=kind, **rest) == ("2", f"Missing {name} param")
        assert submit(simulator, "text", type=kind, **rest, **{name: ""}) == ("2", f"Missing {name} param")
    assert submit(simulator, "text", type=kind, **needed) == ("0", "")


def test_wrong_credentials_are_status_4_with_http_200(simulator):
    fields = {"api_key": "abcd1234", "api_secret": "wrong"}

    status, document = post(simulator, "/sms/json", {**MESSAGE, **fields}, {})

    assert (status, document["messages"]) == (200, [{"status": "4", "error-text": "Bad Credentials"}])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("to", "12345"),
        ("to", "4477009000001234"),
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


@pytest.mark.parametrize("number", ["+447700900000", "٤٤٧٧٠٠٩٠٠٠٠٠", "44 7700 900000", "Alice"])
def test_a_recipient_that_is_no_number_is_status_3_in_words_of_its_own(simulator, number):
    assert submit(simulator, to=number) == ("3", "to address is not numeric")


def test_a_recipient_without_a_country_is_status_6(simulator):
    assert refused(simulator, to="07700900000") == {
        "to": "07700900000",
        "status": "6",
        "error-text": "Unroutable message - rejected",
    }


@pytest.mark.parametrize("sender", ["AcmeIncorporated", "1" * 16, "Ac\nme", "Ácme", "   "])
def test_a_sender_that_no_handset_could_show_is_status_15(simulator, sender):
    assert refused(simulator, **{"from": sender}) == {
        "to": "447700900000",
        "status": "15",
        "error-text": "Illegal Sender Address - rejected",
        "network": "23410",
    }


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


def test_an_empty_balance_is_status_9():
    with run_simulator(SimulatorOptions(balance=Decimal("0.07"))) as simulator:
        answers = [submit(simulator)[0] for _ in range(2)]

        assert answers == ["0", "0"]
        assert refused(simulator) == {
            "to": "447700900000",
            "status": "9",
            "error-text": "Quota Exceeded - rejected",
            "remaining-balance": "0.00340000",
            "message-price": "0.03330000",
            "network": "23410",
        }
        assert simulator.account.balance == Decimal("0.00340000")


def test_a_message_that_the_balance_does_not_cover_whole_sends_no_part():
    with run_simulator(SimulatorOptions(balance=Decimal("0.07"))) as simulator:
        assert submit(simulator, text="x" * 400)[0] == "9"
        assert simulator.messages == ()


def test_calls_above_the_rate_are_status_1_and_say_how_long_to_wait():
    with run_simulator(replace(JUMPING, rate=2)) as simulator:
        answers = [submit(simulator)[0] for _ in range(2)]
        refusal = refused(simulator)

    assert answers == ["0", "0"]
    words = refusal.pop("error-text")
    match = re.fullmatch(r"Throughput Rate Exceeded - please wait \[ (\d+) \] and retry", words)
    assert match
    assert 0 < int(match[1]) <= 1000
    assert refusal == {"to": "447700900000", "status": "1", "network": "23410"}


def test_a_trial_account_sends_to_verified_numbers_only():
    options = replace(JUMPING, trial=True, verified=("447700900001",))
    with run_simulator(options) as simulator:
        assert refused(simulator) == {
            "to": "447700900000",
            "status": "29",
            "error-text": "Non White-listed Destination - rejected",
        }
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


def test_a_signature_does_not_make_up_for_a_wrong_key(simulator):
    fields = {**MESSAGE, "api_key": "wrong", "timestamp": "1577880000"}
    fields["sig"] = sign(fields, simulator.options.signature_secret, "md5hash")

    _, document = post(simulator, "/sms/json", fields, {})

    assert document["messages"][0]["status"] == "4"


def test_signature_and_secret_together_are_status_32(simulator):
    assert submit(simulator, sig="0" * 32)[0] == "32"


@pytest.mark.parametrize("code", [5, 7, 8, 10, 11, 22, 33])
def test_a_fault_selects_a_status_that_has_no_cause_here(code):
    with run_simulator(replace(JUMPING, faults=(Fault(f"send-{code}", times=1),))) as simulator:
        first, second = submit(simulator), submit(simulator)

    assert first[0] == str(code)
    assert first[1]
    assert second == ("0", "")


def test_a_fault_has_the_words_and_fields_of_its_status():
    with run_simulator(replace(JUMPING, faults=(Fault("send-9"),))) as simulator:
        assert refused(simulator)["error-text"] == "Quota Exceeded - rejected"
        assert refused(simulator)["remaining-balance"] == "10000.00000000"
        assert list(refused(simulator, to="")) == ["status", "error-text", "remaining-balance"]


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b"[]", b'{"to": {"a": [1]}}', b"&&&=", b"a=" * 500])
def test_nonsense_is_refused_and_breaks_nothing(simulator, body):
    status, _, text = call(simulator, "POST", "/sms/json", body, owner(simulator))

    assert status == 200
    assert json.loads(text)["messages"][0]["status"] in ("2", "3")


def test_a_signature_over_a_field_name_that_cuts_the_text_is_status_14(simulator):
    fields = {**MESSAGE, "api_key": "abcd1234", "timestamp": "1577880000", "client-ref&text": "x"}
    fields["sig"] = sign(fields, simulator.options.signature_secret, simulator.options.signature_method)

    _, document = post(simulator, "/sms/json", fields, {})

    assert document["messages"] == [{"status": "14", "error-text": "Invalid Signature"}]
