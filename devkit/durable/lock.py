"""One session in a directory: a lock that ends with its process, however the process ends."""

import errno
import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from devkit.durable.regular_file import BadRecord, read_record


@dataclass(frozen=True, slots=True)
class LockOwner:
    """Who has a lock, for words only. since: UTC, as text."""

    pid: int
    since: str

    def __str__(self) -> str:
        return f"process {self.pid}, since {self.since}"


class LockHeld(Exception):
    """Another process has the lock. holder: None in the moment before it has said who it is."""

    def __init__(self, holder: LockOwner | None) -> None:
        super().__init__(f"held by {holder}")
        self.holder = holder


@contextmanager
def locked(path: Path, holder: LockOwner, *, force: bool = False) -> Iterator[None]:
    """Have the lock while the block runs. Raises LockHeld, OSError.

    force: have it whoever has it; who had it does not notice.
    """
    file = _take_over(path) if force else _take(path)
    try:
        os.truncate(file, 0)
        os.write(file, json.dumps(asdict(holder)).encode())
        yield
    finally:
        if _is_named(file, path):  # by now it may be that of one who took over
            with suppress(OSError):  # Windows keeps a file that is open; it is no lock without its holder
                path.unlink()
        os.close(file)


@contextmanager
def in_turn(directory: Path) -> Iterator[None]:
    """One process at a time runs such a block for a directory, so that it can read a file and then write or remove it.

    Keep the block short: others wait. On Windows, and where a file system knows no locks, nobody waits.
    """
    try:
        file = os.open(directory, os.O_RDONLY)
    except OSError:
        yield
        return
    try:
        _wait_for_lock(file)
        yield
    finally:
        os.close(file)  # and the lock with it


def _take(path: Path) -> int:
    while True:
        file = _open(path)
        try:
            got = _lock(file)
            # Between opening and locking, a holder that ended may have removed the file.
            if got and _is_named(file, path):
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)
        if not got:
            raise LockHeld(_read(path))


def _take_over(path: Path) -> int:
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    file = _open(aside)
    _lock(file)
    with suppress(OSError):  # Windows: then both sessions run, and only the first has the lock
        os.replace(aside, path)
    return file


def _open(path: Path) -> int:
    # Not inherited by an agent that outlives us, as no file that Python opens is. A link in its place is not followed:
    # what it leads to would be emptied.
    more = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    file = os.open(path, os.O_RDWR | os.O_CREAT | more, 0o600)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "session.lock is not a regular file", str(path))
    return file


def _is_named(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except OSError:  # also when something else has taken the place of the directory
        return False


def _read(path: Path) -> LockOwner | None:
    try:
        return read_record(path, LockOwner)
    except BadRecord:
        return None


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> bool:
        # A byte far behind the text, which others must be able to read.
        os.lseek(file, 1 << 20, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        os.lseek(file, 0, os.SEEK_SET)
        return True

    def _wait_for_lock(directory: int) -> None:
        pass  # a directory cannot be locked there

else:
    import fcntl

    def _lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True  # some shared folders know no locks: better unlocked than not at all
        return True

    def _wait_for_lock(directory: int) -> None:
        with suppress(OSError):
            fcntl.flock(directory, fcntl.LOCK_EX)
