"""A log of lines that any number of threads and processes append to and read: private, and bounded in size.

Lines are only appended. The newest are kept: a file that has grown to its limit replaces the older one. An incomplete
last line, left by a killed process or a full disk, harms no other line.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from devkit.durable.lock import in_turn
from devkit.durable.regular_file import read_regular_file

# No link is followed, and no FIFO is waited for. Read too, to find out whether the last line is complete.
_APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT
for _name in ("O_BINARY", "O_NOFOLLOW", "O_NONBLOCK"):
    _APPEND |= getattr(os, _name, 0)


@dataclass(frozen=True, slots=True)
class LineLog:
    """Writes the log. path: of the newest lines; the older ones are beside it, as `NAME.1.jsonl`.

    max_size: bytes of a file; there are two.
    """

    path: Path
    max_size: int

    def append(self, line: bytes) -> None:
        """Append a line, given without its end. Raises OSError."""
        line += b"\n"
        file = _open(self.path)
        try:
            size = os.fstat(file).st_size
            if size and not _ends_line(file, size):  # a process was killed, or the disk was full
                line = b"\n" + line
            while line:
                line = line[os.write(file, line) :]
        finally:
            os.close(file)
        if size >= self.max_size:
            self._start_anew()

    def _start_anew(self) -> None:
        with in_turn(self.path.parent), suppress(OSError):  # Windows renames no file that is being read
            if self.path.stat().st_size >= self.max_size:  # else another process has just done it
                os.replace(self.path, _older(self.path))
                os.close(_open(self.path))


@dataclass(slots=True)
class LineReader:
    """Reads the log; `poll` returns what is new. For one thread. max_read: bytes, more than the log has."""

    path: Path
    max_read: int
    # Device and inode of the file that was read last; zeros when there was no log; None before the first read.
    _file: tuple[int, int] | None = None
    _offset: int = 0  # bytes of it that were read

    def poll(self) -> list[bytes]:
        """The lines since the last call, oldest first; none when there is no log, or it cannot be read."""
        if self._is_read():
            return []
        with in_turn(self.path.parent):  # no file is renamed meanwhile
            if self._is_current(self.path):
                return self._read(self.path, self._offset)
            older = _older(self.path)
            start = self._offset if self._is_current(older) else 0
            self._file = (0, 0)
            return [*self._read(older, start), *self._read(self.path, 0)]

    def _is_read(self) -> bool:
        """Whether nothing is new, found out without waiting for anybody. A receiver asks for each receipt."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return self._file == (0, 0)
        except OSError:
            return False
        return _identity(found) == self._file and found.st_size == self._offset

    def _is_current(self, path: Path) -> bool:
        """Whether this is the file that was read last, perhaps under a new name."""
        with suppress(OSError):
            found = path.stat()
            # A new file can have the inode of one that was deleted, but it is shorter at first.
            return _identity(found) == self._file and found.st_size >= self._offset
        return False

    def _read(self, path: Path, offset: int) -> list[bytes]:
        """The lines after an offset in a file. An incomplete last line is left for the next call."""
        try:
            found = path.stat()
            data = read_regular_file(path, self.max_read, offset)
        except OSError:
            return []
        end = data.rfind(b"\n") + 1
        self._file, self._offset = _identity(found), offset + end
        return data[:end].splitlines()


def _open(path: Path) -> int:
    file = os.open(path, _APPEND, 0o600)
    with suppress(AttributeError, OSError):  # Windows and FAT have no modes
        if not os.fstat(file).st_size:
            os.fchmod(file, 0o600)  # a umask can remove the owner's permissions too
    return file


def _older(path: Path) -> Path:
    return path.with_suffix(f".1{path.suffix}")


def _identity(found: os.stat_result) -> tuple[int, int]:
    """What stays the same when a file is renamed."""
    return found.st_dev, found.st_ino


def _ends_line(file: int, size: int) -> bool:
    os.lseek(file, size - 1, os.SEEK_SET)
    return os.read(file, 1) == b"\n"
