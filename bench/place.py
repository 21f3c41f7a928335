"""Where the measured programs keep their files, and whether the disk is in a state to be measured."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

_SLOW = 60e-6  # seconds; a new file takes 10 to 20 µs


@contextmanager
def working_directory(parent: Path) -> Iterator[Path]:
    """A directory for a run. It is cleared at the very end only: see `warn_of_slow_files`."""
    parent.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="run-", dir=parent))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def warn_of_slow_files(directory: Path) -> float:
    """Seconds that a new file takes; says so on stderr when that is too long for fair figures.

    ext4 passes over the inodes of recently deleted files one by one, for up to five minutes after the deletion.
    Where thousands were deleted a new file takes twenty times as long as elsewhere.
    """
    seconds = creation_seconds(directory)
    if seconds > _SLOW:
        print(
            f"Notice: a new file takes {seconds * 1e6:.0f} µs in {directory}; many were deleted near it lately. "
            "Recording is measured too low. Wait five minutes, or name another place with --directory.",
            file=sys.stderr,
        )
    return seconds


def creation_seconds(directory: Path, count: int = 40) -> float:
    """How long it takes to make an empty file."""
    return median(_create(directory / f"try-{number}") for number in range(count))


def _create(path: Path) -> float:
    started = time.perf_counter()
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    seconds = time.perf_counter() - started
    os.close(file)
    return seconds
