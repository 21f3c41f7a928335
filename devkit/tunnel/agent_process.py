"""The process of an agent: how it is started, watched and ended. pyngrok starts that of ngrok itself."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from devkit.errors import TunnelError
from devkit.tunnel.orphaned_agents import record_agent, write_private

_KILL_TIMEOUT = 5.0  # seconds
_MAX_ERRORS = 10_000  # characters


def start_agent(
    command: Sequence[str | Path], home: Path, environ: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """Start an agent with its stderr in a private file, and record it. home: see `agent_home`. Raises TunnelError."""
    stderr = _stderr_file(home)
    stderr.unlink(missing_ok=True)
    write_private(stderr, "")
    try:
        with stderr.open("ab") as errors:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,  # a file: an agent whose pipe nobody reads stops working
                env=dict(environ),
                start_new_session=os.name
                == "posix",  # Ctrl-C must not end it before the callback is restored
            )
    except OSError as error:
        message = f"{command[0]} does not run: {error.strerror}"
        raise TunnelError(
            message, hint="Install it again, or use another tunnel: devkit dev --tunnel NAME"
        ) from error
    record_agent(home, process.pid, Path(command[0]))
    return process


def reported_errors(home: Path) -> str:
    """What the agent has written to its stderr."""
    try:
        with _stderr_file(home).open(errors="replace") as file:
            return file.read(_MAX_ERRORS)
    except OSError:
        return ""


def why_ended(process: "subprocess.Popen[Any]", name: str) -> Callable[[], str]:
    """As in `Agent`. name: what users call the agent."""

    def reason() -> str:
        code = process.poll()
        return "" if code is None else f"{name} ended by itself (exit code {code})"

    return reason


def end_process(process: "subprocess.Popen[Any]") -> None:
    """End a process and all processes that it started, and wait until it has ended. It must lead a session."""
    with suppress(OSError):
        if os.name == "posix" and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # it leads a session of its own, so nothing else is ended
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_KILL_TIMEOUT)


def _stderr_file(home: Path) -> Path:
    return home / "stderr.txt"
