"""Locks between processes: one that ends with its process, and turns for a directory. Which processes run."""

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from devkit.durable.regular_file import read_regular_file
from devkit.webhook.masking import one_line

_MAX_OWNER = 200  # bytes


class LockHeld(Exception):
    """Another process has the lock. owner: who, for people; empty in the moment before the file says it."""

    def __init__(self, owner: str) -> None:
        super().__init__(f"held by {owner}")
        self.owner = owner


@contextmanager
def locked(path: Path, owner: str, *, force: bool = False) -> Iterator[None]:
    """Hold the lock while the block runs. It ends with the process, however that ends. Raises LockHeld, OSError.

    owner: what LockHeld tells other processes. force: take the lock over; the process that has it does not notice.
    """
    file = _take_over(path) if force else _take(path)
    try:
        os.truncate(file, 0)
        os.write(file, owner.encode())
        yield
    finally:
        if _is_at(path, file):  # it may be the file of a process that took over
            with suppress(OSError):  # Windows keeps a file that is open; it is no lock without its owner
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
            has_lock = _lock(file)
            # Between opening and locking, an owner that ended may have removed the file.
            if has_lock and _is_at(path, file):
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)
        if not has_lock:
            raise LockHeld(_owner(path))


def _take_over(path: Path) -> int:
    temp_path = path.with_name(f"{path.name}.{os.getpid()}")
    file = _open(temp_path)
    _lock(file)
    with suppress(OSError):  # Windows: then both sessions run, and only the first has the lock
        os.replace(temp_path, path)
    return file


def _open(path: Path) -> int:
    # No link is followed: its target would be emptied. Programs that devkit starts do not inherit the file.
    flags = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    file = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o600)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, f"{path.name} is not a regular file", str(path))
    return file


def _is_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except OSError:  # also when the directory was replaced by something else
        return False


def _owner(path: Path) -> str:
    try:
        return one_line(read_regular_file(path, _MAX_OWNER).decode())
    except (OSError, UnicodeDecodeError):
        return ""


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


def is_alive(pid: int) -> bool:
    """Whether a process may be running under this number."""
    if sys.platform == "win32":
        import ctypes  # here: nothing else needs it

        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel32.OpenProcess.restype = ctypes.c_void_p
        kernel32.WaitForSingleObject.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
        kernel32.CloseHandle.argtypes = (ctypes.c_void_p,)
        return is_alive_on_windows(pid, kernel32, ctypes.get_last_error)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


_MAX_WINDOWS_PID = 2**32 - 1
_SYNCHRONIZE = 0x00100000  # the right to wait for a process
_WAIT_TIMEOUT = 0x102
_ERROR_ACCESS_DENIED = 5


def is_alive_on_windows(pid: int, kernel32: Any, last_error: Callable[[], int]) -> bool:
    """As `is_alive`: there os.kill() ends the process. kernel32: the Windows API. last_error: of its last call.

    See Microsoft's pages on OpenProcess and WaitForSingleObject.
    """
    if not 0 < pid <= _MAX_WINDOWS_PID:
        return False
    process = kernel32.OpenProcess(_SYNCHRONIZE, False, pid)
    if not process:
        return last_error() == _ERROR_ACCESS_DENIED  # another user's
    try:
        # A process that has ended exists for as long as somebody has a handle.
        return bool(kernel32.WaitForSingleObject(process, 0) == _WAIT_TIMEOUT)
    finally:
        kernel32.CloseHandle(process)
