import json
import math
from dataclasses import fields
from pathlib import Path

import pytest

from devkit.errors import ConfigurationError
from devkit.simulator import Clock, Fault, InboundText, SimulatorOptions, run_simulator
from devkit.simulator.options import SETTINGS_FAULTS
from devkit.simulator.settings_api import API
from tests.support.simulator_client import (
    JUMPING,
    bearer,
    call,
    link,
    listening,
    post,
    register,
    send,
    send_text,
)


def look(simulator, headers=None):
    status, _, text = call(simulator, "GET", "/simulator", headers=headers)
    return status, text


def change(simulator, document, headers=None):
    status, _, text = call(simulator, "POST", "/simulator/settings", json.dumps(document), headers)
    return status, json.loads(text)


def test_it_shows_what_happened(simulator):
    with listening(answers=[503]) as listener:
        register(simulator, listener)
        (entry,) = send(simulator, "447700900100", client_ref="ref")
        assert simulator.wait_idle(10)

    _, text = look(simulator)

    document = json.loads(text)
    assert document["account"]["dr_callback_url"] == listener.url
    assert document["account"]["spelling"] == "drCallBackUrl"
    assert document["counts"] == {"messages": 1, "deliveries": 2, "due": 0}
    (message,) = document["messages"]
    assert (message["message_id"], message["promised"]) == (entry["message-id"], ["accepted 0"])
    first, second = document["deliveries"]
    assert (first["answer"], second["answer"]) == (503, 200)
    assert first["retry_at"] == second["at"]


def test_it_shows_texts_applications_and_numbers(simulator):
    with listening() as listener:
        link(simulator, status_url=listener.url)
        send_text(simulator, bearer(simulator), to="447700900100")
        simulator.receive(InboundText(text="<b>STOP</b>"))
        assert simulator.wait_idle(10)
        post(simulator, "/number/update", {"country": "GB", "msisdn": "447700900900"})

    document = json.loads(look(simulator)[1])
    page = look(simulator, {"Accept": "text/html"})[1]
    (message,), (text,) = document["messages"], document["inbound"]
    assert (message["kind"], message["promised"]) == ("messages-status", ["submitted"])
    assert (text["kind"], text["text"]) == ("sms-inbound", "<b>STOP</b>")
    assert document["applications"][0]["status_url"] == listener.url
    assert document["numbers"] == [{"country": "GB", "msisdn": "447700900900", "app_id": "", "moHttpUrl": ""}]
    assert {delivery["kind"] for delivery in document["deliveries"]} == {"sms-inbound", "messages-status"}
    assert "&lt;b&gt;STOP" in page
    assert "PRIVATE KEY" not in str(document) + page


def test_the_page_shows_text_that_cannot_be_encoded(simulator):
    call(simulator, "POST", "/simulator/inbound", json.dumps({"text": "a\ud800b"}))

    status, page = look(simulator, {"Accept": "text/html"})

    assert status == 200
    assert "a?b" in page


def test_it_shows_no_secret(simulator):
    _, text = look(simulator)
    _, page = look(simulator, {"Accept": "text/html"})

    assert simulator.api_key in text
    assert simulator.api_key in page
    for secret in (simulator.api_secret, simulator.options.signature_secret):
        assert secret not in text
        assert secret not in page


def test_a_browser_gets_a_page_without_markup_from_messages(simulator):
    send(simulator, "447700900105", text="<script>alert(1)</script>")

    status, page = look(simulator, {"Accept": "text/html,application/xhtml+xml"})

    assert status == 200
    assert page.startswith("<!doctype html>")
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page


CHANGES = {
    "method": "json",
    "sign_receipts": True,
    "signature_method": "sha256",
    "signature_secret": "another",
    "id_style": "hex",
    "lenient": True,
    "unset_value": "null",
    "speed": 60,
    "delays": {"accepted": 1, "buffered": 2, "final": 3},
    "retry": "backoff",
    "rate": 30,
    "balance": "1.50",
    "trial": True,
    "verified": ["447700900001"],
    "faults": [{"name": "hang-up", "times": 2, "seconds": 5}, {"name": "slow", "times": 1, "seconds": 2}],
    "messaging_api": "messages",
    "omitted_keys": "regenerated",
    "messages_retry": "sandbox",
    "token": "unsigned",
    "token_skew": -90_000,
    "fresh_token": True,
    "error_form": "nested",
    "status_details": False,
}


def test_every_changeable_option_can_be_changed_and_is_shown(simulator):
    before = json.loads(look(simulator)[1])["options"]

    status, document = change(simulator, CHANGES)

    shown = {name: value for name, value in CHANGES.items() if name != "signature_secret"}
    assert status == 200
    assert document["options"] == shown
    assert [name for name, value in shown.items() if value == before[name]] == []
    assert document["account"]["method"] == simulator.account.method == "json"
    assert document["account"]["balance"] == "1.50"
    assert simulator.clock.speed == 60
    assert simulator.options.signature_secret == "another"


def test_options_can_be_sent_back_as_they_are_shown(simulator):
    _, shown = change(simulator, {**CHANGES, "speed": "max", "faults": ["hang-up"]})

    status, again = change(simulator, shown["options"])

    assert (status, again["options"]) == (200, shown["options"])


