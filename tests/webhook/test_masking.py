import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.webhook.masking import (
    counted,
    hide_password,
    hide_secrets,
    mask_number,
    mask_numbers_in,
    one_line,
    printable,
)


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


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("/dlr?msisdn=447700900123&to=AcmeInc", "/dlr?msisdn=*********123&to=AcmeInc"),
        ("%3Fmsisdn%3D447700900123%26", "%3Fmsisdn%3D*********123%26"),
        ("to=%2B44%207700%20900123", "to=%2B**%20****%20***123"),
        ("%34%34%37%37%30%30%39%30%30%31%32%33", "*********%31%32%33"),
        ("%2534477%2530090012%2533", "*********12%2533"),
        ("<tel:+44-(0)7700.900.123>", "<tel:+**-(*)****.***.123>"),
        ("447700\u00a0900\u00a0123", "******\u00a0***\u00a0123"),
        ("447700900123 and 447700900456", "*********123 and *********456"),
        ("198.51.100.23, 203.0.113.200", "198.51.100.23, 203.0.113.200"),
        ("Nexmo/MessagingHUB/v1.0", "Nexmo/MessagingHUB/v1.0"),
        (
            "application/x-www-form-urlencoded; charset=UTF-8",
            "application/x-www-form-urlencoded; charset=UTF-8",
        ),
        ("Mon, 23 Nov 2026 13:45:47 GMT", "Mon, 23 Nov 2026 13:45:47 GMT"),
        ("312", "312"),
    ],
)
def test_numbers_inside_a_text_are_masked_and_the_rest_stays(text: str, masked: str) -> None:
    assert mask_numbers_in(text) == masked


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
def test_any_event_is_short_and_printable(text: str, limit: int) -> None:
    line = one_line(text, limit)

    assert len(line) <= limit
    assert line.isprintable()
    line.encode()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ada:p4ss@dlr.example.com/a?b=c:d@e", "https://ada:***@dlr.example.com/a?b=c:d@e"),
        ("https://:p4:s@s@dlr.example.com", "https://:***@dlr.example.com"),
        ("https://ada@dlr.example.com:8443/x:y@z", "https://ada@dlr.example.com:8443/x:y@z"),
        ("https://dlr.example.com:8443/x@y", "https://dlr.example.com:8443/x@y"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert hide_password(url) == shown


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 receipts"), (1, "1 receipt"), (2, "2 receipts"), (1000, "1,000 receipts")]
)
def test_a_number_of_things_is_written_as_a_person_would(number: int, words: str) -> None:
    assert counted(number, "receipt") == words


def test_what_controls_a_terminal_or_cannot_be_seen_is_escaped() -> None:
    assert (
        printable("a\tb\r\n\x1b\xff\u200b\u202e\U000e0001é")
        == r"a\tb\r\n\x1b" + "ÿ" + r"\u200b\u202e\U000e0001é"
    )
    assert printable("plain é ") == "plain é "
