"""What may be shown of numbers and secrets."""

from collections.abc import Iterable


def mask_number(text: str) -> str:
    """A phone number with all but its last three digits hidden; other text (a sender's name) as it is."""
    digits = text.lstrip("+")
    if not digits.isdecimal() or len(digits) < 7:
        return text
    return "*" * (len(text) - 3) + text[-3:]


def hide_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text with each secret replaced by `[hidden]`, for what other programs print."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "[hidden]")
    return text


def one_line(text: str, limit: int = 200) -> str:
    """Foreign text made safe for a terminal: one line, no control or direction-changing characters, cut at limit."""
    clean = "".join(char if char.isprintable() else " " for char in text)
    clean = " ".join(clean.split())
    return clean if len(clean) <= limit else clean[: limit - 3] + "..."
