from dataclasses import replace
from datetime import UTC, datetime

import pytest

from devkit.errors import RelayError
from devkit.fixture.format import dumps
from devkit.relay.cipher import Cipher, parse_keys
from devkit.relay.entry import RelayEntry, entry_of, file_of, parse_entry
from devkit.relay.stream import entry_time, id_parts
from devkit.webhook.callback import Callback
from devkit.webhook.masking import one_line
from tests.support.fixture_example import EXAMPLE
from tests.support.team_keys import NEW, OLD

ID = "1763905547123-0"
KEYS = [Cipher(), parse_keys(OLD)]


def entry(cipher: Cipher, callback: Callback = EXAMPLE.callback, who: str = "ada") -> RelayEntry:
    fixture = replace(EXAMPLE, callback=callback)
    return entry_of(fixture, fixture.read(), who=who, receiver="box-1", cipher=cipher)


@pytest.mark.parametrize("cipher", KEYS)
def test_a_fixture_comes_back_to_the_byte(cipher: Cipher) -> None:
    read = parse_entry(ID, entry(cipher).as_fields())

    assert read == entry(cipher) or cipher.keys
    assert (read.who, read.status, read.receiver) == ("ada", "delivered", "box-1")
    assert read.recorded_at == "2026-11-23T13:45:47.123456Z"
    assert file_of(ID, read, cipher) == (EXAMPLE, dumps(EXAMPLE))


def test_an_unreadable_webhook_is_kept_too() -> None:
    callback = Callback("POST", "/r/x/y", (), b"\xff\x00")
    read = parse_entry(ID, entry(Cipher(), callback, who="").as_fields())

    assert (read.who, read.message_id, read.status) == ("", "", "")
    assert file_of(ID, read, Cipher())[0].callback.body == b"\xff\x00"


def test_with_a_key_only_owner_id_status_and_time_can_be_read() -> None:
    fields = entry(parse_keys(OLD)).as_fields()

    assert sorted(fields) == [b"at", b"f", b"id", b"k", b"rx", b"s", b"v", b"who"]
    assert b"447700900001" not in b"".join(fields.values())
    assert b"447700900001" not in repr(entry(Cipher())).encode()


def test_hostile_text_in_clear_is_one_short_line() -> None:
    target = "/x?messageId=%0a%1b%5b2J%e2%80%ae" + "9" * 300 + "&status=%00delivered&msisdn=447700900001"
    read = parse_entry(ID, entry(Cipher(), Callback("GET", target)).as_fields())

    assert len(read.message_id) == 100
    assert read.message_id.isprintable()
    assert read.status == one_line(read.status) == "delivered"


@pytest.mark.parametrize("name", [b"who", b"id", b"s", b"at"])
def test_what_is_in_clear_cannot_be_changed(name: bytes) -> None:
    fields = {**entry(parse_keys(OLD)).as_fields(), name: b"bob"}

    with pytest.raises(RelayError, match=f"entry {ID} cannot be read: it was changed on the engine"):
        file_of(ID, parse_entry(ID, fields), parse_keys(OLD))


def test_a_wrong_key_is_told_with_its_id() -> None:
    cipher = parse_keys(OLD)

    with pytest.raises(
        RelayError, match=f"entry {ID} cannot be read: it is encrypted with the key {cipher.key_id}"
    ):
        file_of(ID, entry(cipher), parse_keys(NEW))


def test_a_payload_that_is_no_fixture_is_told() -> None:
    foreign = replace(entry(Cipher()), payload=Cipher().encrypt(b"{}", b""))

    with pytest.raises(RelayError, match=f"entry {ID} cannot be read: .*not a fixture"):
        file_of(ID, foreign, Cipher())


@pytest.mark.parametrize("fields", [{}, {b"v": b"2"}, {b"v": b"\xff\x1b"}])
def test_another_version_is_refused(fields: dict[bytes, bytes]) -> None:
    with pytest.raises(RelayError, match=f"entry {ID} has the version") as error:
        parse_entry(ID, fields)

    assert error.value.message.isprintable()


def test_ids_are_times_of_the_engine() -> None:
    assert entry_time(ID) == datetime(2025, 11, 23, 13, 45, 47, 123000, UTC)
    assert id_parts("12-3") < id_parts("12-10") < id_parts("100-0")
    assert id_parts("") == (0, 0)
