"""A session on a pseudo-terminal, whose questions a test answers."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.dev_process import TIMEOUT, clean_environ
from tests.support.raw_socket import closed_port


def own_tunnel() -> tuple[str, ...]:
    """A public URL that leads to the port, without an agent."""
    port = closed_port()
    return ("--port", str(port), "--public-url", f"http://127.0.0.1:{port}")


@contextmanager
def on_a_terminal(
    directory: Path, *args: str, **settings: str
) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """`devkit dev` on a terminal of its own, and the side of the terminal where keys are typed."""
    if not hasattr(os, "openpty"):
        pytest.skip("no pseudo-terminals here")
    keys, terminal = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "devkit", "dev", *args],
        cwd=directory,
        env=clean_environ(directory, **settings),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    try:
        with process:
            try:
                yield keys, process
            finally:
                process.kill()
    finally:
        os.close(keys)


def read_until(keys: int, words: str) -> None:
    seen = ""
    while words not in seen:
        assert select.select([keys], [], [], TIMEOUT)[0], seen
        seen += os.read(keys, 4096).decode(errors="replace")
