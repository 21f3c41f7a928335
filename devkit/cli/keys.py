"""Keys that `devkit dev` takes on a terminal. Most run a command that can be typed in another terminal as well."""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import Any

import click

from devkit.events import Event, Notice, Publish
from devkit.events.session import Ready
from devkit.session.signals import Shutdown

if sys.platform != "win32":
    import termios

Keyboard = Callable[[float], str]  # waits so many seconds; gives the key, or nothing

HELP = (
    "Keys: o opens the page, r replays the last receipt, s sends another message, c clears, q quits, ? help"
)
_COMMANDS = {"o": ("open",), "r": ("replay", "latest"), "s": ("send",)}
_MAX_COMMANDS = 5  # at a time
_POLL_INTERVAL = 0.3  # seconds
_CONSOLE_INTERVAL = 0.05  # seconds; a console on Windows has nothing to wait for


@contextmanager
def taking_keys(publish: Publish, stop: Shutdown, *, open_page: bool, with_keys: bool) -> Iterator[Publish]:
    """A `publish` that, once the session is ready, takes keys until the block ends. Not before: it may ask questions.

    For the main thread. open_page: open the page then. with_keys: False takes none, as without a terminal.
    """
    with ExitStack() as stack:

        def watch(event: Event) -> None:
            publish(event)
            if isinstance(event, Ready):
                commands = stack.enter_context(_Commands())
                if open_page:
                    commands.start("open")
                if with_keys and _is_terminal():
                    publish(Notice(HELP))
                    keyboard = stack.enter_context(_keyboard())
                    stack.enter_context(_reading(keyboard, commands.start, publish, stop))

        yield watch


class _Commands:
    """Runs commands of devkit beside the session. What still runs at the end is ended."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, *words: str) -> bool:
        """Whether the command was started: not while many others run, and not where the system runs no more."""
        self._running = [process for process in self._running if process.poll() is None]
        if len(self._running) >= _MAX_COMMANDS:
            return False
        # -P: a module of the project may be called devkit too.
        command = [sys.executable, "-P", "-m", "devkit", *words]
        try:
            self._running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))
        except OSError:  # the session goes on without it
            return False
        return True

    def __enter__(self) -> "_Commands":
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._running:
            process.terminate()
            process.wait()


def press(key: str, start: Callable[..., bool], publish: Publish, stop: Shutdown) -> None:
    """Do what a key is for. start: starts a command of devkit, unless many run."""
    if key in _COMMANDS:
        if start(*_COMMANDS[key]):
            publish(Notice(f"devkit {' '.join(_COMMANDS[key])}"))
    elif key == "c":
        click.clear()
    elif key == "q":
        stop.request()
    elif key in ("?", "h"):
        publish(Notice(HELP))


@contextmanager
def _reading(
    keyboard: Keyboard, start: Callable[..., bool], publish: Publish, stop: Shutdown
) -> Iterator[None]:
    ended = threading.Event()

    def read() -> None:
        with suppress(OSError):  # the terminal was closed
            while not ended.is_set():
                key = keyboard(_POLL_INTERVAL)
                if not ended.is_set():  # else nobody would end a command
                    press(key, start, publish, stop)

    thread = threading.Thread(target=read, name="keys", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        # Not without a limit: Ctrl-C discards a key that was typed just before it, and its read then waits for another.
        thread.join(2 * _POLL_INTERVAL)


def _is_terminal() -> bool:
    """Whether keys come from a terminal and answers go to one, and it is this process's now."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return sys.platform == "win32" or _Terminal(sys.stdin.fileno()).is_ours()


@contextmanager
def _keyboard() -> Iterator[Keyboard]:
    if sys.platform == "win32":
        import msvcrt

        yield console_keyboard(msvcrt.kbhit, msvcrt.getwch)
    else:
        with terminal_keyboard(sys.stdin.fileno()) as keyboard:
            yield keyboard


def console_keyboard(
    has_key: Callable[[], bool],
    get: Callable[[], str],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Keyboard:
    """The keyboard of a console on Windows. has_key, get: `msvcrt.kbhit` and `msvcrt.getwch`."""

    def read(seconds: float) -> str:
        end = clock() + seconds
        while not has_key():
            if clock() >= end:
                return ""
            sleep(_CONSOLE_INTERVAL)
        key = get()
        if key in ("\x00", "\xe0"):  # the first half of an arrow or a function key
            get()
            return ""
        return key

    return read


if sys.platform != "win32":

    class _Terminal:
        """A terminal that gives each key at once and echoes none. Ctrl-C and Ctrl-Z stay signals."""

        def __init__(self, file: int) -> None:
            self._file = file
            self._former: list[Any] = []

        def is_ours(self) -> bool:
            """Whether this process is in the foreground; a shell may have put it into the background."""
            try:
                return os.tcgetpgrp(self._file) == os.getpgrp()
            except OSError:
                return False

        def take(self) -> None:
            with suppress(termios.error):
                if self.is_ours():
                    modes = termios.tcgetattr(self._file)
                    self._former = self._former or [*modes]
                    modes[3] &= ~(termios.ECHO | termios.ICANON)
                    termios.tcsetattr(self._file, termios.TCSANOW, modes)

        def give_back(self) -> None:
            with suppress(termios.error):
                if self._former and self.is_ours():  # else the shell has its own modes by now
                    termios.tcsetattr(self._file, termios.TCSANOW, self._former)

        def read(self, seconds: float) -> str:
            if not self.is_ours():  # reading would suspend this process
                time.sleep(seconds)
                return ""
            if not select.select([self._file], [], [], seconds)[0] or not self.is_ours():
                return ""
            keys = os.read(self._file, 1024).decode("latin-1")
            if not keys:
                raise OSError("the terminal is closed")
            # Several keys at once are an arrow or a function key, or were pasted: only a key that was held counts.
            return keys[0] if len(set(keys)) == 1 else ""

    @contextmanager
    def terminal_keyboard(file: int) -> Iterator[Keyboard]:
        """The keyboard of a terminal, which gets its modes back however the block ends. For the main thread."""
        terminal = _Terminal(file)

        def pass_on(number: int, _: FrameType | None) -> None:
            """Let a signal suspend or end this process as it would have, and go on after that."""
            terminal.give_back()
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            signal.signal(number, pass_on)
            terminal.take()

        # Where Ctrl-Z is ignored, under make, it stays so.
        wanted = [n for n in (signal.SIGTSTP, signal.SIGQUIT) if signal.getsignal(n) is signal.SIG_DFL]
        former = {number: signal.signal(number, pass_on) for number in wanted}
        former[signal.SIGCONT] = signal.signal(signal.SIGCONT, lambda *_: terminal.take())
        try:
            terminal.take()
            yield terminal.read
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
            terminal.give_back()
