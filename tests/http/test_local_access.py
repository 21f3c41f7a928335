"""The one rule for all servers on this machine: who may use them. The tests of each server use sockets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.http.local_access import rejection_reason
from devkit.webhook.callback import FORWARDING_HEADERS, Callback
from tests.support.host_names import LOCAL_HOSTS, NO_HOSTS, OTHER_HOSTS

HOST = ("Host", "127.0.0.1:3040")
OWN = ("Origin", "http://127.0.0.1:3040")
VONAGE = ("Host", "rest.nexmo.com")


def reason(
    *headers: tuple[str, str], target: str = "/", remote: str = "127.0.0.1", own_pages: bool = True
) -> str:
    return rejection_reason(Callback("GET", target, headers), remote, own_pages=own_pages)


def reason_under_a_name(*headers: tuple[str, str], target: str = "/") -> str:
    """Of a server that has pages, and the name rest.nexmo.com."""
    request = Callback("POST", target, (VONAGE, *headers))
    return rejection_reason(request, "127.0.0.1", own_pages=True, serves_name="rest.nexmo.com".__eq__)


@pytest.mark.parametrize("own_pages", [True, False])
@pytest.mark.parametrize("host", LOCAL_HOSTS)
def test_a_program_on_this_machine_is_served(host: str, own_pages: bool) -> None:
    assert reason(("Host", host), own_pages=own_pages) == ""


@pytest.mark.parametrize("remote", ["192.168.0.10", "2001:db8::1", "", "localhost", "127.0.0.1%.test"])
def test_another_machine_is_not(remote: str) -> None:
    assert "this machine only" in reason(HOST, remote=remote)


@pytest.mark.parametrize("remote", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "::1%lo"])
def test_each_loopback_address_is_this_machine(remote: str) -> None:
    assert reason(HOST, remote=remote) == ""


@pytest.mark.parametrize("host", [*OTHER_HOSTS, *NO_HOSTS, "rest.nexmo.com", "evil.test:3040"])
def test_another_name_for_this_machine_is_refused(host: str) -> None:
    assert "The address must be" in reason(("Host", host))


@pytest.mark.parametrize(
    "headers", [[], [HOST, HOST], [HOST, ("host", "evil.test")], [("Host", "evil.test"), HOST]]
)
def test_two_hosts_or_none_are_refused(headers: list[tuple[str, str]]) -> None:
    assert "The address must be" in reason(*headers)


@pytest.mark.parametrize("name", sorted(FORWARDING_HEADERS))
def test_what_was_forwarded_is_refused(name: str) -> None:
    assert "forwarded" in reason(HOST, (name.upper(), "127.0.0.1"))
    assert "forwarded" in reason(HOST, (name, ""))


@pytest.mark.parametrize(
    "target",
    ["http://evil.test/", "http://127.0.0.1/", "http:/", "http:///", "ftp://127.0.0.1:3040/", "*", "x", ""],
)
def test_the_target_of_another_host_is_refused(target: str) -> None:
    assert "another host" in reason(HOST, target=target)


def test_a_target_may_name_the_host_again() -> None:
    assert reason(HOST, target="http://127.0.0.1:3040/list?a=b") == ""


@pytest.mark.parametrize(
    "header",
    [
        ("Origin", "http://evil.test"),
        ("Origin", "null"),
        ("Origin", ""),
        ("Origin", "http://127.0.0.1"),
        ("Origin", "http://127.0.0.1:3041"),
        ("Origin", "http://localhost:3040"),
        ("Origin", "https://127.0.0.1:3040"),
        ("Origin", "http://127.0.0.1:3040.evil.test"),
        ("Origin", "http://evil.test#http://127.0.0.1:3040"),
        ("Origin", "file://"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Site", ""),
        ("Sec-Fetch-Site", "Same-Origin "),
    ],
)
def test_a_page_of_another_origin_is_refused(header: tuple[str, str]) -> None:
    assert "comes from" in reason(HOST, header)
    assert "comes from" in reason(HOST, header, own_pages=False)
    assert "comes from" in reason(HOST, OWN, ("Sec-Fetch-Site", "same-origin"), header)
    assert "comes from" in reason_under_a_name(header)


def test_a_page_of_its_own_is_served_where_there_are_pages() -> None:
    page = (HOST, OWN, ("Sec-Fetch-Site", "same-origin"))

    assert reason(*page) == ""
    assert "comes from" in reason(*page, own_pages=False)


@pytest.mark.parametrize("own_pages", [True, False])
def test_a_typed_address_is_served(own_pages: bool) -> None:
    assert reason(HOST, ("Sec-Fetch-Site", "none"), own_pages=own_pages) == ""


@pytest.mark.parametrize(
    "headers",
    [[], [("X-Forwarded-For", "127.0.0.1"), ("Via", "1.1 proxy")], [("User-Agent", "vonage-python-sdk")]],
)
def test_a_program_may_use_the_name_of_another_server_directly_and_through_a_proxy(
    headers: list[tuple[str, str]],
) -> None:
    assert reason_under_a_name(*headers) == ""
    assert reason_under_a_name(*headers, target="http://rest.nexmo.com/sms/json") == ""


@pytest.mark.parametrize(
    "headers",
    [
        [("Origin", "http://rest.nexmo.com"), ("Sec-Fetch-Site", "same-origin")],
        [("Origin", "http://rest.nexmo.com")],
        [("Sec-Fetch-Site", "same-origin")],
        [("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")],
    ],
)
def test_a_browser_may_not(headers: list[tuple[str, str]]) -> None:
    assert reason_under_a_name(*headers) != ""


HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["Host", "host", "Origin", "Sec-Fetch-Site", "Via", "User-Agent", "Referer"]),
        st.sampled_from(
            [HOST[1], OWN[1], "null", "none", "same-origin", "cross-site", "evil.test", "", VONAGE[1]]
        )
        | st.text(max_size=12),
    ),
    max_size=6,
)


@given(HEADERS, st.sampled_from(["/", "/a?b", "http://evil.test/", "http:/", "*"]) | st.text(max_size=12))
def test_an_accepted_request_has_no_sign_of_another_origin(
    headers: list[tuple[str, str]], target: str
) -> None:
    if reason(*headers, target=target, own_pages=False):
        return
    names = [name.lower() for name, _ in headers]

    assert [value for name, value in headers if name.lower() == "host"] == [HOST[1]]
    assert "via" not in names
    assert "origin" not in names
    assert {value for name, value in headers if name == "Sec-Fetch-Site"} <= {"none"}
    assert target.startswith(("/", "http://127.0.0.1:3040/", "http://127.0.0.1:3040?"))
