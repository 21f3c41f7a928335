"""Reads private files safely: regular ones only, of limited size, as bytes or as a dataclass."""

import errno
import os
import select
import stat
import time
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from devkit.webhook.strict_json import InvalidJson, parse

_FLAGS = os.O_RDONLY
for _name in ("O_BINARY", "O_NONBLOCK", "O_NOCTTY"):  # else open() would wait for the writer of a FIFO
    _FLAGS |= getattr(os, _name, 0)

_NOT_REGULAR = "not a regular file"


def read_regular_file(path: Path, limit: int, start: int = 0) -> bytes:
    """The content of a file; links are followed. limit: bytes of the whole file. start: bytes that are skipped.

    Raises OSError, also for a directory, a FIFO, a socket, a device, and for a larger file; ValueError for a path with
    NUL.
    """
    file = _open(path)
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, _NOT_REGULAR, str(path))
        size = found.st_size
        if size <= limit:
            if start:
                os.lseek(file, start, os.SEEK_SET)
            # As `path.read_bytes`, in half the time: a replay reads thousands of files of a kilobyte or two.
            data = os.read(file, size + 1)
            if len(data) <= size:
                return data
            data += os.read(file, limit)  # it has just grown, or is in /proc, where sizes are unknown
            if len(data) <= limit:
                return data
        raise _too_large(path, limit)
    finally:
        os.close(file)


def read_pipe(path: Path, limit: int, seconds: float) -> bytes:
    """What another process writes into a FIFO. seconds: to wait for all of it. Raises OSError, also after that time."""
    file, data = _open(path), b""
    try:
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(file, select.POLLIN)
        while poll.poll(max(0, deadline - time.monotonic()) * 1000):
            part = os.read(file, limit)
            data += part
            if len(data) > limit:
                raise _too_large(path, limit)
            if not part:
                return data
        raise TimeoutError(errno.ETIMEDOUT, f"nobody wrote into this pipe within {seconds:g} s", str(path))
    finally:
        os.close(file)


def _open(path: Path) -> int:
    try:
        return os.open(path, _FLAGS)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            raise OSError(errno.EINVAL, _NOT_REGULAR, str(path)) from None
        raise


def _too_large(path: Path, limit: int) -> OSError:
    return OSError(errno.EFBIG, f"larger than {limit // 1024} KiB", str(path))


_LIMIT = 1024 * 1024  # bytes; most records have some hundred, but one may hold a whole Vonage application
_MAX_DEPTH = 4

R = TypeVar("R")


class BadRecord(Exception):
    """A file without a valid record. The text says why, without the content of the file."""


def read_record(path: Path, kind: type[R]) -> R | None:
    """The dataclass that a private file holds as JSON; None when there is no file. Raises BadRecord.

    kind: its fields are texts, whole numbers, literals and other such dataclasses.
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
    if (
        value in get_args(hint)
        if get_origin(hint) is Literal
        else type(value) is hint and _is_encodable(value)
    ):
        return value
    raise BadRecord(f"{name} is of another type than devkit writes")


def _is_encodable(value: object) -> bool:
    """Whether a text can be printed and sent: JSON can hold half of a surrogate pair."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
    return True
