import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.redact import hide_secrets, mask_number, one_line


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("447700900123", "*********123"),
        ("+447700900123", "+*********123"),
        ("+44 (7700) 900-123", "+** (****) ***-123"),
        ("4477009", "****009"),
        ("447700900123x", "*********123x"),
        ("AcmeInc", "AcmeInc"),
        ("Acme2024", "Acme2024"),
        ("90012", "90012"),
        ("", ""),
    ],
)
def test_a_number_shows_its_last_three_digits_only(text: str, masked: str) -> None:
    assert mask_number(text) == masked


@given(st.text(st.characters() | st.sampled_from("0123456789")))
def test_never_more_than_six_digits_are_left_of_anything(text: str) -> None:
    masked = mask_number(text)

    assert sum(char.isdecimal() for char in masked) <= 6
    assert len(masked) == len(text)


def test_secrets_are_hidden_the_longest_first() -> None:
    said = "token=abc123def key=abc123"

    assert hide_secrets(said, ["abc123", "abc123def", ""]) == "token=[hidden] key=[hidden]"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\nb\tc", "a b c"),
        ("\x1b[31mred\x07", "[31mred"),
        ("abc\u202edef\u2066", "abc def"),
        ("  wide   gaps ", "wide gaps"),
        ("Привет ✓", "Привет ✓"),
        ("\ud800half", "half"),
    ],
)
def test_foreign_text_becomes_one_harmless_line(text: str, line: str) -> None:
    assert one_line(text) == line


def test_a_long_text_is_cut_with_dots() -> None:
    assert one_line("x" * 10, limit=10) == "x" * 10
    assert one_line("x" * 11, limit=10) == "x" * 7 + "..."


@given(st.text(st.characters()), st.integers(3, 40))
def test_whatever_arrives_fits_and_is_printable(text: str, limit: int) -> None:
    line = one_line(text, limit)

    assert len(line) <= limit
    assert line.isprintable()
    line.encode()
