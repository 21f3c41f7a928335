import json
import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vonage_messages import Sms
from vonage_messages.models.sms import SmsOptions

from devkit.simulator.application_key import make_private_key
from devkit.simulator.occurrences import Refusal
from tests.support.simulator_client import TEXT, ask, basic, bearer, call, owner, sdk, send_text

PATH = "/v1/messages"


def refusals(occurrences):
    return [each for each in occurrences if isinstance(each, Refusal)]


@pytest.mark.parametrize("application", [True, False])
def test_the_sdk_sends_with_a_token_or_with_basic_authentication(simulator, application):
    client = sdk(simulator, application=application)
    sms = Sms(
        to="447700900000",
        from_="AcmeInc",
        text="Hello €",
        ttl=90,
        client_ref="ref",
        webhook_url="http://127.0.0.1:1/status",
        webhook_version="v1",
        sms=SmsOptions(encoding_type="auto"),
    )

    answer = client.messages.send(sms)
    client.http_client._session.close()

    (message,) = simulator.messages
    assert message.message_id == answer.message_uuid
    assert answer.workflow_id is None
    assert message.application_id == (simulator.application_id if application else "")
    assert (message.recipient, message.sender, message.text) == ("447700900000", "AcmeInc", "Hello €")
    assert (message.client_ref, message.callback_url) == ("ref", "http://127.0.0.1:1/status")
    assert (message.kind, message.version, message.parts) == ("messages-status", "v1", 1)


def test_a_long_text_is_one_message_that_costs_all_its_parts(simulator):
    before = simulator.account.balance

    status, answer = send_text(simulator, text="x" * 161)

    assert (status, list(answer)) == (202, ["message_uuid"])
    (message,) = simulator.messages
    assert (message.parts, len(message.text)) == (2, 161)
    assert before - simulator.account.balance == message.network.price * 2


@pytest.mark.parametrize(("encoding", "parts"), [("auto", 2), ("unicode", 2), ("text", 1)])
def test_the_encoding_decides_on_the_parts(simulator, encoding, parts):
    send_text(simulator, text="я" + "x" * 100, sms={"encoding_type": encoding})

    assert simulator.messages[0].parts == parts


def test_the_answer_is_that_of_a_capture(simulator):
    status, headers, text = call(simulator, "POST", PATH, json.dumps(TEXT), owner(simulator))

    (message,) = simulator.messages
    assert (status, text) == (202, f'{{"message_uuid":"{message.message_id}"}}')
    assert (headers["Content-Type"], headers["Content-Length"]) == ("application/json", "55")


def test_a_body_is_taken_by_its_content(simulator):
    headers = {**owner(simulator), "Content-Type": "application/x-www-form-urlencoded"}

    assert send_text(simulator, headers)[0] == 202


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"application_id": "00000000-0000-4000-8000-000000000000"}, "no application of this account"),
        ({"application_id": None}, "no application of this account"),
        ({"application_id": 7}, "no application of this account"),
        ({"exp": 1}, "Signature has expired"),
        ({"iat": int(time.time()) + 3600}, "not yet valid"),
    ],
)
def test_a_token_of_nobody_or_of_another_time_is_401(simulator, occurrences, claims, reason):
    status, problem = send_text(simulator, bearer(simulator, **claims))

    assert status == 401
    assert problem.pop("instance")
    assert problem == {"title": "Unauthorised", "detail": "Invalid Token"}
    assert reason in refusals(occurrences)[0].reason
    assert not simulator.messages


def test_a_token_that_another_key_signed_is_401(simulator):
    good = bearer(simulator)
    simulator.configure(lambda options: replace(options, private_key=make_private_key()))
    forged = bearer(simulator)
    _, application = ask(simulator, "GET", f"/v2/applications/{simulator.application_id}")

    assert send_text(simulator, forged)[0] == 202  # the application was made now, with this key
    assert application["keys"]["public_key"]
    assert send_text(simulator, good)[0] == 401


@pytest.mark.parametrize("header", ["Bearer", "Bearer x", "Bearer a.b.c", "Digest x", "", "Basic !"])
def test_credentials_that_are_none_are_401(simulator, header):
    status, problem = send_text(simulator, {"Authorization": header})

    assert (status, problem["detail"]) == (401, "Invalid Token")


