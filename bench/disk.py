"""The directory for the measured programs, and whether its disk is fast enough to be measured."""

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
_POLL_INTERVAL = 5.0  # seconds


@contextmanager
def working_directory(parent: Path) -> Iterator[Path]:
    """A directory for a run. It is deleted at the end of the run only: see `wait_for_fast_files`."""
    parent.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="run-", dir=parent))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def wait_for_fast_files(
    directory: Path, *, timeout: float, wait: Callable[[float], object] = time.sleep
) -> float:
    """Wait until new files are created fast enough for fair figures, or until the timeout; seconds for one file.

    ext4 skips the inodes of recently deleted files one by one, for up to five minutes after the deletion.
    After thousands of deletions, a new file takes twenty times as long as usual.
    """
    left = timeout
    while (seconds := creation_seconds(directory)) > _SLOW and left > 0:
        if left == timeout:
            _print_notice(
                f"Creating a file takes {seconds * 1e6:.0f} µs after many deletions. Waiting until it is fast."
            )
        wait(_POLL_INTERVAL)
        left -= _POLL_INTERVAL
    if seconds > _SLOW:
        _print_notice(
            f"Notice: creating a file takes {seconds * 1e6:.0f} µs in {directory}, so the figures of recording "
            "are too low. Try again later, or name another directory with --directory."
        )
    return seconds


def _print_notice(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def creation_seconds(directory: Path, count: int = 40) -> float:
    """How long it takes to create an empty file."""
    place = Path(tempfile.mkdtemp(prefix="try-", dir=directory))
    return median(_create(place / str(number)) for number in range(count))


def _create(path: Path) -> float:
    started = time.perf_counter()
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    seconds = time.perf_counter() - started
    os.close(file)
    return seconds
