import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")

DEADLINE = 20  # seconds
CTRL_C, CTRL_Z = b"\x03", b"\x1a"

# What devkit does, and what it says on the way.
CHILD = """
import os
from devkit.session.signals import stop_on_signals
from devkit.cli.terminal import own_foreground
with stop_on_signals() as stop, own_foreground():
    print("ready", os.getpgrp() == os.getpid(), flush=True)
    print("stopped" if stop.wait(10) else "nothing came", flush=True)
print("over", flush=True)
"""

# What make is to it: the parent, in the same process group, which has the terminal.
MAKE = """
import fcntl, json, os, signal, subprocess, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signals = []
signal.signal(signal.SIGINT, lambda *_: signals.append("SIGINT"))
status = subprocess.call([sys.executable, "-c", sys.argv[1]])
print(json.dumps({"status": status, "signals": signals, "terminal is back": os.tcgetpgrp(0) == os.getpgrp()}))
"""


@contextmanager
def on_a_terminal(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A Python process in a new session with a terminal, and the other side of the terminal, for keys."""
    keys, terminal = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", *arguments],
        stdin=terminal,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    os.close(terminal)
    try:
        with process:
            try:
                yield process, keys
            finally:
                process.kill()
    finally:
        os.close(keys)


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_only_devkit_gets_ctrl_c_and_make_gets_its_terminal_back() -> None:
    with on_a_terminal(MAKE, CHILD) as (process, keys):
        assert next_line(process) == "ready True"
        os.write(keys, CTRL_C)
        rest, _ = process.communicate(timeout=DEADLINE)

    stopped, over, reported = rest.splitlines()
    assert (stopped, over) == ("stopped", "over")
    assert json.loads(reported) == {"status": 0, "signals": [], "terminal is back": True}


def test_ctrl_z_does_not_suspend_the_receiver() -> None:
    with on_a_terminal(MAKE, CHILD) as (process, keys):
        next_line(process)
        os.write(keys, CTRL_Z)
        os.write(keys, CTRL_C)
        rest, _ = process.communicate(timeout=DEADLINE)

    assert rest.splitlines()[0] == "stopped"


def test_it_ends_cleanly_after_make_was_killed() -> None:
    with on_a_terminal(MAKE, CHILD) as (process, _):
        next_line(process)
        process.send_signal(signal.SIGKILL)

        assert [next_line(process), next_line(process)] == ["stopped", "over"]


def test_started_by_a_shell_it_stays_in_its_process_group() -> None:
    script = "import fcntl, termios\nfcntl.ioctl(0, termios.TIOCSCTTY, 0)\n" + CHILD
    with on_a_terminal(script) as (process, keys):
        assert next_line(process) == "ready True"  # a shell has made it a group of its own already
        os.write(keys, CTRL_C)

        assert [next_line(process), next_line(process)] == ["stopped", "over"]


@pytest.mark.parametrize("stdin", ["< /dev/null", "<&-"])
def test_without_a_terminal_nothing_is_changed(stdin: str) -> None:
    script = """
import os, signal
from devkit.cli.terminal import own_foreground
before = os.getpgrp(), signal.getsignal(signal.SIGTSTP)
with own_foreground():
    assert before == (os.getpgrp(), signal.getsignal(signal.SIGTSTP))
print("over")
"""
    command = ["sh", "-c", f'"$0" -c "$1" {stdin}', sys.executable, script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)

    assert (done.stdout, done.stderr) == ("over\n", "")
