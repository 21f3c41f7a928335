"""Atomic file creation: write an unnamed temporary file, fsync it, link it to its name, fsync the directory."""

import errno
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Self

ASIDE = ".tmp"  # how names end that a file has before its own

# More than a disk has channels to spare. Each is a thread that waits for it, and little else.
_SYNCS_AT_ONCE = 8

# What link() says on file systems that know no hard links: FAT, many network and shared folders, Android.
_NO_HARD_LINKS = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


class TempFile:
    """A file before it has its name. Take the steps in their order; `discard` at the end, whatever happened.

    error: what a step failed with, see `attempt`.
    """

    __slots__ = ("_data", "_directory", "_file", "aside", "error", "path")

    def __init__(self, directory: str, name: str, data: bytes) -> None:
        self._directory, self._data = directory, data
        self.path = os.path.join(directory, name)
        self.aside = ""
        self.error: OSError | None = None
        self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def write(self) -> None:
        """Into a file without any name, where that goes: fewer steps, and a killed process leaves nothing behind."""
        try:
            self._file = os.open(self._directory, os.O_WRONLY | os.O_TMPFILE, 0o600)
        except (AttributeError, OSError):  # other systems than Linux, and some file systems
            self.write_aside()
            return
        with suppress(OSError):
            os.fchmod(self._file, 0o600)  # a umask can take rights from the owner too
        _write(self._file, self._data)

    def write_aside(self) -> None:
        """Into a file with another name beside the place of its own."""
        self.aside = os.path.join(self._directory, f".{os.getpid()}-{os.urandom(4).hex()}{ASIDE}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self._file = os.open(self.aside, flags, 0o600)
        with suppress(OSError):  # FAT and Windows keep no modes: there nothing is to be had
            os.chmod(self.aside, 0o600)
        _write(self._file, self._data)

    def sync(self) -> None:
        os.fsync(self._file)

    def name(self) -> None:
        """Give it its name. Raises FileExistsError rather than overwrite."""
        if not self.aside and not self._name_nameless():
            self._close()
            self.write_aside()
            self.sync()
        if self.aside:
            self._close()  # Windows renames no open file
            _name(self.aside, self.path)
        self.discard()

    def replace(self) -> None:
        """Give it its name, in the place of the file that may have it. For one that was written aside."""
        self._close()
        os.replace(self.aside, self.path)

    def discard(self) -> None:
        """Close it, and take away what name it had before its own."""
        self._close()
        if self.aside:
            with suppress(OSError):  # mostly gone already; if not, the next start clears it away
                os.unlink(self.aside)
            self.aside = ""

    def _name_nameless(self) -> bool:
        try:
            # src_dir_fd means nothing with an absolute path, but without it Python links to the symbolic link itself.
            os.link(f"/proc/self/fd/{self._file}", self.path, src_dir_fd=self._file)
        except FileExistsError:
            raise
        except OSError:  # such as where /proc is not to be had: the other way works, or tells why not
            return False
        return True

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def attempt(step: Callable[[TempFile], None], drafts: Iterable[TempFile]) -> None:
    """Take a step with each draft that has met no error yet; each keeps the error that it meets."""
    for draft in drafts:
        if not draft.error:
            try:
                step(draft)
            except OSError as error:
                draft.error = error


def sync_all(drafts: Sequence[TempFile]) -> None:
    """The content of all of them on disk, as by `attempt`, side by side."""
    if len(drafts) < 2:  # one alone is quicker without another thread
        attempt(TempFile.sync, drafts)
        return
    parts = min(len(drafts), _SYNCS_AT_ONCE)
    _SYNCING.run([partial(attempt, TempFile.sync, drafts[first::parts]) for first in range(parts)])


class _Threads:
    """Runs steps side by side, in threads that are started when they are first needed, and then stay.

    With fewer threads where the system has no more, and in the calling one where it has none: a receipt must not
    fail for that.
    """

    def __init__(self, count: int) -> None:
        self._count = self._missing = count
        self._steps: SimpleQueue[tuple[Callable[[], None], SimpleQueue[BaseException | None]]] = SimpleQueue()
        self._lock = threading.Lock()

    def run(self, steps: Sequence[Callable[[], None]]) -> None:
        """Run all. All are done when this returns, or raises what one of them raised."""
        if self._missing:
            self._start()
        if self._missing == self._count:
            for step in steps:
                step()
            return
        ends: SimpleQueue[BaseException | None] = SimpleQueue()
        for step in steps:
            self._steps.put((step, ends))
        errors = [ends.get() for _ in steps]
        for error in filter(None, errors):
            raise error

    def _start(self) -> None:
        with self._lock, suppress(RuntimeError):  # the system has no more
            while self._missing:
                threading.Thread(target=self._work, name="sync", daemon=True).start()
                self._missing -= 1

    def _work(self) -> None:
        while True:
            step, ends = self._steps.get()
            try:
                step()
            except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
                ends.put(error)
            else:
                ends.put(None)


_SYNCING = _Threads(_SYNCS_AT_ONCE)


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:  # a write may be short, on a disk that fills up for one
        rest = rest[os.write(file, rest) :]


def _name(aside: str, path: str) -> None:
    """Give a file its name, unless the name is taken."""
    if os.name == "nt":
        os.rename(aside, path)  # which never overwrites there
        return
    try:
        os.link(aside, path)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        _rename_in_turn(aside, path)


def _rename_in_turn(aside: str, path: str) -> None:
    # Elsewhere rename() overwrites. So whoever makes a name here waits for the others, looks, and then renames.
    import fcntl

    directory = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        os.rename(aside, path)
    finally:
        os.close(directory)  # and the lock with it, as at the end of a killed process
