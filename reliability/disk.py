"""Disks that fail: a replacement for `os` whose calls fail at random, and a small file system that can be full."""

import errno
import os
import random
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CODES = (errno.ENOSPC, errno.EIO, errno.EMFILE, errno.EDQUOT, errno.EROFS)
CALLS = ("open", "write", "fsync", "link", "rename")


class Disk:
    """A replacement for `os` in code that writes files. Fails one call in `one_in`.

    failures: the number of failed calls by name.
    """

    def __init__(self, *, seed: int, one_in: int, unnamed: bool) -> None:
        self.failures: dict[str, int] = dict.fromkeys((*CALLS, "short write"), 0)
        self._random, self._one_in, self._unnamed = random.Random(seed), one_in, unnamed
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return self._call(name) if name in CALLS else getattr(os, name)

    def _call(self, name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(*args: Any, **options: Any) -> Any:
            if (
                name == "open"
                and not self._unnamed
                and args[1] & getattr(os, "O_TMPFILE", 0) > os.O_DIRECTORY
            ):
                raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
            if code := self._failure(name):
                raise OSError(code, os.strerror(code))
            if name == "write" and len(args[1]) > 1 and self._failure("short write"):
                return real(args[0], args[1][: len(args[1]) // 2])
            return real(*args, **options)

        return call

    def _failure(self, name: str) -> int:
        with self._lock:
            if self._random.randrange(self._one_in):
                return 0
            self.failures[name] += 1
            return self._random.choice(CODES)


@contextmanager
def small_file_system(place: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own at a new directory. Skips the test where none can be mounted."""
    place.mkdir()
    options = f"size={megabytes}m,mode=0700"
    command = ["mount", "-t", "tmpfs", "-o", options, "devkit-test", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("no small file system can be mounted here: that needs root on Linux")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill(ballast: Path, room: int = 0) -> None:
    """Fill the disk with a file. room: bytes that stay free."""
    with ballast.open("wb", buffering=0) as file:
        size = 1 << 16
        while size:
            try:
                file.write(b"\0" * size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                size //= 2
        file.truncate(file.tell() - room)
