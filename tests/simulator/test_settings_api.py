import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import RemoteDisconnected
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from vonage_http_client.errors import AuthenticationError, HttpRequestError, RateLimitedError

from devkit.http.server import listen
from devkit.simulator import Fault, SimulatorOptions, run_simulator
from devkit.simulator.events import SettingsChanged, event_of
from devkit.simulator.occurrences import Occurrence
from tests.support.raw_socket import wait_until
from tests.support.simulator_client import (
    JUMPING,
    basic,
    call,
    listening,
    owner,
    post,
    register,
    sdk,
    set_options,
    unused_url,
)

SETTINGS = "/account/settings"
BALANCE = "/account/get-balance"


def test_the_sdk_s_spelling_of_the_inbound_url_is_ignored_and_said_so():
    occurrences: list[Occurrence] = []
    with listening() as listener, run_simulator(JUMPING, watch=occurrences.append) as simulator:
        sdk(simulator).account.update_default_sms_webhook(mo_callback_url=listener.url)
        post(simulator, SETTINGS, {"moCallBackUrl": listener.url})

    ignored, taken = map(event_of, occurrences)
    assert isinstance(ignored, SettingsChanged)
    assert isinstance(taken, SettingsChanged)
    assert ignored.inbound_url == ""
    assert ignored.note == ("moCallbackUrl is ignored: Vonage documents moCallBackUrl. --lenient takes both.")
    assert (taken.inbound_url, taken.note) == (listener.url, "")


def test_a_post_without_settings_reads_them(simulator):
    status, document = post(simulator, SETTINGS)

    assert status == 200
    assert document == {
        "mo-callback-url": "",
        "dr-callback-url": "",
        "max-outbound-request": 30,
        "max-inbound-request": 30,
        "max-calls-per-second": 30,
    }


def test_the_forward_method_is_set_but_never_returned(simulator):
    _, document = post(simulator, SETTINGS, {"httpForwardMethod": "POST_JSON"})

    assert simulator.account.method == "json"
    assert "POST_JSON" not in json.dumps(document)


def test_an_unknown_forward_method_is_refused(simulator):
    status, document = post(simulator, SETTINGS, {"httpForwardMethod": "PUT"})

    assert (status, document["error-code"]) == (420, "420")
    assert simulator.account.method == "get"


def test_both_urls_are_saved_after_a_probe_without_parameters(simulator, listener):
    status, document = post(
        simulator, SETTINGS, {"drCallBackUrl": listener.url, "moCallBackUrl": f"{listener.url}/in?a=1"}
    )

    assert status == 200
    assert document["dr-callback-url"] == simulator.account.dr_callback_url == listener.url
    assert document["mo-callback-url"] == simulator.account.mo_callback_url == f"{listener.url}/in?a=1"
    probes = [(probe.method, probe.target, probe.body) for probe in listener.arrived]
    path = "/webhooks/delivery-receipt"
    assert probes == [("GET", path, b""), ("GET", f"{path}/in?a=1", b"")]


def test_an_empty_url_unsets_without_a_probe(simulator, listener):
    register(simulator, listener)

    status, document = post(simulator, SETTINGS, {"drCallBackUrl": ""})

    assert (status, document["dr-callback-url"]) == (200, "")
    assert len(listener.arrived) == 1


@pytest.mark.parametrize(("unset_value", "shown"), [("empty", ""), ("null", None), ("missing", "not there")])
def test_an_unset_url_shows_in_one_of_three_ways(unset_value, shown):
    with run_simulator(SimulatorOptions(unset_value=unset_value)) as simulator:
        _, document = post(simulator, SETTINGS)

    assert document.get("dr-callback-url", "not there") == shown


@pytest.mark.parametrize("answer", [204, 201, 302, 405, 500])
def test_a_probe_takes_nothing_but_200(simulator, answer):
    with listening(probe=answer) as listener:
        status, document = post(simulator, SETTINGS, {"drCallBackUrl": listener.url})

    assert status == 420
    assert document["error-code-label"].startswith("devkit simulator: ")  # invented, and says so
    assert simulator.account.dr_callback_url == ""


@pytest.mark.parametrize("url", ["", "http://dlr.example.com/", "ftp://127.0.0.1/", "not a url"])
def test_a_url_that_cannot_be_probed_is_refused(simulator, url):
    status, _ = post(simulator, SETTINGS, {"drCallBackUrl": url or unused_url()})

    assert status == 420
    assert simulator.account.dr_callback_url == ""


def test_a_url_that_never_answers_the_probe_is_refused():
    with listen("127.0.0.1", 0) as silent, run_simulator(SimulatorOptions(read_timeout=0.1)) as simulator:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        status, _ = post(simulator, SETTINGS, {"drCallBackUrl": url})

    assert status == 420


def test_one_bad_url_saves_neither(simulator, listener):
    fields = {"drCallBackUrl": listener.url, "moCallBackUrl": unused_url()}

    status, _ = post(simulator, SETTINGS, fields)

    assert status == 420
    assert simulator.account.dr_callback_url == ""


