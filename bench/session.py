"""A `devkit dev` session with its inspector, over some recordings."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

from bench.subject import PYTHON, end, environment

_ARGV = [
    PYTHON,
    "-m",
    "devkit",
    "dev",
    "--offline",
    "--no-demo",
    "--json",
    "--port",
    "0",
    "--inspector-port",
    "0",
]


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
    with Popen(
        _ARGV, cwd=directory, env=environment(), stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
    ) as process:
        try:
            yield _ready(process)
        finally:
            end(process)


def _ready(process: Popen[bytes]) -> Ready:
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "ready":
            return Ready(event["inspector_url"], event["pid"])
    raise RuntimeError(f"devkit dev ended with {process.wait()} before it was ready")
