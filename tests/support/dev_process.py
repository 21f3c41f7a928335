"""Runs devkit as a user would, in a process of its own, and reads its events or its output."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TIMEOUT = 60  # seconds until a test fails; no passing test comes near it

DEV = [sys.executable, "-m", "devkit", "dev"]
FREE_PORTS = {"DEVKIT_PORT": "0", "DEVKIT_INSPECTOR_PORT": "0"}


class DevProcess:
    """One run of a command that prints JSON events. events: those read so far, oldest first."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._read_events, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def wait_for(self, name: str, **fields: object) -> dict[str, Any]:
        """The next event of this name with these fields. Fails with all other events when there is none in time."""
        while True:
            try:
                line = self._lines.get(timeout=TIMEOUT)
            except queue.Empty:
                raise AssertionError(f"no {name} event in time; {self.describe()}") from None
            if not line:
                raise AssertionError(f"ended without a {name} event; {self.describe()}")
            event: dict[str, Any] = json.loads(line)
            self.events.append(event)
            if event["event"] == name and all(event.get(key) == value for key, value in fields.items()):
                return event

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """End it with a signal; its exit code."""
        self.process.send_signal(number)
        return self.finish()

    def finish(self) -> int:
        """Wait for its end. Its exit code; its last events are in `events` afterwards."""
        code = self.process.wait(TIMEOUT)
        for reader in self._readers:
            reader.join(TIMEOUT)
        while not self._lines.empty():
            if line := self._lines.get():
                self.events.append(json.loads(line))
        return code

    @property
    def stderr(self) -> str:
        return "".join(self._errors)

    def describe(self) -> str:
        return f"events: {self.events}, stderr: {self.stderr}"

    def names(self) -> list[str]:
        return [event["event"] for event in self.events]

    def _read_events(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put("")

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            self._errors.extend(lines)


@contextmanager
def running_dev(directory: Path, *args: str, **environ: str) -> Iterator[DevProcess]:
    """`devkit dev --json` in a directory, with these settings; killed if the test leaves it running."""
    with running([*DEV, "--json", *args], directory, **environ) as dev:
        yield dev


@contextmanager
def running_simulate(directory: Path, *args: str, port: int = 0) -> Iterator[DevProcess]:
    """`devkit simulate --json` in a directory; killed if the test leaves it running."""
    command = [sys.executable, "-m", "devkit", "simulate", "--json", "--port", str(port), *args]
    with running(command, directory) as simulate:
        yield simulate


@contextmanager
def running(command: list[str], directory: Path, **environ: str) -> Iterator[DevProcess]:
    """A command that prints its events; killed if the test leaves it running."""
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=clean_environ(directory, **environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    dev = DevProcess(process)
    try:
        yield dev
    finally:
        if process.poll() is None:
            process.kill()
        dev.finish()


def run_python(directory: Path, *args: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """A run of Python to its end, whatever its exit code: `"-m", "devkit", ...` or `"-c", program`."""
    return subprocess.run(
        [sys.executable, *args],
        cwd=directory,
        env=clean_environ(directory, **environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def output_until(
    command: list[str], directory: Path, is_enough: Callable[[str], bool], **environ: str
) -> tuple[str, str]:
    """The output of a command until `is_enough`, and the rest after SIGINT. The exit code must be 0."""
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=clean_environ(directory, PYTHONUNBUFFERED="1", **environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    watchdog = threading.Timer(TIMEOUT, process.kill)
    watchdog.start()
    text = ""
    with process.stdout as output:
        for line in output:
            text += line
            if is_enough(text):
                break
        process.send_signal(signal.SIGINT)
        rest = output.read()
    watchdog.cancel()
    assert process.wait(TIMEOUT) == 0
    return text, rest


def clean_environ(home: Path, **environ: str) -> dict[str, str]:
    """An environment without the developer's own settings, in which sessions take free ports."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    root = str(Path(__file__).parents[2])
    return {**kept, "HOME": str(home), "PYTHONPATH": root, **FREE_PORTS, **environ}
