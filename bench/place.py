"""Where the measured programs keep their files, and whether the disk is in a state to be measured."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

_SLOW = 60e-6  # seconds; a new file takes 10 to 20 µs
_LOOK_AGAIN = 5.0  # seconds


@contextmanager
def working_directory(parent: Path) -> Iterator[Path]:
    """A directory for a run. It is cleared at the very end only: see `await_quick_files`."""
    parent.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="run-", dir=parent))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def await_quick_files(
    directory: Path, *, patience: float, wait: Callable[[float], object] = time.sleep
) -> float:
    """Seconds that a new file takes, once that is short enough for fair figures, or has not become so in the patience.

    ext4 passes over the inodes of recently deleted files one by one, for up to five minutes after the deletion.
    Where thousands were deleted a new file takes twenty times as long as elsewhere.
    """
    left = patience
    while (seconds := creation_seconds(directory)) > _SLOW and left > 0:
        if left == patience:
            _say(
                f"A new file takes {seconds * 1e6:.0f} µs, as many were deleted lately. Waiting until it is quick."
            )
        wait(_LOOK_AGAIN)
        left -= _LOOK_AGAIN
    if seconds > _SLOW:
        _say(
            f"Notice: a new file takes {seconds * 1e6:.0f} µs in {directory}, so recording is measured too low. "
            "Come back later, or name another place with --directory."
        )
    return seconds


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def creation_seconds(directory: Path, count: int = 40) -> float:
    """How long it takes to make an empty file."""
    place = Path(tempfile.mkdtemp(prefix="try-", dir=directory))
    return median(_create(place / str(number)) for number in range(count))


def _create(path: Path) -> float:
    started = time.perf_counter()
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    seconds = time.perf_counter() - started
    os.close(file)
    return seconds