def test_a_url_is_kept_when_the_next_one_is_refused(simulator, listener):
    register(simulator, listener)

    post(simulator, SETTINGS, {"drCallBackUrl": unused_url()})

    assert simulator.account.dr_callback_url == listener.url


def test_strict_ignores_the_spelling_of_the_sdk(simulator, listener):
    response = sdk(simulator).account.update_default_sms_webhook(dr_callback_url=listener.url)

    assert response.dr_callback_url == ""
    assert simulator.account.spelling == "drCallbackUrl"
    assert listener.arrived == []


def test_lenient_takes_the_spelling_of_the_sdk(listener):
    with run_simulator(SimulatorOptions(lenient=True)) as simulator:
        response = sdk(simulator).account.update_default_sms_webhook(dr_callback_url=listener.url)

        assert response.dr_callback_url == simulator.account.dr_callback_url == listener.url
        assert simulator.account.spelling == "drCallbackUrl"


def test_the_sdks_own_client_can_use_the_documented_spelling(simulator, listener):
    client = sdk(simulator).http_client

    document = client.post(client.rest_host, SETTINGS, {"drCallBackUrl": listener.url}, "basic", "form")

    assert document["dr-callback-url"] == listener.url
    assert simulator.account.spelling == "drCallBackUrl"


def _credentials(key, secret):
    fields = {"api_key": key, "api_secret": secret}
    return {
        "basic": (SETTINGS, "", basic(key, secret)),
        "query": (f"{SETTINGS}?{urlencode(fields)}", "", {}),
        "form": (SETTINGS, urlencode(fields), {}),
        "form that says JSON": (SETTINGS, urlencode(fields), {"Content-Type": "application/json"}),
        "json": (SETTINGS, json.dumps(fields), {"Content-Type": "application/json"}),
        "path": (f"{SETTINGS}/{key}/{secret}", "", {}),
    }


@pytest.mark.parametrize("place", list(_credentials("", "")))
def test_credentials_are_accepted_in_several_places(simulator, place):
    path, body, headers = _credentials(simulator.api_key, simulator.api_secret)[place]

    status, _, text = call(simulator, "POST", path, body, headers)

    assert status == 200
    assert "mo-callback-url" in text


@pytest.mark.parametrize("place", list(_credentials("", "")))
@pytest.mark.parametrize(("key", "secret"), [("abcd1234", "wrong"), ("wrong", "S3cretSimulator"), ("", "")])
def test_wrong_credentials_are_refused_in_every_place(simulator, place, key, secret):
    path, body, headers = _credentials(key or "x", secret or "x")[place]

    status, _, text = call(simulator, "POST", path, body, headers)

    assert status == 401
    assert json.loads(text) == {"error-code": "401", "error-code-label": "authentication failed"}


@pytest.mark.parametrize("header", ["", "Basic", "Basic !", "Basic YWJj", "Bearer abc", "Basic /////w=="])
def test_a_broken_authorization_header_is_401(simulator, header):
    status, _, _ = call(simulator, "POST", SETTINGS, headers={"Authorization": header})

    assert status == 401


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
def test_other_methods_are_forbidden(simulator, method):
    status, _, _ = call(simulator, method, SETTINGS, headers=owner(simulator))

    assert status == 403


def test_xml_is_answered_when_it_is_asked_for(simulator, listener):
    register(simulator, listener)

    headers = {**owner(simulator), "Accept": "application/xml"}
    status, answer, text = call(simulator, "POST", SETTINGS, headers=headers)

    assert status == 200
    assert answer["Content-Type"].startswith("application/xml")
    assert f"<dr-callback-url>{listener.url}</dr-callback-url>" in text


def test_a_wrong_secret_is_answered_in_xml_when_that_is_asked_for(simulator):
    headers = {**basic(simulator.api_key, "wrong"), "Accept": "application/xml"}

    for method, path in [("POST", SETTINGS), ("GET", BALANCE)]:
        status, answer, text = call(simulator, method, path, headers=headers)

        assert status == 401
        assert answer["Content-Type"].startswith("application/xml")
        assert {field.tag: field.text for field in ElementTree.fromstring(text)} == {
            "error-code": "401",
            "error-code-label": "authentication failed",
        }


def test_every_answer_has_a_trace_id_of_its_own(simulator):
    answers = [call(simulator, "POST", path)[1] for path in (SETTINGS, SETTINGS, "/sms/json")]
    answers.append(call(simulator, "GET", BALANCE)[1])

    traces = {answer["X-Nexmo-Trace-Id"] for answer in answers}
    assert len(traces) == 4
    assert all(re.fullmatch("[0-9a-f]{32}", trace) for trace in traces)


def test_the_callers_trace_id_is_kept(simulator):
    _, answer, _ = call(simulator, "POST", SETTINGS, headers={"X-Nexmo-Trace-Id": "order-17"})

    assert answer["X-Nexmo-Trace-Id"] == "order-17"


@pytest.mark.parametrize("given", ["", "a b", "a/b", "x" * 101, "\u00e9"])
def test_a_trace_id_with_other_characters_is_replaced(simulator, given):
    headers = {"X-Nexmo-Trace-Id": given.encode("latin-1")}

    _, answer, _ = call(simulator, "POST", SETTINGS, headers=headers)

    assert re.fullmatch("[0-9a-f]{32}", answer["X-Nexmo-Trace-Id"])


