"""Finds and ends agents that a killed session left behind."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from devkit.durable.regular_file import BadRecord, read_record
from devkit.errors import TunnelError

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """A process that cannot be mistaken for a later one with the same number.

    started: when, in the system's own words; only good to compare.
    """

    pid: int
    started: str


def look(pid: int) -> Process | None:
    """The running process with this number; None when there is none, or the system has no way to tell."""
    if not (_PROC / "self" / "stat").exists():
        return look_with_ps(pid)
    try:
        # The second field is the program's name in brackets, which may hold spaces and brackets: proc(5).
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else Process(pid, fields[19])


def command_line(pid: int) -> str:
    """The command line of a process, its words joined by spaces; empty when it cannot be had."""
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
        return os.fsdecode(b" ".join(words)).strip()
    except OSError:
        return _ps(pid, "command=")


def look_with_ps(pid: int) -> Process | None:
    """As `look`, where there is no /proc, as on macOS."""
    started = _ps(pid, "lstart=")
    return Process(pid, started) if started else None


def _ps(pid: int, column: str) -> str:
    if os.name != "posix":
        return ""
    command = ["ps", "-o", column, "-p", str(pid)]
    plain = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    try:
        result = subprocess.run(command, capture_output=True, text=True, env=plain, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip()


_RECORD = "agent.json"


@dataclass(frozen=True, slots=True)
class AgentRecord:
    """Who started an agent, and which process it is. None where that is not known, or not yet."""

    owner: Process | None
    agent: Process | None
    command: str


@contextmanager
def agent_home(private_dir: Path) -> Iterator[Path]:
    """A new directory for one agent's files, for this user only. At the end it goes, with all in it."""
    try:
        private_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory = TemporaryDirectory(prefix="agent-", dir=private_dir, ignore_cleanup_errors=True)
    except OSError as error:
        message = f"the ngrok agent gets no directory in {private_dir}: {error.strerror}"
        raise TunnelError(message, hint=f"Make {private_dir} a directory that you can write to") from error
    with directory as name:
        home = Path(name).absolute()
        _record(home, None, "")
        yield home


def write_private(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a new file that nobody else can read, at no moment."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)


def record_agent(home: Path, pid: int, command: Path) -> None:
    """Note which process the agent is, so that the next session can end it when this one is killed."""
    _record(home, look(pid), str(command))


def end_leftover_agent(private_dir: Path, *, grace: float = 2.0) -> bool:
    """End the agents of sessions that are gone, and remove what they left; whether there was one to end.

    Only a process that is the recorded one is ended: same number, same start, same command.
    grace: seconds between asking it to end and making it.
    """
    ended = [_end_leftover(home, grace) for home in sorted(private_dir.glob("agent-*"))]
    return any(ended)


def abandoned_record(home: Path) -> AgentRecord | None:
    """What is recorded of an agent whose session is gone; None while it runs, or when that cannot be known."""
    try:
        record = read_record(home / _RECORD, AgentRecord)
    except BadRecord:
        return None
    if record is None or record.owner is None or look(record.owner.pid) == record.owner:
        return None
    return record


def _record(home: Path, agent: Process | None, command: str) -> None:
    part = home / f"{_RECORD}.part"
    write_private(part, json.dumps(asdict(AgentRecord(look(os.getpid()), agent, command))))
    part.replace(home / _RECORD)


def _end_leftover(home: Path, grace: float) -> bool:
    record = abandoned_record(home)
    if record is None:
        return False
    agent = record.agent
    ended = agent is not None and is_running(agent, record.command) and _end(agent, grace)
    shutil.rmtree(home, ignore_errors=True)
    return ended


def _end(process: Process, grace: float) -> bool:
    for sign in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        if look(process.pid) != process:
            break
        try:
            os.kill(process.pid, sign)
        except OSError:
            return False
        deadline = time.monotonic() + grace
        while look(process.pid) == process and time.monotonic() < deadline:
            time.sleep(0.02)
    return True


def is_running(process: Process, command: str) -> bool:
    """Whether a recorded process, started by this command, is still there."""
    return look(process.pid) == process and command in command_line(process.pid)
