"""One replaced value, and the reason why a recording cannot be kept."""

import re
from dataclasses import dataclass

from devkit.keep.survivor import Original


class Unsafe(Exception):
    """The recording cannot be redacted without a person's decision. The text names fields, never their values."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


@dataclass(frozen=True, slots=True, repr=False)
class Change:
    """name: of the field or header. method: how, in a word or two. originals: what must not survive."""

    name: str
    method: str
    new: str
    originals: tuple[Original, ...]


def change(name: str, method: str, value: bytes, new: str) -> Change | None:
    """A change, unless the value is its own stand-in already."""
    if new.encode() == value:
        return None
    return Change(name, method, new, (Original(name, value, is_number=method == "number"),))


def shown(name: str) -> str:
    """A name as a message may show it; one that is long or holds a number may itself identify somebody."""
    return repr(name) if _is_plain(name) else "one with an unusual name"


def typed(name: str) -> str:
    """A name as a hint may tell people to type it."""
    return name if _is_plain(name) else "NAME"


def decision(*names: str) -> str:
    """The hint for values that only a person can judge."""
    flags = " ".join(f"--allow-field {typed(name)}" for name in names)
    return f"To keep values as they are: {flags}; to replace them: --redact-field {typed(names[0])}"


def _is_plain(name: str) -> bool:
    return re.fullmatch(r"(?!.*\d{5})[\w.:-]{1,40}", name, re.ASCII) is not None
