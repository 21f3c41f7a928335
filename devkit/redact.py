"""What may be shown of numbers and secrets."""

import re
from collections.abc import Iterable

from devkit.vocabulary import FORMS

_ENOUGH = 7  # digits: fewer are no phone number but part of a sender's name
_HIDDEN = re.compile(r"\d(?=(?:\D*\d){3})")


def mask_number(text: str) -> str:
    """A phone number with all but its last three digits hidden, however it is written; other text as it is."""
    if sum(char.isdecimal() for char in text) < _ENOUGH:
        return text
    return _HIDDEN.sub("*", text)


def holds_no_number(name: str, text: str) -> bool:
    """Whether a receipt's field is one whose digits are no phone number, and its value looks like one of that field."""
    return name in FORMS and has_form(name, text)


def has_form(name: str, text: str) -> bool:
    """Whether a value looks like what Vonage sends in a field. name: one of FORMS."""
    return re.fullmatch(FORMS[name], text, re.ASCII) is not None


def mask_field(name: str, text: str) -> str:
    """The value of a receipt's field, masked like a phone number unless the field holds none."""
    return text if holds_no_number(name, text) else mask_number(text)


def hide_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text with each secret replaced by `[hidden]`, for what other programs print."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "[hidden]")
    return text


def one_line(text: str, limit: int = 200) -> str:
    """Foreign text made safe for a terminal: one line, no control or direction-changing characters, cut at limit."""
    clean = text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
    clean = " ".join(clean.split())
    return clean if len(clean) <= limit else clean[: limit - 3] + "..."
