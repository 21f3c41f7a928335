"""Reads files whose place anything may have taken: without waiting, and not more than is sensible."""

import errno
import os
import select
import stat
import time
from pathlib import Path

_FLAGS = os.O_RDONLY
for _name in ("O_BINARY", "O_NONBLOCK", "O_NOCTTY"):  # a FIFO would have the reader wait for a writer
    _FLAGS |= getattr(os, _name, 0)

_NOT_REGULAR = "not a regular file"


def read_regular_file(path: Path, limit: int) -> bytes:
    """The content of a file, through a link too. limit: bytes.

    Raises OSError, also for a directory, a FIFO, a socket, a device, and for a file that is larger; ValueError for a
    path with NUL.
    """
    file = _open(path)
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, _NOT_REGULAR, str(path))
        size = found.st_size
        if size <= limit:
            # As `path.read_bytes`, in half the time: a replay reads thousands of files of a kilobyte or two.
            data = os.read(file, size + 1)
            if len(data) <= size:
                return data
            data += os.read(file, limit)  # it has just grown, or is one of /proc, whose size is not known
            if len(data) <= limit:
                return data
        raise _too_large(path, limit)
    finally:
        os.close(file)


def read_pipe(path: Path, limit: int, seconds: float) -> bytes:
    """What somebody writes into a FIFO. Raises OSError, also when nobody does so in time."""
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
