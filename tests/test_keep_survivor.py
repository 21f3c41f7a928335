import base64
import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.keep.survivor import Original, find_survivor

ORIGINAL = Original("client-ref", "Zoë & Söhne/4".encode())


def survives(text: str | bytes, original: Original = ORIGINAL) -> bool:
    data = text if isinstance(text, bytes) else text.encode()
    return find_survivor([original], {"note": data}) is not None


def layers(data: bytes) -> dict[str, bytes]:
    text = data.decode()
    units = text.encode("utf-16-be")
    return {
        "raw": data,
        "percent": quote(text, safe="").encode(),
        "lower percent": re.sub("%..", lambda match: match[0].lower(), quote(text, safe="")).encode(),
        "every percent": "".join(f"%{byte:02x}" for byte in data).encode(),
        "plus": quote_plus(text, safe="").encode(),
        "json": json.dumps(text)[1:-1].encode(),
        "json slash": json.dumps(text)[1:-1].replace("/", "\\/").encode(),
        "every json": "".join(
            f"\\u{units[at]:02X}{units[at + 1]:02X}" for at in range(0, len(units), 2)
        ).encode(),
        "base64": base64.b64encode(data),
        "url base64": base64.urlsafe_b64encode(data).rstrip(b"="),
        "shifted base64": base64.b64encode(b"x" + data + b"yz"),
        "glued base64": b"ab" + base64.b64encode(b"{" + data),
    }


NAMES = tuple(layers(b"x"))


@pytest.mark.parametrize("outer", NAMES)
@pytest.mark.parametrize("inner", NAMES)
def test_a_value_is_found_in_two_encodings(inner, outer):
    once = layers(ORIGINAL.value)[inner]

    assert survives(b"before " + layers(b"(" + once + b")")[outer] + b" after")


@given(st.text('Zoë &/4S%+\\"', min_size=6), st.sampled_from(NAMES))
def test_any_value_is_found_in_any_encoding(text, layer):
    assert survives(layers(text.encode())[layer], Original("x", text.encode()))


@given(st.binary(max_size=300))
def test_nothing_is_found_in_other_bytes(data):
    assert not survives(data)


def test_case_is_ignored():
    assert survives("0a0000001234567b", Original("messageId", b"0A0000001234567B"))


@pytest.mark.parametrize(
    "text",
    [
        "38eef590-711f-4360-a23d-80c38291eb1d",
        "38EEF590-711F-4360-A23D-80C38291EB1D",
        "105730.214087Z-delivered-38eef590_711f_4360_a23d_80c38291eb1d-5f3a9c.json",
        "38eef590711f4360a23d80c38291eb1d",
        base64.b64encode(b"seen 38eef590-711f-4360-a23d-80c38291eb1d here").decode(),
        base64.b64encode(b"seen 38eef590_711f_4360_a23d_80c38291eb1d here").decode(),
    ],
)
def test_a_uuid_is_found_as_a_file_name_or_a_bare_number_says_it(text):
    assert survives(text, Original("messageId", b"38eef590-711f-4360-a23d-80c38291eb1d"))
    assert not survives(text, Original("messageId", b"48eef590-711f-4360-a23d-80c38291eb1d"))


@pytest.mark.parametrize(
    "text",
    [
        "0999 654-3210",
        "(999) 6543210",
        "%2B0999+654+3210",
        "00999.654.3210",
        base64.b64encode(b"0999654321009996543210").decode(),
    ],
)
def test_a_number_is_found_in_other_spellings(text):
    assert survives(text, Original("msisdn", b"9996543210", is_number=True))


def test_a_plus_that_is_a_plus_is_found():
    assert survives("%5Aoe+Anna%2F4", Original("client-ref", b"Zoe+Anna/4"))


def test_a_country_code_does_not_hide_a_number():
    assert survives("national: 0654321098", Original("msisdn", b"999654321098", is_number=True))


def test_a_stand_in_that_ends_like_the_original_is_no_survivor():
    original = Original("msisdn", b"0999700900123", is_number=True)

    assert not survives("447700900123", original)
    assert survives("0700900123", original)


def test_a_short_value_is_not_looked_for():
    assert not survives("err-code=0", Original("client-ref", b"0"))


def test_the_place_and_the_name_are_told_and_not_the_value():
    places = {"body": b"nothing", "note": ORIGINAL.value}

    assert find_survivor([ORIGINAL], places) == ("client-ref", "note")
    assert find_survivor([ORIGINAL], {}) is None
    assert "Zo" not in repr(ORIGINAL)
