"""Runs `devkit simulate --json` as a user would, in a process of its own, and listens to its events."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.dev_process import DevProcess, clean_environ


@contextmanager
def running_simulate(directory: Path, *args: str, port: int = 0) -> Iterator[DevProcess]:
    """`devkit simulate --json` in a directory; killed if the test leaves it running."""
    process = subprocess.Popen(
        [sys.executable, "-m", "devkit", "simulate", "--json", "--port", str(port), *args],
        cwd=directory,
        env=clean_environ(directory),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    simulate = DevProcess(process)
    try:
        yield simulate
    finally:
        if process.poll() is None:
            process.kill()
        simulate.finish()
