"""Runs `devkit simulate --json` as a user would, in a process of its own, and listens to its events."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.dev_process import DevProcess, running


@contextmanager
def running_simulate(directory: Path, *args: str, port: int = 0) -> Iterator[DevProcess]:
    """`devkit simulate --json` in a directory; killed if the test leaves it running."""
    command = [sys.executable, "-m", "devkit", "simulate", "--json", "--port", str(port), *args]
    with running(command, directory) as simulate:
        yield simulate
