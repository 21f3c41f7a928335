"""The terminal: what is printed on it, and its say in who gets Ctrl-C."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from devkit.webhook.masking import printable

# What `style` makes: the end of all styles, bold, dim, and the sixteen colours.
_OWN_STYLE = re.compile(r"(\x1b\[(?:0|1|2|3[0-7]|9[0-7])m)")


def echo(text: str, *, err: bool = False, nl: bool = True, color: bool | None = None) -> None:
    """Print lines for people: all that devkit prints for them, but for what rich draws, goes through this.

    Whatever the text holds, nothing but line breaks and the styles of `style` reaches the terminal as such. Foreign
    text is made `printable` before it is styled, so that it cannot bring a style or a line of its own.
    color: None to leave it to the context of the command, and to the terminal.
    """
    click.echo("\n".join(map(_harmless, text.split("\n"))), err=err, nl=nl, color=color)


def echo_bytes(data: bytes) -> None:
    """Print bytes as they are, to a file or a pipe; to a terminal as text, spelled out where it would steer it."""
    if not sys.stdout.isatty():
        click.echo(data, nl=False)
        return
    lines = data.decode("utf-8", "backslashreplace").split("\n")
    click.echo("\n".join(printable(line.removesuffix("\r")) for line in lines), nl=lines[-1] != "")


def style(text: str, *, fg: str | None = None, bold: bool | None = None, dim: bool | None = None) -> str:
    """Foreign or own text, made printable, in a style for `echo`."""
    return click.style(printable(text), fg=fg, bold=bold, dim=dim)


def _harmless(line: str) -> str:
    return (
        line
        if line.isprintable()
        else "".join(
            part if place % 2 else printable(part) for place, part in enumerate(_OWN_STYLE.split(line))
        )
    )


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
