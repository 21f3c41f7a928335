"""A dataclass in a private file, as JSON. Whatever is in the file, it is read as one of that kind or refused."""

from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from devkit.durable.regular_file import read_regular_file
from devkit.webhook.strict_json import InvalidJson, parse

_LIMIT = 64 * 1024  # bytes; a record has some hundred
_MAX_DEPTH = 4

R = TypeVar("R")


class BadRecord(Exception):
    """A file that holds no record of the kind. Its text says why, without what the file holds."""


def read_record(path: Path, kind: type[R]) -> R | None:
    """The record in a file; None when there is no file. Raises BadRecord.

    kind: a dataclass of texts, whole numbers, literals and other such dataclasses.
    """
    try:
        return _build(kind, parse(read_regular_file(path, _LIMIT), max_depth=_MAX_DEPTH))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadRecord(error.strerror or "it cannot be read") from error
    except InvalidJson as error:
        raise BadRecord("it is not the JSON that devkit writes") from error


def _build(kind: type[R], document: object) -> R:
    if not isinstance(document, dict):
        raise BadRecord("it is not a JSON object")
    known = {each.name: each for each in fields(kind)}  # type: ignore[arg-type]  # which is a dataclass
    needed = {
        name for name, each in known.items() if each.default is MISSING and each.default_factory is MISSING
    }
    if not needed <= document.keys() <= known.keys():
        raise BadRecord("it has other fields than devkit writes")
    hints = get_type_hints(kind)
    return kind(**{name: _checked(name, value, hints[name]) for name, value in document.items()})


def _checked(name: str, value: object, hint: Any) -> object:
    if isinstance(hint, UnionType):  # such as `Process | None`
        hint = next(each for each in get_args(hint) if (each is type(None)) == (value is None))
    if is_dataclass(hint):
        return _build(hint, value)  # type: ignore[arg-type]
    if value in get_args(hint) if get_origin(hint) is Literal else type(value) is hint and _is_sound(value):
        return value
    raise BadRecord(f"{name} is of another kind than devkit writes")


def _is_sound(value: object) -> bool:
    """Whether a text can be printed and sent: JSON can hold half a character."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
    return True