def test_the_checks_come_in_the_platform_s_order(simulator, occurrences):
    wrong = basic("abcd1234", "wrong")
    empty_account = {"balance": "0", "rate": 1}
    ask(simulator, "POST", "/simulator/settings", empty_account)

    assert ask(simulator, "POST", PATH, {}, wrong)[0] == 401
    status, problem = ask(simulator, "POST", PATH, {})
    assert (status, problem["title"]) == (402, "Low balance")
    ask(simulator, "POST", "/simulator/settings", {"balance": "100"})
    status, problem = ask(simulator, "POST", PATH, {})
    assert (status, problem["type"].rpartition("#")[2]) == (422, "1150")
    assert [each["name"] for each in problem["invalid_parameters"]] == [
        *("channel", "message_type", "to", "from", "text")
    ]
    assert refusals(occurrences)[-1].reason.startswith("channel is required; message_type is required; ")
    assert send_text(simulator)[0] == 202
    status, problem = send_text(simulator)
    assert (status, problem["title"]) == (429, "Rate Limit Hit")
    assert problem["type"] == "https://developer.vonage.com/api-errors/messages#1000"
    assert [each.status for each in refusals(occurrences)] == [401, 402, 422, 429]


def test_a_balance_that_does_not_cover_all_parts_is_402(simulator):
    ask(simulator, "POST", "/simulator/settings", {"balance": "0.04"})

    assert send_text(simulator, text="x" * 161)[0] == 402
    assert send_text(simulator)[0] == 202


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        ({"channel": "pigeon"}, "1100"),
        ({"channel": "whatsapp"}, "1100"),
        ({"message_type": "image"}, "1140"),
        ({"from": "a name that is too long"}, "1120"),
        ({"from": 7}, "1120"),
        ({"to": "+447700900000"}, "110"),
        ({"to": "123"}, "110"),
        ({"to": 447700900000}, "110"),
        ({"client_ref": "x" * 101}, "1060"),
        ({"text": "x" * 3201}, "1150"),
        ({"text": None}, "1150"),
        ({"ttl": 19}, "1150"),
        ({"ttl": True}, "1150"),
        ({"ttl": "90"}, "1150"),
        ({"webhook_url": "nonsense"}, "1150"),
        ({"webhook_version": "v2"}, "1150"),
        ({"sms": {"encoding_type": "ascii"}}, "1150"),
        ({"sms": []}, "1150"),
        ({"failover": {}}, "1150"),
        ({"failover": [{**TEXT, "to": "1"}]}, "110"),
        ({"failover": ["x"]}, "1150"),
    ],
)
def test_a_wrong_parameter_is_422(simulator, fields, number):
    status, problem = send_text(simulator, **fields)

    assert (status, problem["type"].rpartition("#")[2]) == (422, number)
    assert problem["instance"]
    assert not simulator.messages


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_NAMES = [*TEXT, "ttl", "client_ref", "webhook_url", "webhook_version", "sms", "failover"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(st.sampled_from(_NAMES), _JSON), nested=st.booleans())
def test_any_message_is_sent_or_refused(simulator, fields, nested):
    changes = {"failover": [{**TEXT, **fields}]} if nested else fields

    status, answer = send_text(simulator, **changes)

    assert status in (202, 422)
    assert ("message_uuid" in answer) is (status == 202)


@pytest.mark.parametrize(
    ("body", "error"),
    [(b"{", "invalid-json"), (b"to=4", "invalid-json"), (b"", "1150"), (b"[" * 5000, "invalid-json")],
)
def test_a_body_that_is_no_json_is_422(simulator, body, error):
    status, _, text = call(simulator, "POST", PATH, body, owner(simulator))

    assert (status, json.loads(text)["type"].rpartition("#")[2]) == (422, error)


def test_other_methods_are_403_and_an_unknown_message_is_404(simulator):
    assert ask(simulator, "GET", PATH)[0] == 403
    assert ask(simulator, "PUT", PATH, TEXT)[0] == 403
    assert ask(simulator, "GET", f"{PATH}/ping", headers={})[0] == 200
    status, problem = ask(simulator, "PATCH", f"{PATH}/unknown-message-id", {"status": "read"})
    assert (status, problem["detail"]) == (404, "Message with ID unknown-message-id not found")


@pytest.mark.parametrize(
    ("fault", "status", "is_sent"),
    [
        ("unauthorized", 401, False),
        ("refused", 422, False),
        ("unavailable", 503, False),
        ("html", 200, False),
        ("hang-up", None, False),
        ("hang-up-after", None, True),
    ],
)
def test_faults(simulator, fault, status, is_sent):
    ask(simulator, "POST", "/simulator/settings", {"faults": [{"name": f"messages-{fault}", "times": 1}]})

    try:
        answered = call(simulator, "POST", PATH, json.dumps(TEXT), owner(simulator))[0]
    except ConnectionError:
        answered = None

    assert answered == status
    assert bool(simulator.messages) is is_sent


def test_programs_that_know_vonage_s_name_only_are_served(simulator):
    headers = {**owner(simulator), "Host": "api.nexmo.com"}

    assert send_text(simulator, headers)[0] == 202
    assert ask(simulator, "GET", "/v2/applications", headers=headers)[0] == 200
    assert ask(simulator, "POST", "/simulator/inbound", {}, headers)[0] == 403
    assert simulator.inbound == ()
