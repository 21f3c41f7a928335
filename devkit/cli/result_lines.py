"""Prints and counts the results of a replay while it runs."""

import json
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime

from devkit.cli.output import echo, echo_event, has_bar, hint, notice, output_width, with_bar
from devkit.cli.receipt_line import SENT_AGAIN, Cell, answer_cell, fit, id_cell, numbered_reason, status_cell
from devkit.replay.result import Replayed, ReplayOutcome, ReplaySummary
from devkit.replay.schedule import Planned
from devkit.webhook.masking import counted, printable
from devkit.webhook.receipt import meaning

_FLUSH_INTERVAL = 0.01  # seconds
# Seconds. Python handles a signal that arrives right before a sleep only after it: Ctrl-C would wait for hours.
_LONGEST_SLEEP = 0.3
_COLORS: dict[ReplayOutcome, str] = {"ok": "green", "failed": "red", "unreachable": "magenta"}


def print_results(
    results: Iterable[Replayed], total: int, *, as_json: bool, verbose: bool = False, quiet: bool = False
) -> int:
    """Print each result as it comes, then the summary; the exit code. Ctrl-C stops early, with 1 at least.

    verbose: with the file of each. quiet: only those that are not ok; so it is above a progress bar without `verbose`.
    """
    counted_outcomes: Counter[ReplayOutcome] = Counter()
    hints: set[str] = set()
    interrupted = False
    width = output_width()
    is_quiet = quiet or (has_bar(total) and not verbose)
    with _json_lines() if as_json else nullcontext(echo) as write:
        try:
            for result in results if as_json else with_bar(results, total, "replay"):
                counted_outcomes[result.outcome] += 1
                if as_json:
                    write(json.dumps(result.as_json()))
                elif result.outcome != "ok" or not is_quiet:
                    write(result_line(result, width, verbose=verbose))
                if result.hint and result.hint not in hints:
                    hints.add(result.hint)
                    hint(result.hint)
        except KeyboardInterrupt:
            interrupted = True
    if rest := total - counted_outcomes.total():
        notice(f"stopped early: {rest} of {total} not sent or not answered")
    summary = ReplaySummary(*(counted_outcomes[each] for each in ("ok", "failed", "unreachable")))
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


def print_plan(planned: Iterable[Planned], *, as_json: bool, verbose: bool = False) -> None:
    """Print what would be sent, and as JSON an empty summary. verbose: with the file of each."""
    plans, width = list(planned), output_width()
    for plan in plans:
        echo_event(plan, _plan_line(plan, width, verbose=verbose), as_json=as_json)
    notice(f"dry run: {counted(len(plans), 'receipt')} would be sent")
    if as_json:
        echo_event(ReplaySummary(), "", as_json=True)


def result_line(result: Replayed, width: int | None = None, *, verbose: bool = False) -> str:
    """A result for people: the outcome, the receipt, the answer; the file with `verbose`."""
    outcome = Cell(result.outcome, fg=_COLORS[result.outcome], width=11)
    why = numbered_reason(result.err_code, meaning(result.err_code, result.status), result.status)
    cells = [
        outcome,
        *_receipt_cells(result, width),
        answer_cell(result.answer, result.ms, rank=1),
        Cell(SENT_AGAIN if result.sent_again else "", 4),
    ]
    return _with_file(fit(cells, result.problem or why, width), result.file, verbose)


def _plan_line(plan: Planned, width: int | None, *, verbose: bool) -> str:
    cells = [
        Cell(f"{plan.due:>9.3f} s"),
        *_receipt_cells(plan, width),
        Cell(f"{plan.method} {plan.path}", 3),
        Cell(counted(plan.bytes, "byte"), 4),
    ]
    why = numbered_reason(plan.err_code, meaning(plan.err_code, plan.status), plan.status)
    return _with_file(fit(cells, why, width), plan.file, verbose)


def _receipt_cells(sent: Replayed | Planned, width: int | None) -> list[Cell]:
    """When the receipt was recorded (UTC), its status, its message."""
    time = f"{datetime.fromisoformat(sent.recorded_at):%Y-%m-%d %H:%M:%S}" if sent.recorded_at else ""
    return [
        Cell(time, 2, "bright_black"),
        status_cell(sent.status or "unreadable", width),
        id_cell(sent.message_id),
    ]


def _with_file(line: str, file: str, verbose: bool) -> str:
    """The path is never cut, so that it can be pasted."""
    return f"{line}  {printable(file)}" if verbose and file else line


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
