"""The alphabet of SMS, and the parts of a long text."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.webhook.sms_text import is_gsm, split

GSM_TEXT = st.text(st.characters().filter(is_gsm), max_size=700) | st.text("a€^{", max_size=700)


def septets(text: str) -> int:
    return sum(2 if char in "|^€{}[]~\\\f" else 1 for char in text)


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def test_the_alphabet_is_that_of_gsm_03_38() -> None:
    alphabet = [char for char in map(chr, range(0x110000)) if is_gsm(char)]

    assert len(alphabet) == 127 + 10  # without the escape; the extension has ten characters
    assert is_gsm("@£$¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà^{}\\[~]|€\f\n\r")
    assert not any(map(is_gsm, "`çáíóúÁ\t\x1b\u00a0œ"))


@given(GSM_TEXT)
def test_gsm_parts_join_to_the_text_and_fit(text: str) -> None:
    parts = split(text)

    assert "".join(parts) == text
    assert all(septets(part) <= (160 if len(parts) == 1 else 153) for part in parts)
    assert (len(parts) == 1) == (septets(text) <= 160)


@given(GSM_TEXT)
def test_gsm_parts_are_as_full_as_they_can_be(text: str) -> None:
    parts = split(text)

    assert all(septets(part + following[0]) > 153 for part, following in pairwise(parts))


@given(st.text(max_size=400))
def test_unicode_parts_join_to_the_text_fit_and_cut_no_character(text: str) -> None:
    parts = split(text, unicode=True)

    assert "".join(parts) == text
    assert all(units(part) <= (70 if len(parts) == 1 else 67) for part in parts)
    assert (len(parts) == 1) == (units(text) <= 70)


@given(st.text(max_size=400))
def test_what_gsm_lacks_is_sent_as_question_marks(text: str) -> None:
    joined = "".join(split(text))

    assert len(joined) == len(text)
    assert all(sent == char if is_gsm(char) else sent == "?" for sent, char in zip(joined, text, strict=True))


@pytest.mark.parametrize(
    ("text", "unicode", "parts"),
    [
        ("", False, 1),
        ("x" * 160, False, 1),
        ("x" * 161, False, 2),
        ("x" * 306, False, 2),
        ("x" * 307, False, 3),
        ("€" * 80, False, 1),
        ("€" * 81, False, 2),
        ("€" * 153, False, 3),  # 76 of them fit in a part, one septet stays empty
        ("x" * 70, True, 1),
        ("x" * 71, True, 2),
        ("x" * 134, True, 2),
        ("😀" * 35, True, 1),
        ("😀" * 36, True, 2),
        ("😀" * 67, True, 3),
    ],
)
def test_the_number_of_parts(text: str, unicode: bool, parts: int) -> None:
    assert len(split(text, unicode=unicode)) == parts
