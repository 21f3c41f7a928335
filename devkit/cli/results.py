"""Shows what came of a replay while it runs, and counts it: a line each for people, or JSON lines for programs."""

import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click

from devkit.cli.terminal import echo, style
from devkit.http.response import SENT_AGAIN
from devkit.replay.result import Planned, Replayed, ReplayOutcome, json_line, summarise
from devkit.webhook.masking import printable

_MANY = 50  # receipts from which a progress bar is worth its place
_TOGETHER = 0.01  # seconds
_COLOURS: dict[ReplayOutcome, str] = {"ok": "green", "failed": "red", "unreachable": "magenta"}


@dataclass(frozen=True, slots=True)
class ResultPrinter:
    """How results are shown. colour: None to leave it to the terminal."""

    as_json: bool = False
    colour: bool | None = None

    def say(self, line: str) -> None:
        click.echo(line) if self.as_json else echo(line, color=self.colour)

    def notice(self, words: str) -> None:
        """Something beside the results, on stderr."""
        echo(f"{style('Notice:', fg='cyan')} {printable(words)}", err=True, color=self.colour)

    def hint(self, words: str) -> None:
        echo(f"{style('Hint:', fg='cyan')} {printable(words)}", err=True, color=self.colour)


def print_results(outcomes: Iterable[Replayed], total: int, screen: ResultPrinter) -> int:
    """Show each outcome as it comes, then the summary; the exit code. Ctrl-C ends it early, with 1 at least."""
    counted: Counter[ReplayOutcome] = Counter()
    hinted: set[str] = set()
    interrupted = False
    with _printing(total, screen) as say:
        try:
            for outcome in outcomes:
                counted[outcome.outcome] += 1
                say(json_line(outcome) if screen.as_json else line(outcome))
                if outcome.hint and outcome.hint not in hinted:
                    hinted.add(outcome.hint)
                    screen.hint(outcome.hint)
        except KeyboardInterrupt:
            interrupted = True
    summary = summarise(counted)
    if rest := total - counted.total():
        screen.notice(f"stopped early: {rest} of {total} not sent or not answered")
    screen.say(json_line(summary) if screen.as_json else str(summary))
    return summary.exit_code or int(interrupted)


def pause(seconds: float) -> None:
    """Wait between two receipts, with all shown that was told before."""
    sys.stdout.flush()
    time.sleep(seconds)


def show_plan(planned: Iterable[Planned], screen: ResultPrinter) -> None:
    """What would be sent, then a summary of nothing."""
    plans = list(planned)
    for plan in plans:
        screen.say(json_line(plan) if screen.as_json else plan_line(plan))
    screen.notice(f"dry run: {len(plans)} receipts would be sent, none was")
    summary = summarise(Counter())
    screen.say(json_line(summary) if screen.as_json else str(summary))


def plan_line(plan: Planned) -> str:
    """A plan for people: when, which file, the receipt's status, the request without its query."""
    words = (f"{plan.due:>9.3f} s", plan.file, plan.status or "unreadable", f"{plan.method} {plan.path}")
    return printable("  ".join((*words, f"{plan.bytes} bytes")))


def line(outcome: Replayed) -> str:
    """An outcome for people: how it ended, the file, the receipt's status, the answer."""
    word = style(f"{outcome.outcome:<11}", fg=_COLOURS[outcome.outcome])
    answer = outcome.problem if outcome.answer is None else f"{outcome.answer}  {outcome.ms:g} ms"
    again = f"({SENT_AGAIN})" if outcome.sent_again else ""
    rest = (outcome.file, outcome.status or "unreadable", answer, again)
    return "  ".join(filter(None, (word, *map(printable, rest))))


@contextmanager
def _printing(total: int, screen: ResultPrinter) -> Iterator[Callable[[str], None]]:
    if screen.as_json:
        yield _for_programs()
        sys.stdout.flush()
        return
    if total < _MANY or not (sys.stdout.isatty() and sys.stderr.isatty()):
        yield screen.say
        return
    # Only here, because it takes as long to import as everything else together.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("replay", total=total)

        def say(line: str) -> None:
            console.print(Text.from_ansi(line))
            progress.advance(task)

        yield say


def _for_programs() -> Callable[[str], None]:
    """Prints lines. Those that come quickly go out together: each time costs a good part of sending a receipt."""
    told = -math.inf

    def say(line: str) -> None:
        nonlocal told
        sys.stdout.write(f"{line}\n")
        if (now := time.monotonic()) - told > _TOGETHER:
            sys.stdout.flush()
            told = now

    return say
