"""The text of an SMS: the GSM 03.38 alphabet with its extension, and the parts of a long text."""

from collections.abc import Callable, Iterator

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("|^€{}[]~\\\f")  # each takes two septets: an escape and another
_CHARACTERS = frozenset(_BASIC) | _EXTENSION

MAX_TEXT = 3200  # characters; Vonage refuses a longer text
_GSM_ALONE, _GSM_PART = 160, 153  # septets
_UCS2_ALONE, _UCS2_PART = 70, 67  # UTF-16 code units


def is_gsm(text: str) -> bool:
    """Whether all characters of a text are in the alphabet."""
    return _CHARACTERS.issuperset(text)


def split(text: str, *, unicode: bool = False) -> tuple[str, ...]:
    """The parts of a text, at least one. unicode: as UCS-2, as with `type=unicode`.

    Otherwise a character that is not in the GSM alphabet becomes a question mark.
    A character that takes two units is never split.
    """
    if unicode:
        return _cut(text, _units, _UCS2_ALONE, _UCS2_PART)
    return _cut("".join(char if is_gsm(char) else "?" for char in text), _septets, _GSM_ALONE, _GSM_PART)


def _septets(char: str) -> int:
    return 2 if char in _EXTENSION else 1


def _units(char: str) -> int:
    return 2 if ord(char) > 0xFFFF else 1


def _cut(text: str, size: Callable[[str], int], alone: int, part: int) -> tuple[str, ...]:
    if sum(map(size, text)) <= alone:
        return (text,)
    return tuple(_pieces(text, size, part))


def _pieces(text: str, size: Callable[[str], int], limit: int) -> Iterator[str]:
    start = filled = 0
    for place, char in enumerate(text):
        filled += size(char)
        if filled > limit:
            yield text[start:place]
            start, filled = place, size(char)
    yield text[start:]
