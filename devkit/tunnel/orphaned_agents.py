"""Records each agent on disk, to find and end those that a killed session left."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from devkit.errors import TunnelError
from devkit.tunnel.record_file import RecordFile

_PROC = Path("/proc")


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
        message = f"the tunnel's agent gets no directory in {private_dir}: {error.strerror}"
        raise TunnelError(message, hint=f"Make {private_dir} a directory that you can write to") from error
    with directory as name:
        home = Path(name).absolute()
        _record(home, None, "")
        yield home


def write_private(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a new file that no other user can read at any moment."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)


def record_agent(home: Path, pid: int, command: Path) -> None:
    """Record which process the agent is, so that the next session can end it when this one is killed.

    Raises TunnelError.
    """
    _record(home, find_process(pid), str(command))


def _record(home: Path, agent: Process | None, command: str) -> None:
    _RECORD.write(home, AgentRecord(find_process(os.getpid()), agent, command))


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
