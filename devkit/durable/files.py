"""Atomic file creation: write an unnamed temporary file, fsync it, link it to its name, fsync the directory.

A file is complete or absent, also after a power cut. Errors are the system's own OSError.
"""

import errno
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Self

from devkit.durable.lock import is_alive
from devkit.durable.worker_threads import WorkerThreads

_TEMP_SUFFIX = ".tmp"

# Enough to keep a disk busy. Each is a thread that waits for the disk and does little else.
_MAX_SYNC_THREADS = 8
_SYNC_THREADS = WorkerThreads(_MAX_SYNC_THREADS)

# What link() fails with on file systems without hard links: FAT, many network and shared folders, Android.
_NO_HARD_LINKS = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


def create(path: Path, data: bytes) -> None:
    """Create a file that is on disk when this returns; when it raises there is none.

    Raises FileExistsError rather than overwrite.
    """
    if error := create_all(str(path.parent), [(path.name, data)])[0]:
        raise error


def create_all(directory: str, files: Sequence[tuple[str, bytes]]) -> list[OSError | None]:
    """Create files. Each is on disk when this returns, unless it has an error: then it does not exist.

    files: name and content. The contents are synced in parallel, the directory once. Paths are text here: pathlib
    would add a tenth to the work of a recording.
    """
    temps = [TempFile(directory, name, data) for name, data in files]
    try:
        _for_each(TempFile.write, temps)
        _sync_all(temps)
        _for_each(TempFile.commit, temps)
    finally:
        for temp in temps:
            temp.discard()
    _sync_names(directory, [temp for temp in temps if not temp.error])
    return [temp.error for temp in temps]


def replace(path: Path, data: bytes) -> None:
    """Replace the content of a file, on disk when this returns. A reader sees the old or the new, never a part."""
    with TempFile(str(path.parent), path.name, data) as temp:
        temp.write_named()
        temp.sync()
        temp.commit_over()
    sync_directory(path.parent)


def move(source: Path, target: Path) -> None:
    """Move a file to a new name, on disk when this returns. Raises FileExistsError rather than overwrite."""
    try:
        _rename_new(str(source), str(target))
        source.unlink(missing_ok=True)  # where the new name is a link to the same file
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        create(target, source.read_bytes())  # another file system
        source.unlink()
    sync_directory(target.parent)
    sync_directory(source.parent)


def remove(path: Path) -> None:
    """Remove a file, on disk too. Does nothing if it does not exist."""
    with suppress(FileNotFoundError):
        path.unlink()
        sync_directory(path.parent)


def sync_directory(path: str | Path) -> None:
    """Sync the names in a directory. Windows has no such call and needs none."""
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


def make_directory(path: Path) -> bool:
    """Create a directory for its owner only, and missing parents; return whether it was missing.

    An existing one stays unchanged.
    """
    missing = [part for part in (path, *path.parents) if not part.exists()]
    for part in reversed(missing):
        part.mkdir(mode=0o700, exist_ok=True)
        _set_mode(part, 0o700)
        sync_directory(part.parent)
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    return bool(missing)


def make_ignored_directory(path: Path) -> None:
    """As `make_directory`; git ignores all that is in a new one. An existing one stays unchanged."""
    if make_directory(path):
        with suppress(FileExistsError):
            create(
                path / ".gitignore", b"# Made by devkit: private files. Delete this file to commit them.\n*\n"
            )


def make_private(directory: Path) -> None:
    """Remove the permissions of other users from a directory, where the file system has permissions."""
    if directory.stat().st_mode & 0o077:
        _set_mode(directory, 0o700)


def try_writing(directory: Path) -> None:
    """Write and delete a file, to find out about a full or read-only disk before a receipt arrives."""
    with TempFile(str(directory), "try", b"devkit") as temp:
        temp.write_named()
        temp.sync()


def remove_temp_files(directory: Path) -> int:
    """Delete the temporary files of killed processes, not those of running ones. Returns how many were deleted."""
    deleted = 0
    for path in directory.glob(f".*{_TEMP_SUFFIX}"):
        pid = path.name.split("-")[0].removeprefix(".")
        if pid.isdecimal() and not is_alive(int(pid)):
            with suppress(OSError):  # another user's file: no reason to stop
                path.unlink()
                deleted += 1
    return deleted


