"""Texts from outside, as an agent may read them: without phone numbers and secrets, on one line, bounded."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from devkit.errors import DevkitError
from devkit.fixture.select import display_path
from devkit.fixture.store import read_name
from devkit.webhook.masking import hide_secrets, mask_field, mask_number, mask_numbers_in, one_line, printable

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MAX_TEXT = 300  # characters
MAX_ITEMS = 40  # of a list, such as the fields of a receipt; Vonage sends about 15
_MAX_LINE = 1000  # characters of any text, and of an error's line
_MIN_SECRET = 6  # characters; a shorter one is part of ordinary words

_PLAIN_NUMBER = re.compile(r"\b\d{7,15}\b")  # not a part of a message id, unless that has such a group


# Attributes that hold a field of Vonage's, and those that hold a time.
_FIELDS = {"message_id": "messageId", "status": "status", "err_code": "err-code", "network": "network-code"}
_TIMES = ("at", "recorded_at")

_Value = TypeVar("_Value", bound="DataclassInstance")


def shown(value: _Value) -> _Value:
    """The dataclass with each of its texts as an agent may read it. Values inside it are unchanged."""
    texts = {each.name: getattr(value, each.name) for each in fields(value) if each.name not in _TIMES}
    return replace(
        value, **{name: _shown(name, text) for name, text in texts.items() if isinstance(text, str)}
    )


def _shown(name: str, text: str) -> str:
    return shown_file(Path(text)) if name == "file" else shown_text(text, _FIELDS.get(name))


def shown_file(path: Path) -> str:
    """A path as commands print it. In a recording's name a phone number is masked."""
    entry, text = read_name(path), display_path(path)
    if entry is None or (
        shown_text(entry.message_id, "messageId") == entry.message_id
        and shown_text(entry.status, "status") == entry.status
    ):
        return one_line(text, 2 * MAX_TEXT)
    time, mark, name = text.rpartition("Z-")
    return f"{time}{mark}{mask_number(name)}"


def all_shown(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(shown_text, list(texts)[:MAX_ITEMS]))


def shown_text(text: str, field: str | None = None) -> str:
    """A text from outside. field: the name of the receipt's field that holds it."""
    return one_line(mask_field(field, text) if field else mask_numbers_in(text), MAX_TEXT)


def error_text(error: DevkitError, secrets: Sequence[str]) -> str:
    """Two lines: what is wrong, and what to do. They may quote an id, in which a number is masked, too."""
    lines = [f"Error: {error.message}", *([f"Hint: {error.hint}"] if error.hint else [])]
    masked = [_PLAIN_NUMBER.sub(lambda found: mask_number(found[0]), printable(line)) for line in lines]
    return "\n".join(made_safe(masked, secrets))


def made_safe(value: Any, secrets: Sequence[str]) -> Any:
    """A JSON value with each text on one line, bounded, and without secrets.

    None of the texts should need it: this is a second lock, for texts that a later version of a command adds.
    """
    if isinstance(value, str):
        long = (secret for secret in secrets if len(secret) >= _MIN_SECRET)
        return one_line(hide_secrets(value, long), _MAX_LINE)
    if isinstance(value, dict):
        return {name: made_safe(each, secrets) for name, each in value.items()}
    return [made_safe(each, secrets) for each in value] if isinstance(value, (list, tuple)) else value
