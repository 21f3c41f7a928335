"""Other processes of this machine: which one has a number, so that no stranger is taken for it."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

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
