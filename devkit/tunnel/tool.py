"""Runs a command of a tunnel's vendor to its end, with a deadline."""

import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from devkit.tunnel.process import end_process, start_process
from devkit.tunnel.types import AgentError, Stopping, check_stopping
from devkit.webhook.masking import one_line

_TICK = 0.05  # seconds
_MAX_OUTPUT = 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class ToolResult:
    """How a command ended. code: None when it was ended because it took too long, or waited for a person."""

    code: int | None
    out: str
    err: str

    @property
    def text(self) -> str:
        """All that it wrote."""
        return f"{self.err}\n{self.out}"


def run_tool(
    program: Path,
    *arguments: str,
    timeout: float = 10.0,
    stopping: Stopping = lambda: False,
    is_enough: Callable[[str], bool] = lambda text: False,
) -> ToolResult:
    """Run a command. timeout: seconds. is_enough: whether to end it, by what it has written.

    Raises AgentError when it does not run, TunnelError as soon as `stopping` is true.
    """
    with _output_file(program) as out, _output_file(program) as err:
        process = start_process([program, *arguments], out, err)
        try:
            deadline = time.monotonic() + timeout
            while process.poll() is None and time.monotonic() < deadline and not is_enough(_text(out, err)):
                check_stopping(stopping)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_TICK)
            code = process.poll()
        finally:
            end_process(process)
        return ToolResult(code, _text(out), _text(err))


def first_line(text: str) -> str:
    """The first line of foreign output that says something, safe to show, without a full stop."""
    lines = (one_line(line).rstrip(".") for line in text.splitlines())
    return next(filter(None, lines), "it does not say why")


def _output_file(program: Path) -> IO[bytes]:
    # A file, because nobody has to read it meanwhile: a command that waits for a person must not block on a pipe.
    try:
        return TemporaryFile()
    except OSError as error:
        raise AgentError(
            f"{program} gets no temporary file for its output: {error.strerror}",
            hint="Free disk space, or set TMPDIR to a directory that you can write to",
        ) from error


def _text(*files: IO[bytes]) -> str:
    return "\n".join(_content(file) for file in files)


def _content(file: IO[bytes]) -> str:
    # By its number and from its start: the position is shared with the process that writes.
    size = min(os.fstat(file.fileno()).st_size, _MAX_OUTPUT)
    if hasattr(os, "pread"):
        return os.pread(file.fileno(), size, 0).decode("utf-8", "replace")
    file.seek(0)
    return file.read(size).decode("utf-8", "replace")
