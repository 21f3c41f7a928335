"""Files that are whole or not there, also after a power cut: written aside, synced, then named.

What goes wrong is an OSError, as the system tells it.
"""

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from devkit.durable.temp_file import ASIDE, TempFile, attempt, sync_all


def sync_directory(path: str | Path) -> None:
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


def create(path: Path, data: bytes) -> None:
    """A new file that is on disk when this returns; when it raises there is none.

    Raises FileExistsError rather than overwrite.
    """
    if error := create_all(str(path.parent), [(path.name, data)])[0]:
        raise error


def create_all(directory: str, files: Sequence[tuple[str, bytes]]) -> list[OSError | None]:
    """New files, each on disk when this returns unless it has an error, and then there is none of it.

    files: name and content. The contents are synced side by side, the directory once. Here paths are text: made with
    pathlib, they would be a tenth of the work of a recording.
    """
    drafts = [TempFile(directory, name, data) for name, data in files]
    try:
        attempt(TempFile.write, drafts)
        sync_all(drafts)
        attempt(TempFile.name, drafts)
    finally:
        for draft in drafts:
            draft.discard()
    _sync_names(directory, [draft for draft in drafts if not draft.error])
    return [draft.error for draft in drafts]


def replace(path: Path, data: bytes) -> None:
    """The file with new content, on disk when this returns; a reader sees the old or the new, never a part."""
    with TempFile(str(path.parent), path.name, data) as draft:
        draft.write_aside()
        draft.sync()
        draft.replace()
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
    with TempFile(str(directory), "try", b"devkit") as draft:
        draft.write_aside()
        draft.sync()


def remove_leftovers(directory: Path) -> int:
    """Delete what a killed process left half-written; files of a live process stay. How many went."""
    gone = 0
    for path in directory.glob(f".*{ASIDE}"):
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


def _sync_names(directory: str, drafts: Sequence[TempFile]) -> None:
    """The names that these were given, on disk; taken away again when that fails."""
    try:
        if drafts:
            sync_directory(directory)
    except OSError as error:
        for draft in drafts:
            draft.error = error
            with suppress(OSError):
                os.unlink(draft.path)


def _set_mode(path: Path, mode: int) -> None:
    # A umask can take rights from the owner too. FAT and Windows keep no modes: there nothing is to be had.
    with suppress(OSError):
        path.chmod(mode)
