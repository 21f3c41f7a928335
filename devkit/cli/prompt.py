"""A question to the user at the terminal, which a wish to stop ends."""

import os
import select
import sys

from devkit.cli.terminal import echo
from devkit.session.signals import Shutdown
from devkit.webhook.masking import printable

_POLL_INTERVAL = 0.3  # seconds between two looks at whether to stop


def confirm(question: str, stop: Shutdown) -> bool:
    """Whether the user says yes; no, where there is no terminal to ask at. Raises ShutdownRequested."""
    if not (sys.stdin and sys.stdin.isatty()):
        return False
    echo(f"{printable(question)} [y/N]: ", nl=False, err=True)
    # Not click.confirm(): a signal that comes just before it reads would leave it waiting for a key.
    while not _line_is_there():
        stop.check()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _line_is_there() -> bool:
    # Windows can't wait for a console so; there a key has to be pressed first.
    return os.name == "nt" or bool(select.select([sys.stdin], [], [], _POLL_INTERVAL)[0])
