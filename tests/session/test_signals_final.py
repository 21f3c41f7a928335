"""A key that is held down: nothing interrupts a process on its last steps."""

import os
import signal
import subprocess
import sys

import pytest

LEAVING = """
import os, signal
from devkit.session.signals import stop_on_signals
with stop_on_signals(final={final}) as stop:
    if {asked}:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait()
os.kill(os.getpid(), signal.SIGINT)
print("the last words")
"""


@pytest.mark.skipif(os.name == "nt", reason="there a process is ended, not asked")
@pytest.mark.parametrize(
    ("final", "asked", "code", "words"),
    [
        (True, True, 0, "the last words\n"),
        (True, False, -signal.SIGINT, ""),  # nobody has asked yet: the first Ctrl-C counts
        (False, True, -signal.SIGINT, ""),
    ],
)
def test_after_a_final_request_a_later_signal_changes_nothing(
    final: bool, asked: bool, code: int, words: str
) -> None:
    script = LEAVING.format(final=final, asked=asked)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stdout) == (code, words)
