import pytest
from keepable import KEY

from devkit.keep.header import header_change
from devkit.keep.rule import Policy

HARMLESS = [
    ("Accept", "*/*"),
    ("Accept-Encoding", "gzip, deflate"),
    ("CONTENT-TYPE", "application/x-www-form-urlencoded; charset=UTF-8"),
    ("Content-Length", "200"),
    ("User-Agent", "Nexmo/MessagingHUB/v1.0"),
    ("User-Agent", "Jakarta Commons-HttpClient/3.1"),
    ("X-Forwarded-Proto", "https"),
    ("Host", "localhost:3000"),
    ("Host", "127.0.0.1:3000"),
    ("Host", "[::1]:3000"),
    ("Host", "dlr.example.test"),
    ("X-Forwarded-For", "192.0.2.7,127.0.0.1"),
    ("X-Request-Id", ""),
    ("Cookie", "redacted"),
]
REPLACED = [
    ("Host", "a1b2.tunnel.internal", "dlr.example.com"),
    ("host", "a1b2.tunnel.internal:443", "dlr.example.com"),
    ("Host", "example.com.internal", "dlr.example.com"),
    ("Host", "notlocalhost", "dlr.example.com"),
    ("X-Forwarded-Host", "198.18.0.7", "dlr.example.com"),
    ("Forwarded", "for=198.18.0.7", "for=192.0.2.1;host=dlr.example.com;proto=https"),
    ("Cookie", "session=abc", "redacted"),
    ("Authorization", "Bearer abc", "redacted"),
    ("Via", "1.1 inside.tunnel.internal", "redacted"),
    ("Content-MD5", "Q2hlY2sgSW50ZWdyaXR5IQ==", "redacted"),
    ("User-Agent", "tool/1.0 (someone@tunnel.internal)", "redacted"),
    ("Content-Type", "text/plain; name=\x80", "redacted"),
]


@pytest.mark.parametrize(("name", "value"), HARMLESS)
def test_a_harmless_header_stays(name, value):
    assert header_change(name, value, Policy(), KEY) is None


@pytest.mark.parametrize(("name", "value", "new"), REPLACED)
def test_any_other_header_keeps_its_name_only(name, value, new):
    change = header_change(name, value, Policy(), KEY)

    assert change is not None
    assert (change.name, change.new) == (name, new)
    assert header_change(name, new, Policy(), KEY) is None
    assert header_change(name, value, Policy(allow=frozenset({name.upper()})), KEY) is None


def test_addresses_are_replaced_in_their_places():
    change = header_change("X-Forwarded-For", "198.18.0.7,  192.0.2.1, unknown", Policy(), KEY)

    first, second, third = change.new.split(",")
    assert first.startswith("192.0.2.")
    assert second == "  192.0.2.1"
    assert third.startswith(" 192.0.2.")


def test_a_person_can_redact_a_harmless_header():
    assert header_change("Accept", "*/*", Policy(redact=frozenset({"accept"})), KEY).new == "redacted"


def test_parts_of_a_value_must_not_survive_either():
    change = header_change("Authorization", 'Bearer abcdefghijkl.mno; x="pqrstuvwxyz123"', Policy(), KEY)

    values = {original.value for original in change.originals}
    assert {b"abcdefghijkl.mno", b"pqrstuvwxyz123"} <= values


def test_a_host_must_not_survive_without_its_port():
    change = header_change("Host", "a1b2.tunnel.internal:8443", Policy(), KEY)

    assert b"a1b2.tunnel.internal" in {original.value for original in change.originals}
