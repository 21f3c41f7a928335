"""The process of an agent: started, recorded on disk, watched; and ended by a later session if its own was killed.

pyngrok starts the process of ngrok's agent; the rest is the same.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from devkit.errors import TunnelError
from devkit.tunnel.process import Process, command_line, end_process, find_process, start_process
from devkit.tunnel.record_file import RecordFile

_MAX_ERRORS = 10_000  # characters


@dataclass(frozen=True, slots=True)
class AgentRecord:
    """Which process an agent is, and which one started it. None where that is not known, or not yet."""

    owner: Process | None
    agent: Process | None
    command: str


_RECORD = RecordFile("agent.json", AgentRecord)  # in the directory of the agent


@contextmanager
def agent_home(private_dir: Path) -> Iterator[Path]:
    """A new private directory for one agent's files; removed at the end. Raises TunnelError."""
    try:
        private_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory = TemporaryDirectory(prefix="agent-", dir=private_dir, ignore_cleanup_errors=True)
    except OSError as error:
        raise _not_writable(private_dir, error) from error
    with directory as name:
        home = Path(name).absolute()
        _record(home, None, "")
        yield home


def write_private(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a new file that no other user can read at any moment. Raises TunnelError."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(file, "w", encoding="utf-8") as new:
            new.write(text)
    except OSError as error:
        raise _not_writable(path.parent, error) from error


def _not_writable(directory: Path, error: OSError) -> TunnelError:
    return TunnelError(
        f"the files of the tunnel's agent cannot be written to {directory}: {error.strerror}",
        hint=f"Free disk space, or make {directory} a directory that you can write to",
    )


def stderr_file(home: Path) -> Path:
    """Where an agent's stderr goes: a file, because an agent whose pipe nobody reads stops working."""
    return home / "stderr.txt"


def reported_errors(home: Path) -> str:
    """What the agent has written to its stderr."""
    try:
        with stderr_file(home).open(encoding="utf-8", errors="replace") as file:
            return file.read(_MAX_ERRORS)
    except OSError:
        return ""


def start_agent(
    command: Sequence[str | Path], home: Path, environ: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """Start an agent and record it. home: see `agent_home`. Raises TunnelError."""
    stderr = stderr_file(home)
    stderr.unlink(missing_ok=True)
    write_private(stderr, "")
    with stderr.open("ab") as errors:
        process = start_process(command, subprocess.DEVNULL, errors, environ)
    try:
        record_agent(home, process.pid, Path(command[0]))
    except TunnelError:  # nobody would know of it
        end_process(process)
        raise
    return process


def record_agent(home: Path, pid: int, command: Path) -> None:
    """Record which process the agent is, so that the next session can end it when this one is killed.

    Raises TunnelError.
    """
    _record(home, find_process(pid), str(command))


def _record(home: Path, agent: Process | None, command: str) -> None:
    _RECORD.write(home, AgentRecord(find_process(os.getpid()), agent, command))


def why_ended(process: "subprocess.Popen[Any]", name: str) -> Callable[[], str]:
    """As in `Agent`. name: what users call the agent."""

    def reason() -> str:
        code = process.poll()
        return "" if code is None else f"{name} ended by itself (exit code {code})"

    return reason


def find_orphaned_agents(private_dir: Path) -> list[Process]:
    """The agents that still run although the session that started them has ended."""
    return [agent for _, agent in _orphans(private_dir) if agent]


def end_orphaned_agents(private_dir: Path, *, grace: float = 2.0) -> bool:
    """End the orphaned agents and remove their files; return whether there was one to end.

    Only a process that is the recorded one is ended: same number, same start, same command.
    grace: seconds between SIGTERM and SIGKILL.
    """
    ended = False
    for home, agent in _orphans(private_dir):
        ended |= agent is not None and _end(agent, grace)
        shutil.rmtree(home, ignore_errors=True)
    return ended


def _orphans(private_dir: Path) -> Iterator[tuple[Path, Process | None]]:
    """The directories of agents whose session has ended, each with its agent if that still runs."""
    for home in sorted(private_dir.glob("agent-*")):
        record = _RECORD.read(home)
        if record is None or record.owner is None or find_process(record.owner.pid) == record.owner:
            continue
        agent = record.agent
        is_running = agent and find_process(agent.pid) == agent and record.command in command_line(agent.pid)
        yield home, agent if is_running else None


def _end(process: Process, grace: float) -> bool:
    for sign in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        if find_process(process.pid) != process:
            break
        try:
            os.kill(process.pid, sign)
        except OSError:
            return False
        deadline = time.monotonic() + grace
        while find_process(process.pid) == process and time.monotonic() < deadline:
            time.sleep(0.02)
    return True
