"""What commands print: styled lines and a progress bar for people, JSON lines for programs."""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TypeVar

import click

from devkit.errors import DevkitError, NoTunnelError
from devkit.events import Event
from devkit.webhook.masking import printable

_STATUS_COLORS = {
    "delivered": "green",
    "read": "green",
    "accepted": "yellow",
    "submitted": "yellow",
    "buffered": "yellow",
    "failed": "red",
    "rejected": "red",
    "expired": "red",
    "undeliverable": "red",
    "inbound": "cyan",
    "unknown": "bright_black",
}

# What `style` makes: the end of all styles, bold, dim, and the sixteen colors.
_OWN_STYLE = re.compile(r"(\x1b\[(?:0|1|2|3[0-7]|9[0-7])m)")


def status_color(status: str) -> str:
    """The color of a status; magenta for an undocumented one."""
    return _STATUS_COLORS.get(status, "magenta")


def style(text: str, *, fg: str | None = None, bold: bool | None = None, dim: bool | None = None) -> str:
    """Foreign or own text, made printable, in a style for `echo`."""
    return click.style(printable(text), fg=fg, bold=bold, dim=dim)


def echo(text: str, *, err: bool = False, nl: bool = True, color: bool | None = None) -> None:
    """Print lines for people. All lines for people go through this, except the progress bar.

    Only line breaks and the styles of `style` reach the terminal as such. Make foreign text `printable` before it is
    styled, or it can bring a style or a line of its own.
    color: None takes the setting of the click context, else whether this is a terminal.
    """
    # To a named file: click alone would write UTF-8 to a stream whose encoding is ASCII.
    file = sys.stderr if err else sys.stdout
    click.echo("\n".join(map(_without_control, text.split("\n"))), file=file, nl=nl, color=color)


def _without_control(line: str) -> str:
    if line.isprintable():
        return line
    parts = _OWN_STYLE.split(line)  # text, style, text, ...
    return "".join(part if index % 2 else printable(part) for index, part in enumerate(parts))


def echo_bytes(data: bytes) -> None:
    """Print bytes unchanged to a file or a pipe; to a terminal as text, with control characters spelled out."""
    if not sys.stdout.isatty():
        click.echo(data, nl=False)
        return
    lines = data.decode("utf-8", "backslashreplace").split("\n")
    click.echo("\n".join(printable(line.removesuffix("\r")) for line in lines), nl=lines[-1] != "")


def echo_json(value: Mapping[str, object]) -> None:
    """Print one JSON line."""
    import json  # here: an error is printed without it

    click.echo(json.dumps(value))


def echo_event(event: Event, text: str, *, as_json: bool) -> None:
    """Print an event: one JSON line, or the text for people."""
    if as_json:
        echo_json(event.as_json())
    else:
        echo(text)


def output_width() -> int | None:
    """The columns of the terminal that stdout is; None where no line needs to be cut, as in a pipe or a file."""
    if not sys.stdout.isatty():
        return None
    with suppress(OSError, ValueError):
        return int(os.environ.get("COLUMNS", "")) or None
    with suppress(OSError, ValueError):  # io.UnsupportedOperation is both
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    return None


def notice(text: str) -> None:
    """Print a notice on stderr."""
    echo(f"{style('Notice:', fg='cyan')} {printable(typed_here(text))}", err=True)


def hint(text: str) -> None:
    """Print what to type next, on stderr."""
    echo(f"{style('Hint:', fg='cyan')} {printable(typed_here(text))}", err=True)


def typed_here(text: str) -> str:
    """The text with the commands as they are typed in this directory."""
    if "devkit dev" not in text:
        return text
    from devkit.cli.make_target import with_make  # here: few texts need it

    return with_make(text)


def print_error(error: DevkitError) -> None:
    """What happened and what to type next, a line each, on stderr."""
    echo(f"{style('Error:', fg='red', bold=True)} {printable(error.message)}", err=True)
    if error.hint:
        hint(error.hint)
    if isinstance(error, NoTunnelError) and error.second_hint:
        hint(error.second_hint)


_MANY = 50  # things, from which on there is a bar

T = TypeVar("T")


def has_bar(total: int) -> bool:
    """Whether work on so many things has a bar: then nobody reads a line for each of them."""
    return total >= _MANY and sys.stdout.isatty() and sys.stderr.isatty()


def with_bar(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """The same items; the bar counts those that were worked on. Lines that are printed meanwhile are above the bar."""
    if not has_bar(total):
        yield from items
        return
    # Imported here because it takes as long as all other imports together.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(highlight=False, soft_wrap=True)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=total)
        for item in items:
            yield item
            progress.advance(task)
