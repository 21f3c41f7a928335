import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.errors import ConfigurationError, RelayError
from devkit.relay.cipher import Cipher, parse_keys
from tests.support.team_keys import NEW, OLD

DATA = b'{"msisdn": "447700900001"}'
BOUND = b"ada\x000A0000001234567B"


@given(st.binary(min_size=1), st.binary())
def test_what_was_encrypted_comes_back(data: bytes, bound: bytes) -> None:
    cipher = parse_keys(OLD)

    assert cipher.decrypt(cipher.key_id, cipher.encrypt(data, bound), bound) == data


def test_nothing_of_the_data_can_be_read_and_no_two_are_alike() -> None:
    cipher = parse_keys(OLD)
    first, second = cipher.encrypt(DATA, BOUND), cipher.encrypt(DATA, BOUND)

    assert first != second
    assert b"447700900001" not in first
    with pytest.raises(zlib.error):
        zlib.decompress(first[12:])


def test_without_a_key_the_data_is_compressed_only() -> None:
    assert zlib.decompress(Cipher().encrypt(DATA, BOUND)) == DATA
    assert Cipher().decrypt("", Cipher().encrypt(DATA, BOUND), BOUND) == DATA
    assert parse_keys(" ") == Cipher()


def test_with_a_key_data_that_is_not_encrypted_is_refused() -> None:
    """Who may append to the engine knows no key, and must not be able to forge a webhook."""
    with pytest.raises(RelayError, match="it is not encrypted, and DEVKIT_RELAY_KEY is set") as raised:
        parse_keys(OLD).decrypt("", Cipher().encrypt(DATA, BOUND), BOUND)

    assert "--skip" in raised.value.hint


def test_during_a_change_the_first_key_encrypts_and_both_decrypt() -> None:
    old, both = parse_keys(OLD), parse_keys(f"{NEW}, {OLD}")

    assert both.key_id == parse_keys(NEW).key_id != old.key_id
    assert both.decrypt(old.key_id, old.encrypt(DATA, BOUND), BOUND) == DATA
    assert parse_keys(NEW).decrypt(both.key_id, both.encrypt(DATA, BOUND), BOUND) == DATA


def test_a_missing_key_is_named_by_its_id() -> None:
    old, new = parse_keys(OLD), parse_keys(NEW)
    data = new.encrypt(DATA, BOUND)

    with pytest.raises(RelayError, match=f"the key {new.key_id}, and DEVKIT_RELAY_KEY holds {old.key_id}"):
        old.decrypt(new.key_id, data, BOUND)
    with pytest.raises(RelayError, match="DEVKIT_RELAY_KEY is not set"):
        Cipher().decrypt(new.key_id, data, BOUND)


@pytest.mark.parametrize("damaged", [b"", b"short", None])
def test_data_that_was_changed_is_refused(damaged: bytes | None) -> None:
    cipher = parse_keys(OLD)
    data = cipher.encrypt(DATA, BOUND)
    changed = bytes([*data[:-1], data[-1] ^ 1]) if damaged is None else damaged

    with pytest.raises(RelayError, match="it was changed on the engine"):
        cipher.decrypt(cipher.key_id, changed, BOUND)


def test_what_is_bound_cannot_be_changed() -> None:
    cipher = parse_keys(OLD)

    with pytest.raises(RelayError, match="it was changed on the engine"):
        cipher.decrypt(cipher.key_id, cipher.encrypt(DATA, BOUND), b"bob\x000A0000001234567B")


@pytest.mark.parametrize("data", [b"", b"no zlib", zlib.compress(DATA)[:-1], zlib.compress(b"")])
def test_data_that_cannot_be_unpacked_is_refused(data: bytes) -> None:
    with pytest.raises(RelayError, match="it is damaged"):
        Cipher().decrypt("", data, BOUND)


def test_data_that_unpacks_to_very_much_is_refused() -> None:
    with pytest.raises(RelayError, match="it is damaged"):
        Cipher().decrypt("", zlib.compress(bytes(17 * 1024 * 1024)), BOUND)


@pytest.mark.parametrize("text", ["secret", OLD[:-4], f"{OLD},", f"{OLD},x", "\u00e9" * 43, OLD + OLD])
def test_a_text_that_is_no_key_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ConfigurationError, match="DEVKIT_RELAY_KEY is not 32 bytes as base64") as error:
        parse_keys(text)

    assert "openssl rand -base64 32" in error.value.hint
    assert text not in error.value.message


def test_a_key_is_in_no_repr() -> None:
    assert "ooo" not in repr(parse_keys(OLD))
    assert "keys=" in repr(parse_keys(OLD))
