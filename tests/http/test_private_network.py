"""Private networks, for containers: where callbacks may be sent, and who may use a server."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devkit.errors import PushError, UsageError
from devkit.http.address import parse_address, why_not_allowed
from devkit.http.client import connect, push
from devkit.http.local_access import is_private, is_private_name, rejection_reason
from devkit.webhook.callback import FORWARDING_HEADERS, Callback, compose
from tests.support.dev_process import clean_environ
from tests.support.raw_socket import DEADLINE, OK, raw_server

PRIVATE = ["10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.65.2", "fd00::1", "::ffff:10.0.0.1"]
PUBLIC = [
    *("192.0.2.1", "8.8.8.8", "172.32.0.1", "11.0.0.1", "192.169.0.1", "2001:db8::1", "::ffff:192.0.2.1"),
    *("169.254.169.254", "fe80::1", "100.64.0.1", "0.0.0.0", "::", "255.255.255.255"),
]
CALLBACK = compose({"msisdn": "447700900001", "status": "delivered"}, "form", target="/dlr")

Resolve = Callable[..., None]


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Makes every name resolve to these addresses: one list for each question, the last one from then on."""

    def set_answers(*answers: list[str]) -> None:
        left = list(answers)

        def getaddrinfo(host: bytes, port: int, **_: object) -> list[tuple[object, ...]]:
            places = left.pop(0) if len(left) > 1 else left[0]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, port)) for place in places]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return set_answers