def test_the_problem_of_the_newer_gateway_names_its_kind_and_the_trace(simulator):
    set_options(simulator, faults=["unauthorized-problem"])

    _, answer, text = call(simulator, "POST", SETTINGS, headers=owner(simulator))

    assert answer["Content-Type"] == "application/problem+json"
    assert json.loads(text) == {
        "type": "https://developer.nexmo.com/api-errors#unauthorized",
        "title": "Unauthorized",
        "detail": "You did not provide correct credentials.",
        "instance": answer["X-Nexmo-Trace-Id"],
    }


def test_the_sdk_meets_a_wrong_secret_as_authentication_error(simulator):
    with pytest.raises(AuthenticationError):
        sdk(simulator, secret="wrong").account.update_default_sms_webhook()


def test_the_sdk_reads_the_balance(simulator):
    assert sdk(simulator).account.get_balance().value == 10000.0


def test_a_balance_is_answered_in_xml_when_that_is_asked_for(simulator):
    headers = {**owner(simulator), "Accept": "application/xml"}

    status, answer, text = call(simulator, "GET", BALANCE, headers=headers)

    assert status == 200
    assert answer["Content-Type"].startswith("application/xml")
    document = ElementTree.fromstring(text)
    assert document.tag == "accountBalance"
    assert (document.findtext("value"), document.findtext("autoReload")) == ("10000.00000000", "false")


def test_a_balance_needs_credentials(simulator):
    status, _, _ = call(simulator, "GET", BALANCE)

    assert status == 401


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        ("unauthorized", 401, '"error-code": "401"'),
        ("unauthorized-problem", 401, '"title": "Unauthorized"'),
        ("forbidden", 403, ""),
        ("refused", 420, '"error-code": "420"'),
        ("rate-limited", 429, ""),
        ("server-error", 500, ""),
        ("unavailable", 503, ""),
        ("error-in-200", 200, '"error-code": "420"'),
        ("html", 200, "<!doctype html>"),
        ("empty", 200, ""),
        ("unchanged", 200, '"dr-callback-url": ""'),
    ],
)
def test_a_fault_answers_in_its_way_and_saves_nothing(simulator, listener, fault, status, text):
    set_options(simulator, faults=[fault])

    body = urlencode({"drCallBackUrl": listener.url})
    answer, _, document = call(simulator, "POST", SETTINGS, body, owner(simulator))

    assert answer == status
    assert text in document
    assert simulator.account.dr_callback_url == ""


def test_a_fault_passes_after_its_times(simulator):
    set_options(simulator, faults=[{"name": "unavailable", "times": 2}])

    statuses = [call(simulator, "POST", SETTINGS, headers=owner(simulator))[0] for _ in range(4)]

    assert statuses == [503, 503, 200, 200]


def test_faults_follow_one_another():
    faults = (Fault("rate-limited", times=1), Fault("server-error", times=1))
    with run_simulator(SimulatorOptions(faults=faults)) as simulator:
        statuses = [call(simulator, "POST", SETTINGS, headers=owner(simulator))[0] for _ in range(3)]

    assert statuses == [429, 500, 200]


def test_the_sdk_meets_faults_as_its_errors(simulator):
    set_options(simulator, faults=[{"name": "rate-limited", "times": 1}])
    with pytest.raises(RateLimitedError):
        sdk(simulator).account.update_default_sms_webhook()

    set_options(simulator, faults=[{"name": "refused", "times": 1}])
    with pytest.raises(HttpRequestError):
        sdk(simulator).account.update_default_sms_webhook()


def test_hang_up_closes_without_an_answer_and_saves_nothing(simulator, listener):
    set_options(simulator, faults=["hang-up"])

    with pytest.raises(RemoteDisconnected):
        post(simulator, SETTINGS, {"drCallBackUrl": listener.url})

    assert simulator.account.dr_callback_url == ""


def test_hang_up_after_has_saved(simulator, listener):
    set_options(simulator, faults=["hang-up-after"])

    with pytest.raises(RemoteDisconnected):
        post(simulator, SETTINGS, {"drCallBackUrl": listener.url})

    assert simulator.account.dr_callback_url == listener.url


def test_slow_answers_after_its_seconds(simulator):
    set_options(simulator, faults=[{"name": "slow", "seconds": 0.2}])

    with pytest.raises(TimeoutError):
        call(simulator, "POST", SETTINGS, headers=owner(simulator), timeout=0.05)


def test_a_slow_answer_does_not_delay_the_end():
    options = SimulatorOptions(faults=(Fault("slow", times=1, seconds=60),))
    with ThreadPoolExecutor(1) as pool:
        with run_simulator(options) as simulator:
            answer = pool.submit(call, simulator, "POST", SETTINGS, headers=owner(simulator))
            wait_until(lambda: simulator.options.faults == ())
            began = time.monotonic()
        seconds = time.monotonic() - began

    assert answer.result()[0] == 200
    assert seconds < 4  # the server waits 5 s for requests in progress
