"""What tests of files share: a disk that fails, a umask, and a look into a directory."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def failing(code: int) -> Callable[..., int]:
    def call(*args: object, **kwargs: object) -> int:
        raise OSError(code, os.strerror(code))

    return call


def failing_for_directories(code: int, sync: Callable[[int], None]) -> Callable[[int], None]:
    def call(file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(code, os.strerror(code))
        sync(file)

    return call


@contextmanager
def umask(mask: int) -> Iterator[None]:
    former = os.umask(mask)
    try:
        yield
    finally:
        os.umask(former)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-IS", "-c", ""])
    process.wait()
    return process.pid
