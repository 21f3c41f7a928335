"""Files that are whole or not there, also after a power cut: written aside, synced, then named."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from devkit.errors import ConfigurationError

_ASIDE = ".tmp"


def create(path: Path, data: bytes) -> None:
    """A new file that is on disk when this returns. Raises FileExistsError rather than overwrite; OSError otherwise."""
    with _aside(path, data) as aside:
        os.link(aside, path, follow_symlinks=False)
    sync_directory(path.parent)


def replace(path: Path, data: bytes) -> None:
    """The file with new content, on disk when this returns; a reader sees the old or the new, never a part."""
    with _aside(path, data) as aside:
        os.replace(aside, path)
    sync_directory(path.parent)


def remove(path: Path) -> None:
    """The file gone, on disk too; nothing when it was not there."""
    with suppress(FileNotFoundError):
        path.unlink()
        sync_directory(path.parent)


def make_directory(path: Path) -> None:
    """A directory for its owner alone, and those above it where they are missing. Raises ConfigurationError."""
    try:
        missing = [part for part in (path, *path.parents) if not part.exists()]
        for part in reversed(missing):
            part.mkdir(mode=0o700, exist_ok=True)
            sync_directory(part.parent)
        if not path.is_dir():
            raise NotADirectoryError(0, "it is not a directory")
    except OSError as error:
        raise ConfigurationError(
            f"Cannot make the directory {path}: {error.strerror}.",
            hint="Make it writable, or set DEVKIT_FIXTURES to a directory that is.",
        ) from error


def try_writing(directory: Path) -> None:
    """Write and delete a file, to meet a full or read-only disk before a receipt does. Raises ConfigurationError."""
    try:
        with _aside(directory / "try", b"devkit"):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"Cannot write into {directory}: {error.strerror}.",
            hint="Make it writable, or set DEVKIT_FIXTURES to a directory that is.",
        ) from error


def sync_directory(path: Path) -> None:
    """The names in a directory, on disk. Windows has no such call and needs none."""
    if os.name == "nt":
        return
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def remove_leftovers(directory: Path) -> int:
    """Delete what a killed process left half-written; files of a live process stay. How many went."""
    gone = 0
    for path in directory.glob(f".*{_ASIDE}"):
        pid = path.name.split("-")[0].removeprefix(".")
        if pid.isdecimal() and not _is_alive(int(pid)):
            path.unlink(missing_ok=True)
            gone += 1
    return gone


@contextmanager
def _aside(path: Path, data: bytes) -> Iterator[Path]:
    aside = path.parent / f".{os.getpid()}-{secrets.token_hex(4)}{_ASIDE}"
    file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        try:
            _write(file, data)
            os.fsync(file)
        finally:
            os.close(file)
        yield aside
    finally:
        aside.unlink(missing_ok=True)


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:  # a write may be short, on a disk that fills up for one
        rest = rest[os.write(file, rest) :]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
