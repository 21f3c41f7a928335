"""Requests that the simulator and Vonage must answer in the same way. Vonage only with `pytest -m live`.

It needs VONAGE_API_KEY and VONAGE_API_SECRET. Nothing is changed and nothing is sent, unless these say so:
DEVKIT_LIVE_CALLBACK_URL, a public URL that answers 200: the account's URL is set to it, and given back.
DEVKIT_LIVE_TO, a number of yours: one SMS is sent to it, at its price.
"""

import json
import os
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlencode

import pytest

from devkit.simulator import run_simulator
from tests.support.simulator_client import JUMPING, basic, listening

SETTINGS = "/account/settings"


@dataclass(frozen=True)
class Platform:
    connect: type[HTTPConnection]
    host: str
    key: str
    secret: str
    callback_url: str
    recipient: str
    api_host: str

    def ask(self, method, path, document=None, secret=None, host=""):
        """A call of a newer API with a JSON object, if there is one."""
        connection = self.connect(host or self.api_host, timeout=30)
        try:
            body = None if document is None else json.dumps(document)
            headers = {**basic(self.key, secret or self.secret), "Content-Type": "application/json"}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        finally:
            connection.close()

    def post(self, path, fields, secret=None):
        connection = self.connect(self.host, timeout=30)
        try:
            headers = basic(self.key, secret or self.secret)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request("POST", path, urlencode(fields), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


@pytest.fixture(params=["simulator", pytest.param("vonage", marks=pytest.mark.live)])
def platform(request):
    if request.param == "vonage":
        yield real(request.config.getoption("markexpr"))
        return
    with listening() as listener, run_simulator(JUMPING) as simulator:
        yield Platform(
            HTTPConnection,
            simulator.host,
            simulator.api_key,
            simulator.api_secret,
            listener.url,
            "447700900000",
            simulator.host,
        )


def real(markers):
    key, secret = os.environ.get("VONAGE_API_KEY", ""), os.environ.get("VONAGE_API_SECRET", "")
    if "live" not in markers or not (key and secret):
        pytest.skip("asked for with -m live, VONAGE_API_KEY and VONAGE_API_SECRET")
    callback_url = os.environ.get("DEVKIT_LIVE_CALLBACK_URL", "")
    recipient = os.environ.get("DEVKIT_LIVE_TO", "")
    return Platform(HTTPSConnection, "rest.nexmo.com", key, secret, callback_url, recipient, "api.nexmo.com")


@pytest.fixture
def changeable(platform):
    """The platform, when its settings may be changed; they are restored afterwards."""
    if not platform.callback_url:
        pytest.skip("changes the account: asked for with DEVKIT_LIVE_CALLBACK_URL")
    _, before = platform.post(SETTINGS, {})
    yield platform
    platform.post(SETTINGS, {"drCallBackUrl": before.get("dr-callback-url") or ""})


def test_settings_are_read_by_an_empty_post(platform):
    status, document = platform.post(SETTINGS, {})

    assert status == 200
    limits = [document[f"max-{name}"] for name in ("outbound-request", "inbound-request", "calls-per-second")]
    assert all(isinstance(limit, int) for limit in limits)


def test_a_wrong_secret_is_401_to_the_settings_api(platform):
    status, _ = platform.post(SETTINGS, {}, secret="wrong")

    assert status == 401


def test_the_documented_spelling_sets_the_callback_url(changeable):
    status, document = changeable.post(SETTINGS, {"drCallBackUrl": changeable.callback_url})
    _, read_back = changeable.post(SETTINGS, {})

    assert status == 200
    assert document["dr-callback-url"] == read_back["dr-callback-url"] == changeable.callback_url


def test_an_empty_value_unsets_the_callback_url(changeable):
    changeable.post(SETTINGS, {"drCallBackUrl": changeable.callback_url})

    status, document = changeable.post(SETTINGS, {"drCallBackUrl": ""})

    assert status == 200
    assert not document.get("dr-callback-url")


def test_a_url_that_does_not_answer_200_is_not_saved(changeable):
    changeable.post(SETTINGS, {"drCallBackUrl": changeable.callback_url})

    changeable.post(SETTINGS, {"drCallBackUrl": "https://127.0.0.1:1/"})
    _, document = changeable.post(SETTINGS, {})

    assert document["dr-callback-url"] == changeable.callback_url


def test_a_message_without_a_recipient_is_status_2_with_http_200(platform):
    status, document = platform.post("/sms/json", {"from": "AcmeInc", "text": "Hello"})

    assert status == 200
    assert document["message-count"] == "1"
    assert document["messages"][0]["status"] == "2"
    assert document["messages"][0]["error-text"]


def test_a_wrong_secret_is_status_4_to_the_sms_api(platform):
    fields = {"from": "AcmeInc", "to": "447700900000", "text": "Hello"}

    status, document = platform.post("/sms/json", fields, secret="wrong")

    assert (status, document["messages"][0]["status"]) == (200, "4")


def test_a_sent_message_is_answered_in_strings(platform):
    if not platform.recipient:
        pytest.skip("sends an SMS: asked for with DEVKIT_LIVE_TO")

    _, document = platform.post("/sms/json", {"from": "AcmeInc", "to": platform.recipient, "text": "devkit"})

    (entry,) = document["messages"]
    assert entry["status"] == "0"
    assert entry.keys() >= {"to", "message-id", "remaining-balance", "message-price", "network"}
    assert all(isinstance(value, str) for value in entry.values())


def test_the_newer_apis_answer_a_wrong_secret_with_401(platform):
    for method, path in (("GET", "/v2/applications"), ("POST", "/v1/messages")):
        status, problem = platform.ask(method, path, secret="wrong")

        assert status == 401
        assert problem["title"]


def test_the_newer_apis_have_a_ping_and_refuse_other_methods(platform):
    assert platform.ask("GET", "/v2/applications/ping")[0] == 200
    assert platform.ask("GET", "/v1/messages/ping")[0] == 200
    assert platform.ask("PUT", "/v2/applications")[0] == 405
    assert platform.ask("GET", "/v1/messages")[0] == 403


def test_an_empty_message_is_422_or_402(platform):
    status, problem = platform.ask("POST", "/v1/messages", {})

    assert status in (402, 422)  # without credit, the body is not read
    assert problem["type"]


def test_applications_and_numbers_are_listed(platform):
    status, document = platform.ask("GET", "/v2/applications")
    assert status == 200
    assert document.keys() >= {"page", "total_items", "_embedded"}

    status, document = platform.ask("GET", "/account/numbers", host=platform.host)
    assert status == 200
    assert document == {} or document["count"] >= len(document["numbers"])
