"""A process of this machine: which one it is, how it is started and ended."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from devkit.tunnel.types import AgentError

_PROC = Path("/proc")
_KILL_TIMEOUT = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Process:
    """A process that cannot be mistaken for a later one with the same number.

    started: the start time, in the system's own format; only to compare.
    """

    pid: int
    started: str


def find_process(pid: int) -> Process | None:
    """The running process with this number; None when there is none, or the system has no way to find out."""
    if not (_PROC / "self" / "stat").exists():
        return find_process_with_ps(pid)
    try:
        # The second field is the program's name in brackets, which may hold spaces and brackets: proc(5).
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else Process(pid, fields[19])


def find_process_with_ps(pid: int) -> Process | None:
    """As `find_process`, where there is no /proc, as on macOS."""
    started = _ps(pid, "lstart=")
    return Process(pid, started) if started else None


def command_line(pid: int) -> str:
    """The command line of a process, joined by spaces; empty when it is not known."""
    try:
        arguments = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
        return os.fsdecode(b" ".join(arguments)).strip()
    except OSError:
        return _ps(pid, "command=")


def _ps(pid: int, column: str) -> str:
    if os.name != "posix":
        return ""
    command = ["ps", "-o", column, "-p", str(pid)]
    environ = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    try:
        result = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip()


def start_process(
    command: Sequence[str | Path],
    out: IO[bytes] | int,
    err: IO[bytes],
    environ: Mapping[str, str] | None = None,
) -> "subprocess.Popen[bytes]":
    """Start a process that reads nothing. environ: None for that of this process. Raises AgentError."""
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=environ,
            # Ctrl-C must not end it before the callback is restored, nor half-way.
            start_new_session=os.name == "posix",
        )
    except OSError as error:
        raise AgentError(
            f"{command[0]} does not run: {error.strerror}",
            hint="Install it again, or use another tunnel: devkit dev --tunnel NAME",
        ) from error


def end_process(process: "subprocess.Popen[Any]") -> None:
    """End a process and all processes that it started, and wait until it has ended. It must lead a session."""
    with suppress(OSError):
        if os.name == "posix" and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # it leads a session of its own, so nothing else is ended
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_KILL_TIMEOUT)
