"""Files that are whole or not there, also after a power cut: written aside, synced, then named.

What goes wrong is an OSError, as the system tells it.
"""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ASIDE = ".tmp"

# What link() says on file systems that know no hard links: FAT, many network and shared folders, Android.
_NO_HARD_LINKS = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


def sync_directory(path: Path) -> None:
    """The names in a directory, on disk. Windows has no such call and needs none."""
    if os.name == "nt":
        return
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that syncs files but not directories, as CIFS does
            raise
    finally:
        os.close(directory)


class SharedSync:
    """`sync_directory` for many threads at once: one sync serves all who asked for it before it began."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running = False
        self._begun = self._done = 0  # how many syncs

    def __call__(self, path: Path) -> None:
        """The names that a directory has now, on disk. It must be the same directory each time."""
        with self._changed:
            needed = self._begun + 1  # one that has begun already may not have seen our name
            while self._done < needed:
                if self._running:
                    self._changed.wait()
                else:
                    self._sync(path)

    def _sync(self, path: Path) -> None:
        self._running = True
        self._begun += 1
        self._changed.release()
        try:
            sync_directory(path)
        finally:
            self._changed.acquire()
            self._running = False
            self._changed.notify_all()  # after a failure another one tries for itself
        self._done = self._begun


def create(path: Path, data: bytes, sync: Callable[[Path], None] = sync_directory) -> None:
    """A new file that is on disk when this returns; when it raises there is none.

    sync: how the directory is synced. Raises FileExistsError rather than overwrite.
    """
    if not _create_nameless(path, data):
        with _aside(path, data) as aside:
            _name(aside, path)
    try:
        sync(path.parent)
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise


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
    """A directory for its owner alone, and those above it where they are missing. One that exists stays as it is."""
    missing = [part for part in (path, *path.parents) if not part.exists()]
    for part in reversed(missing):
        part.mkdir(mode=0o700, exist_ok=True)
        _set_mode(part, 0o700)
        sync_directory(part.parent)
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))


def make_private(directory: Path) -> None:
    """Take the rights of others from a directory, where that goes."""
    if directory.stat().st_mode & 0o077:
        _set_mode(directory, 0o700)


def try_writing(directory: Path) -> None:
    """Write and delete a file, to meet a full or read-only disk before a receipt does."""
    with _aside(directory / "try", b"devkit"):
        pass


def remove_leftovers(directory: Path) -> int:
    """Delete what a killed process left half-written; files of a live process stay. How many went."""
    gone = 0
    for path in directory.glob(f".*{_ASIDE}"):
        pid = path.name.split("-")[0].removeprefix(".")
        if pid.isdecimal() and not is_alive(int(pid)):
            with suppress(OSError):  # somebody else's file: a reason to leave it, not to stop
                path.unlink()
                gone += 1
    return gone


def is_alive(pid: int) -> bool:
    """Whether a process may be running under this number. On Windows always: asking there would interrupt it."""
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _create_nameless(path: Path, data: bytes) -> bool:
    """A file that gets its first name when it is whole: fewer steps, and a killed process leaves nothing behind.

    False where that does not go, on other systems than Linux and on some file systems, or where anything fails:
    the other way then works, or tells why not.
    """
    try:
        file = os.open(path.parent, os.O_WRONLY | os.O_TMPFILE, 0o600)
    except (AttributeError, OSError):
        return False
    try:
        os.fchmod(file, 0o600)  # a umask can take rights from the owner too
        _write(file, data)
        os.fsync(file)
        # src_dir_fd means nothing with an absolute path, but without it Python links to the symbolic link itself.
        os.link(f"/proc/self/fd/{file}", path, src_dir_fd=file)
    except FileExistsError:
        raise
    except OSError:
        return False
    finally:
        os.close(file)
    return True


@contextmanager
def _aside(path: Path, data: bytes) -> Iterator[Path]:
    aside = path.parent / f".{os.getpid()}-{os.urandom(4).hex()}{_ASIDE}"
    file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        try:
            _set_mode(aside, 0o600)
            _write(file, data)
            os.fsync(file)
        finally:
            os.close(file)
        yield aside
    finally:
        with suppress(OSError):  # mostly gone already; if not, the next start clears it away
            aside.unlink()


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:  # a write may be short, on a disk that fills up for one
        rest = rest[os.write(file, rest) :]


def _set_mode(path: Path, mode: int) -> None:
    # A umask can take rights from the owner too. FAT and Windows keep no modes: there nothing is to be had.
    with suppress(OSError):
        path.chmod(mode)


def _name(aside: Path, path: Path) -> None:
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


def _rename_in_turn(aside: Path, path: Path) -> None:
    # Elsewhere rename() overwrites. So whoever makes a name here waits for the others, looks, and then renames.
    import fcntl

    directory = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        os.rename(aside, path)
    finally:
        os.close(directory)  # and the lock with it, as at the end of a killed process
