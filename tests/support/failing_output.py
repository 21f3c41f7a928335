"""A stdout that fails, and a session that writes to it."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from devkit.fixture.store import Store
from devkit.http.address import parse_address
from devkit.http.client import Connection
from devkit.session.project import Session, project_in
from devkit.webhook.callback import compose
from tests.support.dev_process import DEV, TIMEOUT, clean_environ
from tests.support.raw_socket import wait_until

FULL = Path("/dev/full")
_STDERR = "stderr.txt"

needs_full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")


@contextmanager
def small_pipe() -> Iterator[tuple[int, int]]:
    """Both ends of a non-blocking pipe of one page."""
    fcntl = pytest.importorskip("fcntl", reason="Windows has no such pipe")
    reader, writer = os.pipe()
    try:
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


def read(reader: int, size: int = 1 << 20) -> bytes:
    """The bytes that can be read without waiting."""
    try:
        return os.read(reader, size)
    except BlockingIOError:
        return b""


def read_line_with(words: str, reader: int) -> None:
    """Read up to the end of the line that contains the words."""
    text = ""
    while "\n" not in text.partition(words)[2]:
        chunk = os.read(reader, 4096)
        assert chunk, text
        text += chunk.decode()


@dataclass(frozen=True, slots=True)
class Writing:
    """A session in a process of its own. described: the record that other commands read."""

    directory: Path
    process: subprocess.Popen[bytes]
    described: Session

    def deliver(self, first: int, last: int) -> None:
        """Send the receipts with these numbers. Each must be answered 200."""
        with Connection(parse_address(self.described.local_url)) as connection:
            for number in range(first, last + 1):
                fields = {"messageId": f"0A{number:06}", "status": "delivered", "msisdn": "447700900001"}
                assert connection.push(compose(fields, "get")).status == 200

    @property
    def recorded(self) -> int:
        return len(list(Store(self.directory / "fixtures").entries()))

    @property
    def stderr(self) -> str:
        """The text on stderr so far."""
        return (self.directory / _STDERR).read_text()

    def finish(self, number: signal.Signals | None = None) -> int:
        """Send the signal, if any, and wait for the end; the exit code."""
        if number:
            self.process.send_signal(number)
        code = self.process.wait(TIMEOUT)
        # All else was put back; the authority and the key of the simulator are kept for the next session.
        assert set(os.listdir(self.directory / ".devkit")) <= {
            ".gitignore",
            "callback-token",
            "ca",
            "sends.jsonl",
            "simulator",
        }
        assert (self.directory / ".devkit" / "callback-token").is_file()
        return code


@contextmanager
def session_on(stdout: int, directory: Path, *args: str, **environ: str) -> Iterator[Writing]:
    """`devkit dev --offline` that writes to this file; killed if the test leaves it running."""
    with open(directory / _STDERR, "wb") as errors:
        process = subprocess.Popen(
            [*DEV, "--offline", "--no-demo", *args],
            cwd=directory,
            env=clean_environ(directory, **environ),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=errors,
            start_new_session=True,
        )
    project = project_in(directory)
    with process:
        try:
            wait_until(lambda: project.session() is not None)
            session = project.session()
            assert session
            yield Writing(directory, process, session)
        finally:
            process.kill()