class TempFile:
    """A temporary file that becomes the file at `path`. Call the steps in order, and `discard` at the end.

    error: what a step failed with, see `_for_each`.
    """

    __slots__ = ("_data", "_directory", "_file", "_temp_path", "error", "path")

    def __init__(self, directory: str, name: str, data: bytes) -> None:
        self._directory, self._data = directory, data
        self.path = os.path.join(directory, name)
        self.error: OSError | None = None
        self._temp_path = ""  # empty for an unnamed file
        self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def write(self) -> None:
        """Write an unnamed file where that is possible: fewer steps, and a killed process leaves nothing behind."""
        try:
            self._file = os.open(self._directory, os.O_WRONLY | os.O_TMPFILE, 0o600)
        except (AttributeError, OSError):  # other systems than Linux, and some file systems
            self.write_named()
            return
        with suppress(OSError):
            os.fchmod(self._file, 0o600)  # a umask can remove the owner's permissions too
        _write(self._file, self._data)

    def write_named(self) -> None:
        """Write a file with a temporary name in the same directory."""
        self._temp_path = os.path.join(self._directory, f".{os.getpid()}-{os.urandom(4).hex()}{_TEMP_SUFFIX}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self._file = os.open(self._temp_path, flags, 0o600)
        _set_mode(self._temp_path, 0o600)
        _write(self._file, self._data)

    def sync(self) -> None:
        os.fsync(self._file)

    def commit(self) -> None:
        """Link the file to its path. Raises FileExistsError rather than overwrite."""
        if not self._temp_path and not self._link_unnamed():
            self._close()
            self.write_named()
            self.sync()
        if self._temp_path:
            self._close()  # Windows renames no open file
            _rename_new(self._temp_path, self.path)
        self.discard()

    def commit_over(self) -> None:
        """Rename the file to its path, over a file that exists there. Only after `write_named`."""
        self._close()
        os.replace(self._temp_path, self.path)

    def discard(self) -> None:
        """Close the file and delete its temporary name."""
        self._close()
        if self._temp_path:
            with suppress(OSError):  # usually gone already; if not, the next start deletes it
                os.unlink(self._temp_path)
            self._temp_path = ""

    def _link_unnamed(self) -> bool:
        try:
            # src_dir_fd means nothing with an absolute path, but without it Python links to the symbolic link itself.
            os.link(f"/proc/self/fd/{self._file}", self.path, src_dir_fd=self._file)
        except FileExistsError:
            raise
        except OSError:  # such as where there is no /proc: a named file works, or fails with the real reason
            return False
        return True

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _for_each(step: Callable[[TempFile], None], temps: Iterable[TempFile]) -> None:
    """Call a step on each file that has no error yet; each file keeps the error of its step."""
    for temp in temps:
        if not temp.error:
            try:
                step(temp)
            except OSError as error:
                temp.error = error


def _sync_all(temps: Sequence[TempFile]) -> None:
    """Sync all files in parallel, as `_for_each` does one by one."""
    if len(temps) < 2:  # a single file is synced faster without another thread
        _for_each(TempFile.sync, temps)
        return
    parts = min(len(temps), _MAX_SYNC_THREADS)
    _SYNC_THREADS.run([partial(_for_each, TempFile.sync, temps[first::parts]) for first in range(parts)])


def _sync_names(directory: str, temps: Sequence[TempFile]) -> None:
    """Sync the names of committed files; delete them again if that fails."""
    try:
        if temps:
            sync_directory(directory)
    except OSError as error:
        for temp in temps:
            temp.error = error
            with suppress(OSError):
                os.unlink(temp.path)


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:  # a write may be partial, for example on a disk that fills up
        rest = rest[os.write(file, rest) :]


def _rename_new(temp_path: str, path: str) -> None:
    """Rename a file, but never over another one."""
    if os.name == "nt":
        os.rename(temp_path, path)  # which never overwrites there
        return
    try:
        os.link(temp_path, path)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        _rename_locked(temp_path, path)


def _rename_locked(temp_path: str, path: str) -> None:
    # Elsewhere rename() overwrites. So each process that creates a name here locks the directory, checks, and renames.
    import fcntl

    directory = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        os.rename(temp_path, path)
    finally:
        os.close(directory)  # and the lock with it, as at the end of a killed process


def _set_mode(path: str | Path, mode: int) -> None:
    # A umask can remove the owner's permissions too. FAT and Windows have no modes: there this does nothing.
    with suppress(OSError):
        os.chmod(path, mode)