@pytest.mark.parametrize("address", [*PRIVATE, "127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_addresses_of_private_networks_and_of_this_machine_are_private(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize("address", [*PUBLIC, "", "app", "10.0.0", "10.0.0.1.evil.test"])
def test_other_addresses_are_not(address: str) -> None:
    assert not is_private(address)


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that sockets are to connect to; nobody answers there."""
    addresses: list[str] = []

    class Socket(socket.socket):
        def connect(self, address: Any) -> None:
            addresses.append(address[0])
            raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "socket", Socket)
    return addresses


@pytest.mark.parametrize("address", ["10.1.2.3", "172.18.0.2", "192.168.1.9"])
def test_a_container_gets_callbacks_if_the_user_says_so(
    resolve: Resolve, connected: list[str], address: str
) -> None:
    resolve([address])

    with pytest.raises(UsageError, match=r"http://app:5000 is not on this machine; receipts hold"):
        push(CALLBACK, parse_address("http://app:5000/dlr"))
    assert connected == []
    with pytest.raises(PushError, match="Connection refused"):
        push(CALLBACK, parse_address("http://app:5000/dlr", allow_private=True))
    assert connected == [address]


@pytest.mark.parametrize(
    "places", [["192.0.2.1"], ["172.18.0.2", "192.0.2.1"], ["127.0.0.1", "192.0.2.1"], ["169.254.169.254"]]
)
def test_a_name_that_leads_to_a_public_address_too_is_refused(
    resolve: Resolve, connected: list[str], places: list[str]
) -> None:
    address = parse_address("http://app:5000/dlr", allow_private=True)
    resolve(places)

    with pytest.raises(UsageError, match=r"app:5000 is not on this machine or in a private network;"):
        push(CALLBACK, address)
    assert why_not_allowed(address).startswith("it is not on this machine or in a private network")
    assert connected == []


def test_a_name_that_leads_elsewhere_after_the_check_is_refused_at_the_connection(resolve: Resolve) -> None:
    address = parse_address("http://app:5000/dlr", allow_private=True)
    resolve(["172.18.0.2"], ["192.0.2.1"])

    assert why_not_allowed(address) == ""
    with pytest.raises(UsageError, match="or in a private network"):
        connect(address, 1)


def test_a_connection_goes_to_the_addresses_that_were_checked(resolve: Resolve, connected: list[str]) -> None:
    resolve(["172.18.0.2"], ["192.0.2.1"])

    with pytest.raises(PushError):
        connect(parse_address("http://app:5000/dlr", allow_private=True), 1)
    assert connected == ["172.18.0.2"]


def test_this_machine_is_still_allowed() -> None:
    with raw_server([OK]) as server:
        address = parse_address(f"http://localhost:{server.place[1]}/dlr", allow_private=True)

        assert push(CALLBACK, address).status == 200


def test_a_container_that_does_not_run_yet_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_name(*_: object, **__: object) -> object:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)

    assert why_not_allowed(parse_address("http://app:5000", allow_private=True)) == ""
    assert "its name is not known" in why_not_allowed(parse_address("http://app:5000"))


def reason(host: str, *headers: tuple[str, str], remote: str, serves_private: bool = True) -> str:
    request = Callback("POST", "/sms/json", (("Host", host), *headers))
    return rejection_reason(request, remote, own_pages=True, serves_private=serves_private)


@pytest.mark.parametrize("host", ["simulator:3050", "localhost:3050", "127.0.0.1:3050", "172.18.0.2:3050"])
@pytest.mark.parametrize("remote", ["172.18.0.3", "10.0.0.9", "::ffff:192.168.1.2", "127.0.0.1"])
def test_a_program_in_another_container_is_served_if_the_user_says_so(host: str, remote: str) -> None:
    assert reason(host, remote=remote) == ""
    if remote != "127.0.0.1":
        assert "on this machine only" in reason(host, remote=remote, serves_private=False)


@pytest.mark.parametrize("remote", ["192.0.2.1", "2001:db8::1", "169.254.0.1", ""])
def test_a_program_on_the_internet_is_not_served(remote: str) -> None:
    assert "private networks only" in reason("simulator:3050", remote=remote)


@pytest.mark.parametrize("name", sorted(FORWARDING_HEADERS))
def test_what_a_proxy_forwards_is_refused_under_each_near_name(name: str) -> None:
    for host in ("simulator:3050", "172.18.0.2:3050", "localhost:3050"):
        assert "forwarded" in reason(host, (name, "192.0.2.1"), remote="172.18.0.3")


@pytest.mark.parametrize("host", ["evil.test:3050", "192.0.2.1:3050", "[2001:db8::1]:3050", "simulator."])
def test_a_public_name_may_be_that_of_a_page(host: str) -> None:
    assert "of its private networks: a name without a dot" in reason(host, remote="172.18.0.3")
    assert reason(host, remote="127.0.0.1", serves_private=False) == (
        "The address must be that of this machine: 127.0.0.1, localhost or [::1]."
    )


def test_a_browser_is_served_under_the_names_of_this_machine_only() -> None:
    browser = ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")

    assert reason("localhost:3050", browser, remote="172.18.0.1") == ""  # through a published port
    assert "not for browsers" in reason("simulator:3050", browser, remote="172.18.0.1")
    assert "another origin" in reason("localhost:3050", ("Origin", "http://evil.test"), remote="172.18.0.1")


@pytest.mark.parametrize("name", ["app", "localhost", "172.18.0.2", "fd00::1"])
def test_a_public_web_page_has_no_such_name(name: str) -> None:
    assert is_private_name(name)
    assert not is_private_name(f"{name}.example.com")


# In a network of its own, with addresses that this machine need not have.
IN_A_NETWORK = """
import http.client
from devkit.errors import UsageError
from devkit.http.address import parse_address
from devkit.http.client import push
from devkit.http.server import listen, serve
from devkit.simulator import SimulatorOptions, run_simulator
from devkit.webhook.callback import compose

def app(environ, start_response):
    start_response("204 No Content", [])
    return []

with run_simulator(SimulatorOptions(private_network=True)) as simulator:
    port = int(simulator.host.split(":")[1])
    for peer in ("172.30.9.2", "192.0.2.9"):
        connection = http.client.HTTPConnection("172.30.9.1", port, source_address=(peer, 0), timeout=10)
        connection.request("GET", "/simulator", headers={"Host": "simulator"})
        print(peer, connection.getresponse().status)
        connection.close()
for host in ("172.30.9.2", "192.0.2.9"):
    listener = listen(host, 0)
    with serve(app, listener):
        address = parse_address(f"http://{host}:{listener.getsockname()[1]}/dlr", allow_private=True)
        try:
            print(host, push(compose({"status": "delivered"}, "form"), address).status)
        except UsageError:
            print(host, "refused")
"""
_ADDRESSES = "ip link set lo up && ip addr add 172.30.9.1/32 dev lo && ip addr add 172.30.9.2/32 dev lo"
_NETWORK = ["unshare", "--map-root-user", "--net", "sh", "-ec"]


def test_in_a_real_network_private_neighbours_are_served_and_others_are_not(tmp_path: Path) -> None:
    script = f"{_ADDRESSES} && ip addr add 192.0.2.9/32 dev lo"
    if not shutil.which("unshare") or subprocess.run([*_NETWORK, script], capture_output=True).returncode:
        pytest.skip("no network of its own can be made here")

    done = subprocess.run(
        [*_NETWORK, f'{script} && exec "$0" -c "$1"', sys.executable, IN_A_NETWORK],
        env=clean_environ(tmp_path),
        capture_output=True,
        text=True,
        timeout=6 * DEADLINE,
        check=False,
    )

    assert done.stdout.splitlines() == [
        "172.30.9.2 200",
        "192.0.2.9 403",
        "172.30.9.2 204",
        "192.0.2.9 refused",
    ], done.stderr
