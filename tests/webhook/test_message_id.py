"""Message ids: their two forms, their short form, and their form in file names."""

import re
import uuid
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.fixture.store import safe
from devkit.webhook.receipt import from_file_name, is_uuid, make_message_id, short_id

UUID = "38eef590-711f-4360-a23d-80c38291eb1d"


@given(st.integers(min_value=0))
def test_an_id_is_a_lower_case_uuid_of_36_characters(number: int) -> None:
    made = make_message_id(number)

    assert len(made) == 36
    assert made == str(uuid.UUID(made))
    assert uuid.UUID(made).version == 4
    assert make_message_id(number) == made


@given(st.integers(min_value=0))
def test_an_older_id_is_16_upper_case_hexadecimal_digits(number: int) -> None:
    assert re.fullmatch(r"[0-9A-F]{16}", make_message_id(number, "hex"))


@pytest.mark.parametrize("style", ["uuid", "hex"])
def test_different_numbers_give_different_ids(style: Literal["uuid", "hex"]) -> None:
    assert len({make_message_id(number, style) for number in range(1000)}) == 1000


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(ValueError, match="id_style='int' is none of uuid, hex"):
        make_message_id(1, "int")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "shown"),
    [(UUID, "38eef590"), ("0A0000001234567B", "1234567B"), ("0A1", "0A1"), ("", "")],
)
def test_a_uuid_is_known_by_its_first_characters_and_an_older_id_by_its_last(text: str, shown: str) -> None:
    assert short_id(text) == shown


@given(st.uuids().map(str))
def test_a_file_name_gives_a_uuid_back(text: str) -> None:
    assert from_file_name(safe(text, 40)) == text
    assert is_uuid(text)


@pytest.mark.parametrize("text", ["0A0000001234567B", "a_b", "noid", "38eef590_711f_4360_a23d_80c38291eb1g"])
def test_any_other_id_is_as_in_its_file_name(text: str) -> None:
    assert from_file_name(text) == text
    assert not is_uuid(text)
