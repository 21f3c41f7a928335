"""Masks phone numbers and secrets, makes foreign text safe to show, and counts in words."""

import re
from collections.abc import Iterable

# The fields whose digits are no phone number, as long as the value has the form that Vonage gives it (the guide, and
# captures of 2016 to 2020). Any other field may hold one: `msisdn`, `to`, `client-ref`, or one that no document lists.
# Patterns for the whole value, in ASCII; as text, since few runs need them.
_ID = r"(?i:[0-9A-F]{16}|[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}|(?!.*\d{7})[0-9A-Z-]{1,40})"
FORMS: dict[str, str] = {
    "network-code": r"\d{3,6}",
    "messageId": _ID,
    "price": r"-?\d{1,6}(\.\d{1,10})?",
    "status": r"[A-Za-z][A-Za-z _-]{0,31}",
    "scts": r"\d{10}(\d\d)?",
    "err-code": r"-?\d{1,4}",
    "api-key": r"[0-9A-Za-z]{8}",
    "message-timestamp": r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z| ?[+-]\d\d:?\d\d)?",
    "timestamp": r"\d{9,13}",
    "nonce": _ID,
    "sig": r"[0-9A-Fa-f]{32,128}",
}

_MIN_DIGITS = 7  # fewer are no phone number, but part of a sender's name
_HIDDEN = re.compile(r"\d(?=(?:\D*\d){3})")

# A digit, and what people write between digits, percent-encoded or not.
_DIGIT = r"(?:\d|%(?:25)*+3[0-9])"
_GAP = r"(?:[ \u00a0()+._/-]|%(?:25)*+(?i:2[0b89def]|5f|c2%(?:25)*+a0))"


def mask_number(text: str) -> str:
    """A phone number, in any spelling, with only its last three digits shown; other text unchanged."""
    if sum(char.isdecimal() for char in text) < _MIN_DIGITS:
        return text
    return _HIDDEN.sub("*", text)


def holds_no_number(name: str, text: str) -> bool:
    """Whether a field never holds a phone number, and its value has the form that Vonage sends in it."""
    return name in FORMS and re.fullmatch(FORMS[name], text, re.ASCII) is not None


def mask_field(name: str, text: str) -> str:
    """The value of a receipt's field, masked if it may be a phone number."""
    return text if holds_no_number(name, text) else mask_number(text)


def mask_numbers_in(text: str) -> str:
    """Text, such as a header value, with each possible phone number masked. An IPv4 address is not one.

    Percent-encoded digits count too.
    """
    # The quantifiers are possessive, so that any text is read only once. Compiled here (re keeps the pattern), because
    # most commands never need it.
    return re.sub(rf"{_DIGIT}(?:{_GAP}{{0,3}}+{_DIGIT}){{{_MIN_DIGITS - 1},}}+", _masked, text)


def _masked(found: re.Match[str]) -> str:
    if re.fullmatch(r"\d{1,3}(?:\.\d{1,3}){3}", found[0]):
        return found[0]
    parts = list(re.finditer(rf"({_GAP})|{_DIGIT}", found[0]))
    shown = [place for place, part in enumerate(parts) if part[1] is None][-3:]
    return "".join(part[1] or (part[0] if place in shown else "*") for place, part in enumerate(parts))


def hide_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text with each secret replaced by `[hidden]`, for the output of other programs."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "[hidden]")
    return text


def hide_password(url: str) -> str:
    """A URL as it is shown: the password before its host is masked."""
    return re.sub(r"(://[^/?#@:]*):[^/?#]*@", r"\1:***@", url, count=1)


def counted(number: int, noun: str) -> str:
    """A number of things: `1 receipt`, `2 receipts`, `1,000 receipts`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def one_line(text: str, limit: int = 200) -> str:
    """Foreign text on one line, without control or direction characters. limit: characters."""
    clean = text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
    clean = " ".join(clean.split())
    return clean if len(clean) <= limit else clean[: limit - 3] + "..."


def printable(text: str) -> str:
    """Foreign text with escapes for control, direction and invisible characters, line breaks too."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else escaped_char(char) for char in text)


def escaped_char(char: str) -> str:
    """A character as Python's escape sequence."""
    known = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}.get(char)
    code = ord(char)
    return known or (
        f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    )
