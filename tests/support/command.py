"""Runs `python -m devkit` as a user does: a process of its own, in a project directory."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.raw_socket import DEADLINE

ROOT = Path(__file__).parents[2]
_HIDDEN = ("VONAGE_", "NGROK_", "PYNGROK_", "DEVKIT_", "NO_COLOR", "TERM")


@dataclass(frozen=True, slots=True)
class Run:
    """How a command ended and what it printed."""

    code: int
    out: list[str]
    err: str


def start(
    directory: Path,
    *args: str,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    settings: Mapping[str, str] | None = None,
) -> subprocess.Popen[str]:
    """The command, started. settings: environment variables."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_HIDDEN)}
    return subprocess.Popen(
        [sys.executable, "-m", "devkit", *args],
        cwd=directory,
        env={**inherited, "PYTHONPATH": str(ROOT), **(settings or {})},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
    )


def run(directory: Path, *args: str, **settings: str) -> Run:
    """The command, run to its end."""
    with start(directory, *args, settings=settings) as process:
        try:
            out, err = process.communicate(timeout=6 * DEADLINE)
        finally:
            process.kill()
    return Run(process.returncode, out.splitlines(), err)
