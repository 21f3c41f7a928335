"""A program on a pseudo-terminal, where a test types."""

import os
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.dev_process import TIMEOUT, clean_environ
from tests.support.raw_socket import closed_port

needs_terminal = pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")


def own_tunnel() -> tuple[str, ...]:
    """A public URL that leads to the port, without an agent."""
    port = closed_port()
    return ("--port", str(port), "--public-url", f"http://127.0.0.1:{port}")


class Terminal:
    """A program on a terminal. seen: what was shown since the last wait. shown: all of it."""

    def __init__(self, keys: int, process: "subprocess.Popen[bytes]") -> None:
        self.keys, self.process = keys, process
        self.seen = self.shown = ""

    def type(self, keys: str) -> None:
        os.write(self.keys, keys.encode())

    def type_until(self, key: str, words: str) -> None:
        """Type a key again and again: what is typed together with it, or a moment too early, has no effect."""
        while words not in self.seen:
            self.type(key)
            if select.select([self.keys], [], [], 0.2)[0]:
                self._read()
        self.wait_for(words)

    def wait_for(self, words: str) -> str:
        """What was shown up to these words. The next call begins behind them."""
        while words not in self.seen:
            assert select.select([self.keys], [], [], TIMEOUT)[0], self.seen
            self._read()
        before, _, self.seen = self.seen.partition(words)
        return before

    def read_to_the_end(self) -> str:
        """All that the program shows until it ends."""
        with suppress(OSError):  # Linux: the other side is closed
            while self._read():
                pass
        self.process.wait(TIMEOUT)
        return self.shown

    def _read(self) -> str:
        text = os.read(self.keys, 65536).decode(errors="replace")
        self.seen += text
        self.shown += text
        return text


@contextmanager
def on_a_terminal(directory: Path, *command: str, **environ: str) -> Iterator[Terminal]:
    """The command on a terminal of its own; killed if the test leaves it running."""
    keys, terminal = os.openpty()
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=clean_environ(directory, **{"COLUMNS": "120", **environ}),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    try:
        yield Terminal(keys, process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        os.close(keys)  # hangs the terminal up: what still runs on it gets SIGHUP
        process.wait()
