"""Attacks on a simulator, over raw sockets: web pages and foreign names are refused; programs are served."""

import base64
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import pytest

from devkit.simulator import Simulator, SimulatorOptions, run_simulator
from devkit.simulator.occurrences import Occurrence, Refusal
from devkit.simulator.options import callback_address
from devkit.webhook.callback import FORWARDING_HEADERS
from tests.support.host_names import NO_HOSTS, OTHER_HOSTS
from tests.support.raw_socket import DEADLINE, answer_on
from tests.support.simulator_client import JUMPING, unused_url

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

# What browsers add to what a page sends: a form, a script, an image, a sandboxed frame, a page of another program.
PAGES = {
    "form": ["Origin: http://evil.test", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"],
    "script": ["Origin: http://evil.test", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors"],
    "image": ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"],
    "frame": ["Origin: null", "Sec-Fetch-Site: cross-site"],
    "old browser": ["Origin: http://evil.test"],
    "old frame": ["Origin: null"],
    "neighbour": ["Origin: http://127.0.0.1:1", "Sec-Fetch-Site: same-site"],
}


@dataclass(frozen=True, slots=True)
class Attacked:
    """A simulator, and its reports of refused requests."""

    simulator: Simulator
    reported: list[Occurrence]

    def ask(self, method: str, path: str, host: str, headers: list[str], fields: dict[str, str]) -> int:
        """The status of a request, as a browser or a program sends it."""
        form = urlencode(fields)
        target, body = (f"{path}?{form}", "") if method == "GET" else (path, form)
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}", *headers]
        lines.append("Content-Type: application/x-www-form-urlencoded")
        name, port = self.simulator.host.split(":")
        with socket.create_connection((name, int(port)), DEADLINE) as connection:
            connection.sendall("\r\n".join([*lines, "", body]).encode("latin-1"))
            status, answered, text = answer_on(connection, method)
        assert not [name for name in answered if name.lower().startswith("access-control")]
        if status == 403:
            assert list(json.loads(text)) == ["error"]
        return status

    def owned(self, **fields: str) -> dict[str, str]:
        """With the account's credentials, which a page may know."""
        return {"api_key": self.simulator.api_key, "api_secret": self.simulator.api_secret, **fields}

    def try_all(self, host: str, headers: list[str]) -> set[int]:
        """The statuses of all requests that an attacker would send."""
        message = self.owned(
            **{"from": "AcmeInc", "to": "447700900000", "text": "Hello", "callback": unused_url()}
        )
        settings = self.owned(drCallBackUrl="")
        key, secret = self.simulator.api_key, self.simulator.api_secret
        wishes = [
            *((method, path, message) for method in ("GET", "POST") for path in ("/sms/json", "/sms/xml")),
            ("POST", "/account/settings", {**settings, "httpForwardMethod": "POST_JSON"}),
            ("POST", f"/account/settings/{key}/{secret}", {"httpForwardMethod": "POST_JSON"}),
            ("GET", "/account/get-balance", self.owned()),
            ("GET", f"/account/get-balance/{key}/{secret}", {}),
            ("GET", "/simulator", {}),
            ("POST", "/simulator/reset", {}),
            ("POST", "/simulator/settings", {}),
            ("POST", "/simulator/inbound", {}),
            ("POST", "/v1/messages", message),
            ("PATCH", "/v1/messages/1", {}),
            ("GET", "/v2/applications", self.owned()),
            ("DELETE", f"/v2/applications/{self.simulator.application_id}", self.owned()),
            ("GET", "/account/numbers", self.owned()),
            ("POST", "/number/update", self.owned(country="GB", msisdn="447700900900")),
            *((method, "/nowhere", {}) for method in ("GET", "POST", "OPTIONS")),
            ("OPTIONS", "/sms/json", {}),
        ]
        return {self.ask(method, path, host, headers, fields) for method, path, fields in wishes}


@pytest.fixture
def attacked() -> Iterator[Attacked]:
    reported: list[Occurrence] = []
    with run_simulator(JUMPING, watch=reported.append) as simulator:
        yield Attacked(simulator, reported)
        assert all(isinstance(occurrence, Refusal) for occurrence in reported)
        assert (simulator.messages, simulator.inbound) == ((), ())
        assert "app_id" in simulator.resources.numbers[0]
        assert simulator.deliveries == ()
        assert simulator.account.method == "get"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_cannot_send_change_or_read(attacked: Attacked, page: str) -> None:
    for name in ("127.0.0.1", "localhost", "[::1]"):
        host = f"{name}:{attacked.simulator.host.partition(':')[2]}"
        assert attacked.try_all(host, [*PAGES[page], f"User-Agent: {FIREFOX}"]) == {403}


@pytest.mark.parametrize(
    "host", ["evil.test:PORT", "127.0.0.1.evil.test:PORT", "xn--rest-nexmo.com", "nexmo.com.evil.test"]
)
def test_a_foreign_name_that_resolves_to_this_machine_is_refused(attacked: Attacked, host: str) -> None:
    host = host.replace("PORT", attacked.simulator.host.partition(":")[2])
    own = [f"Origin: http://{host}", "Sec-Fetch-Site: same-origin"]

    assert attacked.try_all(host, own) == {403}
    assert attacked.try_all(host, []) == {403}


@pytest.mark.parametrize(
    "host", [host for host in (*OTHER_HOSTS, *NO_HOSTS) if host.isprintable() and host.isascii()]
)
def test_no_other_spelling_is_this_machine(attacked: Attacked, host: str) -> None:
    if host.strip() != host:
        return  # spaces around a value are none of it
    assert attacked.ask("GET", "/simulator", host, [], {}) == 403
    assert attacked.ask("GET", "/sms/json", host, [], attacked.owned()) == 403


@pytest.mark.parametrize("name", sorted(FORWARDING_HEADERS))
def test_what_a_tunnel_forwards_is_refused(attacked: Attacked, name: str) -> None:
    assert attacked.try_all(attacked.simulator.host, [f"{name}: 192.0.2.1"]) == {403}


@pytest.mark.parametrize("headers", [*PAGES.values(), [f"User-Agent: {FIREFOX}"]])
def test_a_page_cannot_use_the_name_of_vonage_either(attacked: Attacked, headers: list[str]) -> None:
    for host in ("rest.nexmo.com", f"api.vonage.com:{attacked.simulator.host.partition(':')[2]}"):
        assert attacked.try_all(host, headers) == {403}


def test_paths_without_credentials_are_not_served_under_a_name_of_vonage(attacked: Attacked) -> None:
    for method, path in (
        ("GET", "/simulator"),
        ("POST", "/simulator/reset"),
        ("POST", "/simulator/settings"),
    ):
        assert attacked.ask(method, path, "rest.nexmo.com", [], {}) == 403


def test_a_refusal_of_the_platform_is_reported(attacked: Attacked) -> None:
    attacked.ask("POST", "/sms/json", "simulator.example.com", [], {})
    attacked.ask("POST", "/account/settings", "simulator.example.com", [], {})
    attacked.ask("GET", "/simulator", "simulator.example.com", [], {})

    assert [(each.api, each.status) for each in attacked.reported if isinstance(each, Refusal)] == [
        ("sms", 403),
        ("settings", 403),
    ]
    assert all(
        "The address must be" in each.reason for each in attacked.reported if isinstance(each, Refusal)
    )


HOSTS = ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"]
VONAGE_HOSTS = ["rest.nexmo.com", "REST.NEXMO.COM", "api.nexmo.com", "api.vonage.com", "api-eu.vonage.com"]


@pytest.mark.parametrize("host", [*HOSTS, *VONAGE_HOSTS])
@pytest.mark.parametrize("agent", ["curl/8.5.0", "vonage-python-sdk/4.9.1 python/3.11.7", "node"])
def test_a_program_is_served(host: str, agent: str) -> None:
    with run_simulator(JUMPING) as simulator:
        program = Attacked(simulator, [])
        login = base64.b64encode(f"{simulator.api_key}:{simulator.api_secret}".encode()).decode()
        headers = [f"User-Agent: {agent}", f"Authorization: Basic {login}"]
        headers += ["Sec-Fetch-Mode: cors"] if agent == "node" else []  # all that Node's fetch() adds
        message = {"from": "AcmeInc", "to": "447700900105", "text": "Hello"}
        for place in (host, f"{host}:{simulator.host.partition(':')[2]}"):
            assert program.ask("POST", "/sms/json", place, headers, message) == 200
            assert program.ask("POST", "/account/settings", place, headers, {}) == 200
            assert program.ask("GET", "/account/get-balance", place, headers, {}) == 200

        assert len(simulator.messages) == 2


def test_a_proxy_before_the_simulator_is_served_under_the_name_of_vonage() -> None:
    with run_simulator(JUMPING) as simulator:
        program = Attacked(simulator, [])
        for headers in (["X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: https"], ["Via: 1.1 proxy"]):
            assert program.ask("POST", "/account/settings", "rest.nexmo.com", headers, program.owned()) == 200
        target = "http://rest.nexmo.com/account/settings"
        assert program.ask("POST", target, "rest.nexmo.com", [], program.owned()) == 200
        assert program.ask("POST", target, "127.0.0.1", [], program.owned()) == 403


@pytest.mark.parametrize("name", HOSTS)
def test_the_page_of_the_simulator_is_served(name: str) -> None:
    with run_simulator(JUMPING) as simulator:
        page = Attacked(simulator, [])
        host = f"{name}:{simulator.host.partition(':')[2]}"
        typed = [f"User-Agent: {FIREFOX}", "Accept: text/html", "Sec-Fetch-Site: none"]
        own = [f"User-Agent: {FIREFOX}", f"Origin: http://{host.lower()}", "Sec-Fetch-Site: same-origin"]

        assert page.ask("GET", "/simulator", host, typed, {}) == 200
        assert page.ask("POST", "/simulator/reset", host, own, {}) == 200


def test_a_container_uses_the_name_of_the_simulator_if_the_user_says_so() -> None:
    for private_network, status in ((True, 200), (False, 403)):
        with run_simulator(replace(JUMPING, private_network=private_network)) as simulator:
            program = Attacked(simulator, [])
            for host in ("simulator:3050", "172.18.0.2:3050"):
                assert program.ask("POST", "/account/settings", host, [], program.owned()) == status
                assert program.ask("POST", "/simulator/reset", host, [], {}) == status
            assert simulator.host.startswith("127.0.0.1:")
            assert program.ask("POST", "/simulator/reset", "evil.test", [], {}) == 403


@pytest.mark.parametrize("private_network", [True, False])
def test_receipts_go_to_containers_if_the_user_says_so(private_network: bool) -> None:
    options = SimulatorOptions(private_network=private_network)

    assert callback_address("http://app:5000/dlr", options).allow_private is private_network
