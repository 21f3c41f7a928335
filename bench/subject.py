"""The measured programs, each in a process and an empty directory of its own."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PYTHON = sys.executable

_START_SECONDS = 30
_STOP_SECONDS = 30
_PRIVATE = ("VONAGE_", "NGROK_", "PYNGROK_", "DEVKIT_")


@dataclass(frozen=True, slots=True)
class Subject:
    """argv: the command, with `{port}` for its own port and `{behind}` for the port of the program behind it.
    path: of the requests. stores: receipts are fixture files on disk before the response. settings: its environment.
    """

    name: str
    argv: tuple[str, ...]
    path: str = "/webhooks/delivery-receipt"
    stores: bool = False
    settings: tuple[tuple[str, str], ...] = ()


TUTORIAL = Subject("tutorial: app.run, stores nothing", (PYTHON, "-m", "bench.tutorial", "{port}"))
_DEV = "dev --offline --no-demo --no-register --json --inspector-port 0 --port {port}"
DEVKIT = Subject("devkit dev: on disk before 200", (PYTHON, "-m", "devkit", *_DEV.split()), stores=True)
SINK = Subject("sink", (PYTHON, "-m", "bench.sink", "{port}"))
SLOW_SINK = Subject("slow sink", (*SINK.argv, "0.002"))  # like an application that queries a database


def environment() -> dict[str, str]:
    """The environment without settings of devkit. Compiled modules are cached, as for users.

    The home directory is where runs are, so that devkit does not find the project of a session in the checkout.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_PRIVATE)}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    kept.pop("PYTHONUNBUFFERED", None)
    return {**kept, "HOME": str(ROOT / "build"), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


@dataclass(frozen=True, slots=True)
class Running:
    """A running program. directory: for its files."""

    port: int
    directory: Path
    process: subprocess.Popen[bytes]


@contextmanager
def running(subject: Subject, parent: Path, *, port: int = 0, behind: int = 0) -> Iterator[Running]:
    """Run a program that listens. parent: gets a directory for it, which is not deleted. port: 0 for any."""
    port, directory = port or free_port(), Path(tempfile.mkdtemp(dir=parent))
    argv = [word.format(port=port, behind=behind) for word in subject.argv]
    with (directory / "output").open("wb") as output:
        process = subprocess.Popen(
            argv,
            cwd=directory,
            env={**environment(), **dict(subject.settings)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_listening(port, process, subject.name)
        yield Running(port, directory, process)
    finally:
        end(process)


@contextmanager
def printing(argv: Sequence[str], directory: Path, **settings: str) -> Iterator[Iterator[str]]:
    """Run a program, and read the lines that it prints. settings: its environment."""
    with subprocess.Popen(
        argv,
        cwd=directory,
        env={**environment(), **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        try:
            yield process.stdout
        finally:
            end(process)


def end(process: subprocess.Popen[Any]) -> None:
    """Terminate the program and wait for its end."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def seconds_of(argv: Sequence[str], directory: Path) -> float:
    """How long a command takes from its start to its end. Raises CalledProcessError when it fails."""
    started = time.perf_counter()
    subprocess.run(
        argv, cwd=directory, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    return time.perf_counter() - started


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_until_listening(port: int, process: subprocess.Popen[bytes], name: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{name}: it ended immediately with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"{name}: nothing listens on {port} after {_START_SECONDS} s")
