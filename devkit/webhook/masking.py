"""What may be shown of numbers, secrets and foreign text."""

import re
from collections.abc import Iterable

from devkit.webhook.vocabulary import FORMS

_ENOUGH = 7  # digits: fewer are no phone number but part of a sender's name
_HIDDEN = re.compile(r"\d(?=(?:\D*\d){3})")

# A digit, and what people write between two of them, percent-encoded or not.
_DIGIT = r"(?:\d|%(?:25)*+3[0-9])"
_GAP = r"(?:[ \u00a0()+._/-]|%(?:25)*+(?i:2[0b89def]|5f|c2%(?:25)*+a0))"


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


def mask_numbers_in(text: str) -> str:
    """Text, such as a header value, in which each part that may be a phone number shows its last three digits only.

    Percent-encoded digits count too. An IPv4 address stays as it is.
    """
    # The quantifiers are possessive, so that any text is read once. re keeps the compiled pattern: made here, it
    # costs the commands nothing that never need it.
    return re.sub(rf"{_DIGIT}(?:{_GAP}{{0,3}}+{_DIGIT}){{{_ENOUGH - 1},}}+", _masked, text)


def _masked(found: re.Match[str]) -> str:
    if re.fullmatch(r"\d{1,3}(?:\.\d{1,3}){3}", found[0]):
        return found[0]
    parts = list(re.finditer(rf"({_GAP})|{_DIGIT}", found[0]))
    shown = [place for place, part in enumerate(parts) if part[1] is None][-3:]
    return "".join(part[1] or (part[0] if place in shown else "*") for place, part in enumerate(parts))


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


def printable(text: str) -> str:
    """Foreign text with each character spelled out that would steer a terminal, turn the line around or not show.

    Line breaks too: the text stays on its line.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else spelled(char) for char in text)


def spelled(char: str) -> str:
    """A character by its number, as Python writes it."""
    known = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}.get(char)
    code = ord(char)
    return known or (
        f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    )
