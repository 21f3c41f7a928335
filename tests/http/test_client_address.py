import socket

import pytest

from devkit.errors import PushError, UsageError
from devkit.http.address import Address, parse_address
from devkit.http.client import push
from devkit.webhook.callback import compose
from tests.support.raw_socket import OK, closed_port, raw_server

CALLBACK = compose({"msisdn": "447700900001", "status": "delivered"}, "form", target="/dlr")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("localhost:5000/dlr", Address("http", "localhost", 5000, "/dlr", False)),
        ("5000", Address("http", "localhost", 5000, "", False)),
        (":5000/dlr?a=1", Address("http", "localhost", 5000, "/dlr?a=1", False)),
        ("http://127.0.0.1", Address("http", "127.0.0.1", 80, "", False)),
        ("HTTPS://A.Example.com/x?y=1#z", Address("https", "a.example.com", 443, "/x?y=1", False)),
        ("http://[::1]:3000/%7e//;", Address("http", "::1", 3000, "/%7e//;", False)),
    ],
)
def test_a_url_is_read(url: str, address: Address) -> None:
    assert parse_address(url) == address


@pytest.mark.parametrize(
    ("url", "netloc"),
    [
        ("http://a.test:80/", "a.test"),
        ("https://a.test:443/", "a.test"),
        ("https://a.test:80/", "a.test:80"),
        ("http://[::1]/", "[::1]"),
        ("http://[::1]:3000/", "[::1]:3000"),
    ],
)
def test_an_address_names_its_host_as_a_host_header_does(url: str, netloc: str) -> None:
    assert parse_address(url).netloc == netloc


def test_an_address_as_text_leaves_the_path_out() -> None:
    assert str(parse_address("https://a.test/webhooks/delivery-receipt/token")) == "https://a.test"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "ftp://a.test/",
        "gopher://127.0.0.1:25",
        "file:///etc/passwd",
        "http:///path",
        "http://a.test:0/",
        "0",
        "65536",
        "123456",
        "http://a.test:65536/",
        "http://a.test:many/",
        "http://[::1/",
        "http://a.test/caf\xe9",
        "http://a.test/a b",
        "http://a.test/a\nb",
        "http://127.0.0.1\t/a",
        "http://b\xfccher.test/",
    ],
)
def test_what_is_no_url_for_receipts_is_refused_as_it_was_typed(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(url)

    assert repr(url) in caught.value.message


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        parse_address("http://me:s3cret-value@a.test/")

    assert "s3cret-value" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "host",
    ["192.0.2.1", "[2001:db8::1]", "[::ffff:192.0.2.1]", "3221225985", "0xc0.0.2.1", "0300.0.2.1", "0.0.0.0"],
)
def test_a_target_elsewhere_is_refused_however_it_is_spelled(host: str) -> None:
    with pytest.raises(UsageError, match="is not on this machine") as caught:
        push(CALLBACK, parse_address(f"http://{host}/"))

    assert "--allow-remote" in caught.value.hint


@pytest.mark.parametrize("places", [["192.0.2.1"], ["127.0.0.1", "192.0.2.1"], ["::1", "2001:db8::1"]])
def test_a_name_that_also_leads_elsewhere_is_refused(
    monkeypatch: pytest.MonkeyPatch, places: list[str]
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, 80)) for place in places]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    with pytest.raises(UsageError, match=r"rebound\.test is not on this machine"):
        push(CALLBACK, parse_address("http://rebound.test/"))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]", "localhost", "127.1"]
)
def test_loopback_is_allowed_however_it_is_spelled(host: str) -> None:
    with raw_server([OK]) as server:
        answer = push(CALLBACK, parse_address(f"http://{host}:{server.place[1]}/"))

    assert answer.status == 200


def test_a_remote_address_gets_receipts_when_it_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server([OK]) as server:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", server.place)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

        assert push(CALLBACK, parse_address("http://far.test/", allow_remote=True)).status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_an_unreachable_target_is_named_without_its_path(host: str) -> None:
    with pytest.raises(PushError, match="Nobody answers at http://") as caught:
        push(CALLBACK, parse_address(f"http://{host}:{closed_port()}/webhooks/s3cret-token"))

    assert caught.value.reason == "unreachable"
    assert "s3cret-token" not in caught.value.message + caught.value.hint


def test_an_unresolvable_name_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_name(*_: object, **__: object) -> object:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)

    with pytest.raises(PushError, match="Name or service not known") as caught:
        push(CALLBACK, parse_address("http://nowhere.test/"))
    assert caught.value.reason == "unreachable"


def test_a_name_too_long_for_any_resolver_is_unreachable() -> None:
    with pytest.raises(PushError) as caught:
        push(CALLBACK, parse_address(f"http://{'a' * 70}.test/"))

    assert caught.value.reason == "unreachable"


def test_the_second_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server([OK]) as server:
        places = [("127.0.0.1", closed_port()), server.place]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

        assert push(CALLBACK, parse_address("http://two.test/")).status == 200
