"""Prints and counts the results of a replay while it runs."""

import json
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from devkit.cli.output import echo, echo_event, hint, notice, style
from devkit.http.response import SENT_AGAIN
from devkit.replay.schedule import Planned
from devkit.replay.send import Replayed, ReplayOutcome, ReplaySummary
from devkit.webhook.masking import printable

_MANY = 50  # receipts, from which on a progress bar is shown
_FLUSH_INTERVAL = 0.01  # seconds
# Seconds. Python handles a signal that arrives right before a sleep only after it: Ctrl-C would wait for hours.
_LONGEST_SLEEP = 0.3
_COLORS: dict[ReplayOutcome, str] = {"ok": "green", "failed": "red", "unreachable": "magenta"}


def print_results(results: Iterable[Replayed], total: int, *, as_json: bool) -> int:
    """Print each result as it comes, then the summary; the exit code. Ctrl-C stops early, with 1 at least."""
    counted: Counter[ReplayOutcome] = Counter()
    hints: set[str] = set()
    interrupted = False
    with _json_lines() if as_json else _lines_for_people(total) as write:
        try:
            for result in results:
                counted[result.outcome] += 1
                write(json.dumps(result.as_json()) if as_json else result_line(result))
                if result.hint and result.hint not in hints:
                    hints.add(result.hint)
                    hint(result.hint)
        except KeyboardInterrupt:
            interrupted = True
    if rest := total - counted.total():
        notice(f"stopped early: {rest} of {total} not sent or not answered")
    summary = ReplaySummary(counted["ok"], counted["failed"], counted["unreachable"])
    echo_event(summary, str(summary), as_json=as_json)
    return summary.exit_code or int(interrupted)


def pause(
    seconds: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Wait between two receipts, after flushing what was printed."""
    sys.stdout.flush()
    end = clock() + seconds
    while (left := end - clock()) > 0:
        sleep(min(left, _LONGEST_SLEEP))


def print_plan(planned: Iterable[Planned], *, as_json: bool) -> None:
    """Print what would be sent, then an empty summary."""
    plans = list(planned)
    for plan in plans:
        echo_event(plan, _plan_line(plan), as_json=as_json)
    notice(f"dry run: {len(plans)} receipts would be sent, none was")
    summary = ReplaySummary()
    echo_event(summary, str(summary), as_json=as_json)


def result_line(result: Replayed) -> str:
    """A result for people: the outcome, the file, the receipt's status, the answer."""
    outcome = style(f"{result.outcome:<11}", fg=_COLORS[result.outcome])
    answer = result.problem if result.answer is None else f"{result.answer}  {result.ms:g} ms"
    again = f"({SENT_AGAIN})" if result.sent_again else ""
    columns = (result.file, result.status or "unreadable", answer, again)
    return "  ".join(filter(None, (outcome, *map(printable, columns))))


def _plan_line(plan: Planned) -> str:
    columns = (
        f"{plan.due:>9.3f} s",
        plan.file,
        plan.status or "unreadable",
        f"{plan.method} {plan.path}",
        f"{plan.bytes} bytes",
    )
    return printable("  ".join(columns))


@contextmanager
def _lines_for_people(total: int) -> Iterator[Callable[[str], None]]:
    """Prints lines, on a terminal above a progress bar."""
    if total < _MANY or not (sys.stdout.isatty() and sys.stderr.isatty()):
        yield echo
        return
    # Imported here because it takes as long as all other imports together.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("replay", total=total)

        def write(line: str) -> None:
            console.print(Text.from_ansi(line))
            progress.advance(task)

        yield write


@contextmanager
def _json_lines() -> Iterator[Callable[[str], None]]:
    """Prints lines, and flushes those of 10 ms together: a flush costs a good part of sending a receipt."""
    flushed = -math.inf

    def write(line: str) -> None:
        nonlocal flushed
        sys.stdout.write(f"{line}\n")
        if (now := time.monotonic()) - flushed > _FLUSH_INTERVAL:
            sys.stdout.flush()
            flushed = now

    yield write
    sys.stdout.flush()
