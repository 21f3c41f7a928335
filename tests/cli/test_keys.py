"""The keys of `devkit dev` on a terminal, and the state of the terminal after them."""

import signal
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from devkit.cli.keys import HELP, _reading, console_keyboard, press, taking_keys
from devkit.events import Event, Notice
from devkit.events.session import Ready
from devkit.session.signals import Shutdown
from tests.support.raw_socket import DEADLINE
from tests.support.terminal_session import Terminal, needs_terminal, on_a_terminal

# What a shell does: gives the terminal to a program. It stays, and reports the modes that the program leaves.
SHELL = """
import fcntl, os, signal, subprocess, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
def begin():
    os.tcsetpgrp(0, os.getpgrp())
    for number in (signal.SIGTTOU, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
program = subprocess.Popen(sys.argv[1:], process_group=0, preexec_fn=begin)
def echoes():
    return bool(termios.tcgetattr(0)[3] & termios.ECHO)
while True:
    _, status = os.waitpid(program.pid, os.WUNTRACED)
    os.tcsetpgrp(0, os.getpgrp())
    if not os.WIFSTOPPED(status):
        break
    print("SUSPENDED, echo", echoes(), flush=True)
    os.tcsetpgrp(0, program.pid)
    os.kill(program.pid, signal.SIGCONT)
print("ENDED", os.waitstatus_to_exitcode(status), "echo", echoes(), flush=True)
"""


def in_a_shell(directory: Path, *command: str, **environ: str) -> AbstractContextManager[Terminal]:
    return on_a_terminal(directory, sys.executable, "-c", SHELL, *command, **environ)


DEV = (sys.executable, "-m", "devkit", "dev", "--offline", "--no-demo")


@needs_terminal
def test_keys_run_commands_and_q_quits(tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    with in_a_shell(tmp_path, *DEV, BROWSER=f"{browser} %s") as terminal:
        ready = terminal.wait_for(HELP)
        terminal.type("s")
        terminal.wait_for("devkit send")
        terminal.wait_for("delivered")
        terminal.type("r")
        terminal.wait_for("devkit replay latest")
        terminal.wait_for("replayed, not recorded again")
        terminal.type("o")
        terminal.wait_for("Opened http://")
        terminal.type("c")
        terminal.wait_for("\x1b[2J")
        terminal.type("?")
        terminal.wait_for(HELP)
        terminal.type("q")
        terminal.wait_for("ENDED 0 echo True")

    assert (tmp_path / "opened").read_text().strip() in ready
    assert "Traceback" not in terminal.shown


@needs_terminal
def test_nothing_is_echoed_pasted_text_and_arrows_do_nothing_and_ctrl_z_gives_the_terminal_back(
    tmp_path: Path,
) -> None:
    with in_a_shell(tmp_path, *DEV) as terminal:
        terminal.wait_for(HELP)
        terminal.type("xyz")
        terminal.type_until("?", HELP)
        terminal.type("\x1b[A")
        terminal.type_until("?", HELP)
        terminal.type("\x1a")
        terminal.wait_for("SUSPENDED, echo True")
        terminal.type_until("?", HELP)  # the shell has continued it, as `fg` does
        terminal.type("xyz")
        terminal.type_until("?", HELP)
        terminal.type("\x03")
        terminal.wait_for("ENDED 0 echo True")

    assert "recorded" in terminal.shown
    assert [text for text in ("xyz", "^[", "^C") if text in terminal.shown] == []


@needs_terminal
def test_ctrl_backslash_gives_the_terminal_back(tmp_path: Path) -> None:
    with in_a_shell(tmp_path, *DEV) as terminal:
        terminal.wait_for(HELP)
        terminal.type("\x1c")
        terminal.wait_for(f"ENDED -{int(signal.SIGQUIT)} echo True")


@needs_terminal
def test_a_crash_gives_the_terminal_back(tmp_path: Path) -> None:
    script = """
from devkit.cli.keys import terminal_keyboard
with terminal_keyboard(0) as keyboard:
    print("taken", flush=True)
    while keyboard(1) != "x":
        pass
    raise RuntimeError("a bug")
"""
    with in_a_shell(tmp_path, sys.executable, "-c", script) as terminal:
        terminal.wait_for("taken")
        terminal.type("x")
        terminal.wait_for("RuntimeError: a bug")
        terminal.wait_for("ENDED 1 echo True")


@needs_terminal
def test_events_as_json_come_without_keys(tmp_path: Path) -> None:
    with in_a_shell(tmp_path, *DEV, "--json") as terminal:
        terminal.wait_for('"ready"')
        terminal.type("xyz")
        terminal.wait_for("xyz")  # echoed, as always
        terminal.type("\x03")
        terminal.wait_for("ENDED 0 echo True")

    assert HELP not in terminal.shown


@pytest.fixture
def said() -> list[Event]:
    return []


def test_a_command_that_is_not_started_is_not_announced(said: list[Event]) -> None:
    press("r", lambda *words: False, said.append, Shutdown())

    assert said == []


def test_a_session_goes_on_where_no_command_can_be_started(
    said: list[Event], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ready = Ready("live", "", "", "", "", "", 1)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))

    with taking_keys(said.append, Shutdown(), open_page=True, with_keys=False) as publish:
        publish(ready)

    assert said == [ready]


@pytest.mark.parametrize(("key", "command"), [("o", "open"), ("r", "replay latest"), ("s", "send")])
def test_a_key_is_a_command_that_can_be_typed(said: list[Event], key: str, command: str) -> None:
    started: list[str] = []

    def start(*words: str) -> bool:
        started.append(" ".join(words))
        return True

    press(key, start, said.append, Shutdown())

    assert started == [command]
    assert said == [Notice(f"devkit {command}")]


@pytest.mark.parametrize("key", ["", "x", "R", "\r", "\x1b"])
def test_other_keys_do_nothing(said: list[Event], key: str) -> None:
    stop = Shutdown()

    press(key, never, said.append, stop)

    assert (said, stop()) == ([], False)


def never(*words: str) -> bool:
    raise AssertionError(words)


def test_q_stops_as_ctrl_c(said: list[Event]) -> None:
    stop = Shutdown()

    press("q", never, said.append, stop)

    assert stop()


def test_a_session_ends_although_a_read_waits_for_a_key(said: list[Event]) -> None:
    key, has_read = threading.Event(), threading.Event()
    started: list[str] = []

    def read(seconds: float) -> str:
        key.wait(DEADLINE)  # as after Ctrl-C, which discards the keys that were typed before it
        has_read.set()
        return "r"

    def start(*words: str) -> bool:
        started.extend(words)
        return True

    with _reading(read, start, said.append, Shutdown()):
        (thread,) = [each for each in threading.enumerate() if each.name == "keys"]

    assert not has_read.is_set()
    key.set()
    thread.join(DEADLINE)
    assert has_read.is_set()
    assert (started, said) == ([], [])  # the session is over


def console(keys: str, clock: Callable[[], float], sleep: Callable[[float], None]) -> Callable[[float], str]:
    left = list(keys)
    return console_keyboard(lambda: bool(left), lambda: left.pop(0), clock, sleep)


def test_a_console_on_windows_gives_a_key_or_nothing_in_time() -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    read = console("q\xe0Hr", lambda: now[0], sleep)

    assert [read(1), read(1), read(1)] == ["q", "", "r"]  # the second was an arrow
    assert now == [0.0]
    assert read(1) == ""
    assert now[0] >= 1
