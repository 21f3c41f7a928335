"""The terminal: questions to the user, and which process gets Ctrl-C."""

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from devkit.cli.output import echo
from devkit.session.signals import Shutdown
from devkit.webhook.masking import printable

_POLL_INTERVAL = 0.3  # seconds between two checks for a stop request


def confirm(question: str, stop: Shutdown) -> bool:
    """Whether the user answers yes; False when stdin is no terminal. Raises ShutdownRequested."""
    if not (sys.stdin and sys.stdin.isatty()):
        return False
    echo(f"{printable(question)} [y/N]: ", nl=False, err=True)
    # Not click.confirm(): it would still wait for a key after a signal that comes just before it reads.
    while not _line_is_there():
        stop.check()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _line_is_there() -> bool:
    # select() takes no console on Windows; readline() waits there, and a stop request needs a key press.
    return os.name == "nt" or bool(select.select([sys.stdin], [], [], _POLL_INTERVAL)[0])


@contextmanager
def own_foreground() -> Iterator[None]:
    """Make this process the only one that gets Ctrl-C while the block runs, when a program such as make started it.

    Otherwise make gets Ctrl-C too and ends with its "Interrupt" error and exit code 130, although the session stops
    cleanly. Does nothing without a terminal, or when a shell started this process directly.
    """
    if not hasattr(os, "tcsetpgrp") or not _shares_the_terminal():
        yield
        return
    terminal, parents_group = sys.stdin.fileno(), os.getpgrp()
    # Ctrl-Z would stop only this process, while the shell waits for make; and a suspended receiver loses receipts.
    former = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTSTP, signal.SIGTTOU)}
    os.setpgid(0, 0)
    os.tcsetpgrp(terminal, os.getpgrp())
    try:
        yield
    finally:
        with suppress(OSError):  # the terminal was closed, or the parent process ended
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
