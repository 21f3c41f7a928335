"""Runs devkit in a project directory: in a process of its own as a user does, or in this one, which is faster."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from devkit.cli import cli
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


def read_line(process: subprocess.Popen[str]) -> str:
    """The next line of its output. A process that prints none in time is killed, so that a test never hangs."""
    assert process.stdout is not None
    watchdog = threading.Timer(DEADLINE, process.kill)
    watchdog.start()
    try:
        return process.stdout.readline()
    finally:
        watchdog.cancel()


def run(directory: Path, *args: str, **settings: str) -> Run:
    """The command, run to its end."""
    with start(directory, *args, settings=settings) as process:
        try:
            out, err = process.communicate(timeout=6 * DEADLINE)
        finally:
            process.kill()
    return Run(process.returncode, out.splitlines(), err)


def call(directory: Path, *args: str, **settings: str) -> Run:
    """As `run`, in this process: for what is not about processes, signals, terminals or start-up."""
    with chdir(directory):
        result = CliRunner(env=settings).invoke(cli, args, prog_name="devkit", catch_exceptions=False)
    return Run(result.exit_code, result.stdout.splitlines(), result.stderr)
