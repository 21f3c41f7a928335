import re
import uuid
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.keep.pseudonym import address, is_never_assigned, is_token, number, token

KEY = b"a private key of a test"
UUID = "ec11dd3e-1e7f-4db5-9467-82b02cd223b9"

ids = st.text("0123456789ABCDEF", max_size=40) | st.text("0123456789", max_size=20) | st.text(max_size=40)
ids |= st.uuids().map(str)


@given(ids, st.booleans())
def test_a_token_is_known_again_and_stays(text, digits):
    made = token(text.encode(), KEY, digits=digits)

    assert is_token(made, KEY)
    assert token(made.encode(), KEY, digits=digits) == made
    assert made != text


@given(ids)
def test_a_real_id_is_not_taken_for_a_token(text):
    assert not is_token(text, KEY)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("0A0000001234567B", r"[0-9A-F]{16}"),
        ("0a0000001234567b", r"[0-9a-f]{16}"),
        ("12345678901234", r"[1-9]\d{13}"),
        ("order no. 12 (blue)", r"[0-9a-z]{19}"),
        ("x", r"[0-9a-z]{12}"),
        (UUID, r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        (UUID.upper(), r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}"),
    ],
)
def test_a_token_has_the_shape_of_what_it_stands_for(text, shape):
    assert re.fullmatch(shape, token(text.encode(), KEY))


@given(st.uuids(), st.sampled_from([str.lower, str.upper]))
def test_the_token_of_a_uuid_is_a_uuid_of_the_same_version_and_variant(value, spelled):
    text = spelled(str(value))
    made = token(text.encode(), KEY)

    assert spelled(str(uuid.UUID(made))) == made
    assert (uuid.UUID(made).version, uuid.UUID(made).variant) == (value.version, value.variant)
    assert made != text
    assert is_token(made, KEY)
    assert token(made.encode(), KEY) == made


def test_a_token_of_digits_can_stand_in_json():
    assert all(token(str(value).encode(), KEY, digits=True)[0] != "0" for value in range(100))


def test_a_token_depends_on_the_value_and_on_the_key():
    tokens = {token(value, key) for value in (b"one", b"two") for key in (KEY, b"another")}

    assert len(tokens) == 4
    assert token(b"one", KEY) == token(b"one", KEY)
    assert not is_token(token(b"one", KEY), b"another")


@given(st.text("0123456789+ ()-.", max_size=20) | st.text(max_size=20))
def test_a_number_becomes_a_never_assigned_one_and_stays(text):
    made = number(text, KEY)

    assert is_never_assigned(made)
    assert number(made, KEY) == made
    assert made == text or re.fullmatch(r"\+?447700900[2-9]\d\d", made)


def test_one_number_in_several_spellings_gets_one_stand_in():
    spellings = ["0999 654 321", "0999654321", "0999-(654)-321"]

    assert len({number(text, KEY) for text in spellings}) == 1
    assert number("+999654321", KEY) == "+" + number("00999654321", KEY) == "+" + number("999654321", KEY)


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("447700900000", True),
        ("+44 7700 900 999", True),
        ("00447700900123", True),
        ("4477009001234", False),
        ("447700901000", False),
        ("somebody 447700900123", False),
        ("", False),
    ],
)
def test_which_numbers_are_never_assigned(text, never):
    assert is_never_assigned(text) is never


@given(st.ip_addresses() | st.text(st.characters(max_codepoint=0xFF), max_size=20))
def test_an_address_becomes_one_for_documentation_and_stays(text):
    made = address(str(text), KEY)

    if made != str(text):
        assert ip_address(made) in ip_network("192.0.2.0/24" if "." in made else "2001:db8::/32")
    else:
        assert ip_address(made).is_loopback or not ip_address(made).is_global
    assert address(made, KEY) == made


def test_an_address_keeps_its_family():
    assert address("198.18.0.7", KEY).startswith("192.0.2.")
    assert address("fd00::7", KEY).startswith("2001:db8::")
    assert address("127.0.0.1", KEY) == "127.0.0.1"
