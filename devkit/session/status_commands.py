"""The commands of `devkit dev --on`: each gets a recorded webhook as JSON on its standard input.

A command is a program with the arguments that the user typed. There is no shell, and nothing of a webhook is in an
argument: everybody who knows the callback URL chooses the text of webhooks.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryFile
from typing import IO, Self

from devkit.errors import FixtureError, UsageError
from devkit.events import Event, Notice, Publish
from devkit.events.session import CommandEnded, ReceiptTaken
from devkit.fixture.format import load
from devkit.webhook.receipt import webhook_in
from devkit.webhook.vocabulary import ALL_STATUSES

ANY = "any"

_WORKERS = 4  # commands that run at once
_MAX_WAITING = 1_000  # commands
_MAX_LINES = 100  # of the output of a command
_MAX_LINE = 1_000  # bytes
_TERM_SECONDS = 2.0  # for a command to end when the session does; then it is killed


@dataclass(frozen=True, slots=True)
class StatusCommand:
    """What to run for the receipts with a status. status: any with ANY. arguments: the program and its arguments."""

    status: str
    arguments: tuple[str, ...]

    @property
    def name(self) -> str:
        """The program, without its directory."""
        return Path(self.arguments[0]).name


def parse_command(status: str, text: str, directory: Path) -> StatusCommand:
    """A command as it was typed. directory: in which it will run. Raises UsageError."""
    if status not in (*ALL_STATUSES, ANY):
        raise UsageError(f"Not a status: {status!r}.", hint=f"There are: {', '.join((*ALL_STATUSES, ANY))}")
    try:
        arguments = tuple(split_words(text, escape="" if os.name == "nt" else "\\"))
    except ValueError as error:  # a quotation mark without its other
        raise UsageError(
            f"The command {text!r} cannot be read: {str(error).lower()}.", hint="Check its quotation marks."
        ) from error
    program = arguments[0] if arguments else ""
    if not shutil.which(directory / program if os.path.dirname(program) else program):
        raise UsageError(
            f"There is no program {program!r} for --on {status}.",
            hint=f"No shell reads the command. For a shell's syntax, type: --on {status} \"sh -c '...'\"",
        )
    return StatusCommand(status, arguments)


def split_words(text: str, *, escape: str) -> list[str]:
    """The words of a command line, as a shell reads them. Raises ValueError.

    escape: what takes the meaning of the next character; empty on Windows, where a backslash separates directories.
    """
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", escape
    return list(lexer)


class StatusCommands:
    """Runs the commands for recorded receipts while its `with` block runs. Thread-safe; nothing blocks.

    Publishes a `CommandEnded` event for each, and its output as notices. What runs when the block ends is ended.
    """

    def __init__(self, commands: Sequence[StatusCommand], publish: Publish, directory: Path) -> None:
        self._commands = commands
        self._publish = publish
        self._directory = directory
        self._waiting: SimpleQueue[tuple[StatusCommand, ReceiptTaken] | None] = SimpleQueue()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ended = False
        self._lock = threading.Lock()
        self._workers = [
            threading.Thread(target=self._work, name=f"command-{number}", daemon=True)
            for number in range(_WORKERS if commands else 0)
        ]

    def publish(self, event: Event) -> None:
        """Publish an event, and run the commands for it if it is a recorded receipt."""
        self._publish(event)
        if not isinstance(event, ReceiptTaken) or not event.file:
            return
        for command in self._commands:
            # `completed` of Verify, and whatever other products say, is no status of a message.
            if command.status not in (ANY, event.status if event.kind != "unknown" else ANY):
                continue
            if self._waiting.qsize() < _MAX_WAITING:
                self._waiting.put((command, event))
            else:
                self._publish(_ended(command, event, problem="too many commands wait"))

    def __enter__(self) -> Self:
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *error: object) -> None:
        with self._lock:  # no command is started from now on
            self._ended = True
        for _ in self._workers:
            self._waiting.put(None)
        self._signal_running(signal.SIGTERM)
        self._join(_TERM_SECONDS)
        self._signal_running(_KILL)
        self._join(_TERM_SECONDS)

    def _signal_running(self, number: signal.Signals) -> None:
        with self._lock:
            for process in self._running:
                _signal_group(process, number)

    def _join(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for worker in self._workers:
            worker.join(max(0, deadline - time.monotonic()))

    def _work(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            command, event = waiting
            self._publish(self._run(command, event))

    def _run(self, command: StatusCommand, event: ReceiptTaken) -> CommandEnded:
        try:
            # A file, not a pipe: a command need not read it, and writes as much as it likes meanwhile.
            with TemporaryFile() as document:
                document.write(_document(event))
                document.seek(0)
                process = self._start(command, document)
        except OSError as error:
            return _ended(command, event, problem=error.strerror or "it cannot be started")
        if process is None:
            return _ended(command, event, problem="the session ended before its turn")
        output = threading.Thread(target=self._show, args=(command, process), daemon=True)
        output.start()
        _wait(process)
        with self._lock:
            _signal_group(process, _KILL)  # what it left in the background
            self._running.remove(process)
        code = process.wait()
        output.join()
        return _ended(command, event, exit_code=code)

    def _start(self, command: StatusCommand, document: IO[bytes]) -> "subprocess.Popen[bytes] | None":
        with self._lock:
            if self._ended:
                return None
            process = subprocess.Popen(
                command.arguments,
                cwd=self._directory,
                stdin=document,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own, which Ctrl-C in the terminal does not reach
            )
            self._running.add(process)
            return process

    def _show(self, command: StatusCommand, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        shown = 0
        with process.stdout as lines:
            while line := lines.readline(_MAX_LINE):
                shown += 1
                if shown <= _MAX_LINES:
                    self._publish(Notice(f"{command.name}: {line.decode('utf-8', 'replace').rstrip()}"))
                elif shown == _MAX_LINES + 1:
                    self._publish(Notice(f"{command.name}: (the rest of its output is not shown)"))


def _document(event: ReceiptTaken) -> bytes:
    """What a command reads: the event as `--json` prints it, and all fields of the receipt as they arrived."""
    try:
        fields = dict(webhook_in(load(Path(event.file)).read()).fields)
    except FixtureError:  # it was deleted meanwhile
        fields = {}
    return json.dumps({**event.as_json(), "receipt": fields}).encode() + b"\n"


def _ended(
    command: StatusCommand, event: ReceiptTaken, *, exit_code: int | None = None, problem: str = ""
) -> CommandEnded:
    return CommandEnded(command.name, event.file, event.message_id, event.status, exit_code, problem)


_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has no other


def _wait(process: "subprocess.Popen[bytes]") -> None:
    """Wait for the end of a process, whose number nobody else gets before `process.wait`."""
    # Where it is missing, another process may get the number in the moment until it is used.
    if hasattr(os, "waitid"):
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    else:
        process.wait()


def _signal_group(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with suppress(OSError):  # it has ended
        if os.name == "nt":
            process.terminate()
        else:
            os.killpg(process.pid, number)