def test_a_fault_may_be_a_name_alone(simulator):
    change(simulator, {"faults": ["hang-up", {"name": "slow", "times": 1, "seconds": 2}]})

    assert simulator.options.faults == (Fault("hang-up"), Fault("slow", 1, 2))


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ([], "JSON object"),
        ({"colour": "red"}, "colour"),
        ({"method": "put"}, "method"),
        ({"method": 1}, "method"),
        ({"speed": 0}, "speed"),
        ({"speed": -1}, "speed"),
        ({"speed": True}, "speed"),
        ({"speed": "fast"}, "speed"),
        ({"speed": float("nan")}, "speed"),
        ({"speed": 10**400}, "speed"),
        ({"retry": "never"}, "retry"),
        ({"rate": -1}, "rate"),
        ({"balance": "much"}, "balance"),
        ({"balance": "NaN"}, "balance"),
        ({"delays": {"lunch": 1}}, "delays"),
        ({"delays": {"final": -1}}, "delays"),
        ({"faults": "hang-up"}, "faults"),
        ({"faults": ["fire"]}, "fire"),
        ({"faults": [{"times": 1}]}, "faults"),
        ({"faults": [{"name": "slow", "times": 0}]}, "slow"),
        ({"faults": [{"name": "slow", "seconds": 1e9}]}, "slow"),
        ({"faults": [{"name": "slow", "colour": 1}]}, "faults"),
        ({"verified": [1]}, "verified"),
        ({"lenient": "yes"}, "lenient"),
        ({"api_secret": "mine"}, "api_secret"),
        ({"allow_remote": True}, "allow_remote"),
        ({"messaging_api": "rcs"}, "messaging_api"),
        ({"messages_retry": "never"}, "messages_retry"),
        ({"token": "golden"}, "token"),
        ({"token_skew": "far"}, "token_skew"),
        ({"token_skew": 1e300}, "token_skew"),
        ({"token_skew": float("nan")}, "token_skew"),
        ({"error_form": "odd"}, "error_form"),
        ({"omitted_keys": "lost"}, "omitted_keys"),
        ({"faults": ["messages-unchanged"]}, "messages-unchanged"),
        ({"private_key": "x"}, "private_key"),
    ],
)
def test_a_wrong_change_is_400_names_itself_and_changes_nothing(simulator, document, named):
    before = simulator.options

    status, answer = change(simulator, document)

    assert status == 400
    assert named in answer["error"]
    assert simulator.options == before


def test_a_body_that_is_not_json_is_400(simulator):
    status, _, text = call(simulator, "POST", "/simulator/settings", b"\xff{")

    assert status == 400
    assert "JSON" in json.loads(text)["error"]


def test_a_change_of_the_method_leaves_the_rest_of_the_account(simulator):
    with listening() as listener:
        register(simulator, listener)
    change(simulator, {"method": "form"})
    post(simulator, "/account/settings", {"httpForwardMethod": "POST_JSON"})
    send(simulator)
    before = simulator.account

    change(simulator, {"rate": 30})

    assert (before.method, before.dr_callback_url) == ("json", listener.url)
    assert before.balance < simulator.options.balance
    assert simulator.account == before


def test_a_given_clock_has_the_speed():
    with run_simulator(clock=Clock(math.inf)) as simulator:
        assert simulator.options.speed == math.inf
        simulator.reset()
        assert simulator.clock.jumps


def test_a_reset_restores_the_start(simulator):
    with listening() as listener:
        register(simulator, listener)
        send(simulator)
        change(simulator, {"method": "json", "faults": ["send-5"], "speed": 2})
        link(simulator, status_url=listener.url)
        post(simulator, "/number/update", {"country": "GB", "msisdn": "447700900900"})
        simulator.receive(InboundText())
        status, _, _ = call(simulator, "POST", "/simulator/reset")

    assert status == 200
    (application,), (number,) = simulator.applications, simulator.resources.numbers
    assert (application["capabilities"], number["app_id"]) == ({}, application["id"])
    assert simulator.inbound == ()
    assert simulator.options == JUMPING
    assert (simulator.account.dr_callback_url, simulator.account.method) == ("", "get")
    assert simulator.messages == ()
    assert simulator.clock.jumps


@pytest.mark.parametrize(
    "wrong",
    [
        *({"method": "put"}, {"retry": "never"}, {"speed": 0}, {"workers": 0}, {"unset_value": "maybe"}),
        {"private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"},
    ],
)
def test_invalid_options_are_refused(wrong):
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        SimulatorOptions(**wrong)


@pytest.mark.parametrize(("word", "transport"), [("POST-JSON", "json"), ("post", "form"), ("GET", "get")])
def test_the_dashboard_s_words_for_a_transport_are_understood(word, transport):
    assert SimulatorOptions(method=word).method == transport


def test_the_documentation_lists_every_option_and_fault():
    text = (Path(__file__).parents[2] / "docs/simulator.md").read_text(encoding="utf-8")

    names = {field.name for field in fields(SimulatorOptions)} | set(SETTINGS_FAULTS)
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_every_fault_of_the_settings_api_is_played():
    of_all_apis = {"html", "empty", "unchanged", "hang-up", "hang-up-after", "slow"}

    assert API.answers.keys() | of_all_apis == set(SETTINGS_FAULTS)
