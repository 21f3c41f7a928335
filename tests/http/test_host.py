from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from urllib3.util import parse_url

from devkit.http.address import is_same_local_server, parse_address
from devkit.http.local_access import LOCAL_NAMES, is_local_host, is_local_name, is_loopback, parse_host
from tests.support.host_names import LOCAL_HOSTS, NO_HOSTS, OTHER_HOSTS


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "::1%lo", "::1%1"])
def test_loopback_address_is_known(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address",
    [
        *("", "localhost", "192.0.2.1", "::", "2130706433", "0x7f.1", "127.1", "127.0.0.1 ", "0.0.0.0"),
        *("127.0.0.1%lo", "127.0.0.1%", "127.0.0.1%.example.com", "::1%", "::1%lo%lo", "[::1]"),
    ],
)
def test_what_only_a_resolver_might_read_as_loopback_is_not(address: str) -> None:
    assert not is_loopback(address)


@pytest.mark.parametrize("host", LOCAL_HOSTS)
def test_host_of_this_machine_is_known_with_and_without_port(host: str) -> None:
    assert is_local_host(host)
    assert str(parse_host(host)) == LOCAL_HOSTS[host]


def test_an_ipv4_address_within_ipv6_is_this_machine_too() -> None:
    assert is_local_host("[::ffff:127.0.0.1]:80")
    assert not is_local_host("[::ffff:192.0.2.1]:80")


@pytest.mark.parametrize("host", OTHER_HOSTS)
def test_host_elsewhere_is_not_this_machine(host: str) -> None:
    assert parse_host(host) is not None
    assert not is_local_host(host)


@pytest.mark.parametrize("host", NO_HOSTS)
def test_an_ambiguous_text_is_no_host(host: str) -> None:
    assert parse_host(host) is None
    assert not is_local_host(host)


@pytest.mark.parametrize("name", [*LOCAL_NAMES, "127.8.9.10", "::ffff:127.0.0.1"])
def test_a_name_of_this_machine_is_known_without_brackets(name: str) -> None:
    assert is_local_name(name)


@pytest.mark.parametrize(
    "name", ["", "a.localhost", "localhost.", "0.0.0.0", "192.0.2.1", "[::1]", "2130706433"]
)
def test_a_name_that_is_not_this_machine_or_is_ambiguous_is_not_local(name: str) -> None:
    assert not is_local_name(name)


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("http://localhost:3000/dlr", True),
        ("http://[::1]:3000", True),
        ("http://127.0.0.1:3001", False),
        ("https://127.0.0.1:3000", False),
        ("http://192.0.2.1:3000", False),
    ],
)
def test_one_port_of_this_machine_has_several_names(url: str, same: bool) -> None:
    ours, other = parse_address("http://127.0.0.1:3000"), parse_address(url)

    assert is_same_local_server(other, ours) is is_same_local_server(ours, other) is same


PIECES = st.sampled_from(
    [
        *("127.0.0.1", "localhost", "LOCALHOST", "::1", "::ffff:", "0", "127", ".", ":", "80", "65536"),
        *("[", "]", "%", "%2f", "%25lo", "@", "/", "\\", "?", "#", "evil.test", ".test", "http://", " "),
        *("\t", "\u0661", ","),
    ]
)


@given(st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=20))
@example("127.0.0.1%2f@192.0.2.1:80")
@example("[::1]:80")
def test_other_parsers_read_the_same_host(text: str) -> None:
    if (host := parse_host(text)) is None:
        return
    again = urlsplit(f"https://{host}/path")
    other = parse_url(f"https://{host}/path")

    assert parse_host(str(host)) == host
    assert (again.hostname, again.port, again.path, again.username) == (host.name, host.port, "/path", None)
    assert (other.host, other.port, other.path, other.auth) == (
        str(host).rpartition(":")[0] if host.port else str(host),
        host.port,
        "/path",
        None,
    )
    if is_local_host(text):
        assert again.hostname == "localhost" or is_loopback(again.hostname or "")
