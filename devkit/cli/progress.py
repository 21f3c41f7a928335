"""A progress bar for long work, on a terminal only."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

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
