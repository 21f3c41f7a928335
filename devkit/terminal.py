"""The terminal's say in who gets Ctrl-C."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def own_foreground() -> Iterator[None]:
    """Have Ctrl-C come to this process alone while the block runs, when something like make started it.

    Otherwise make gets it at the same moment, dies of it, and the clean stop that follows ends with its
    "Interrupt" error and exit code 130. Does nothing without a terminal, or when a shell started us directly.
    """
    if not hasattr(os, "tcsetpgrp") or not _shares_the_terminal():
        yield
        return
    terminal, parents_group = sys.stdin.fileno(), os.getpgrp()
    # Ctrl-Z would stop only us and leave the shell waiting for make; and a receiver that sleeps loses receipts.
    former = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTSTP, signal.SIGTTOU)}
    os.setpgid(0, 0)
    os.tcsetpgrp(terminal, os.getpgrp())
    try:
        yield
    finally:
        with suppress(OSError):  # the terminal was closed, or what started us has gone
            os.tcsetpgrp(terminal, parents_group)
            os.setpgid(0, parents_group)
        for number, handler in former.items():
            signal.signal(number, handler)


def _shares_the_terminal() -> bool:
    try:
        terminal = sys.stdin.fileno()
        return os.isatty(terminal) and os.getpgrp() != os.getpid() and os.tcgetpgrp(terminal) == os.getpgrp()
    except (AttributeError, OSError, ValueError):  # no stdin, or no controlling terminal
        return False
