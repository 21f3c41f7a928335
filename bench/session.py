"""A `devkit dev` session with its inspector, over some recordings."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.subject import PYTHON, printing

_OPTIONS = "--offline --no-demo --json --port 0 --inspector-port 0"
_ARGV = [PYTHON, "-m", "devkit", "dev", *_OPTIONS.split()]


@dataclass(frozen=True, slots=True)
class Ready:
    inspector_url: str
    pid: int

    def peak_memory(self) -> int:
        """The peak memory of the process in bytes; 0 on a system without /proc."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return 0
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024


@contextmanager
def session(directory: Path) -> Iterator[Ready]:
    """A session that is ready. directory: the parent of `fixtures`."""
    with printing(_ARGV, directory) as lines:
        event = next((event for event in map(json.loads, lines) if event["event"] == "ready"), None)
        if event is None:
            raise RuntimeError("devkit dev ended before it was ready")
        yield Ready(event["inspector_url"], event["pid"])
