"""Prints the events of a session, or of the simulator, from a thread of its own: a slow terminal delays no receipt."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from queue import SimpleQueue
from typing import Any

import click

from devkit.cli.output import echo, status_color, style
from devkit.events import Event, Notice, Publish
from devkit.events.session import (
    Forwarded,
    NotRecorded,
    Probe,
    Ready,
    ReceiptTaken,
    Refused,
    Registered,
    Restored,
    Sent,
    SimulatorAddress,
    Stopped,
    TunnelChanged,
)
from devkit.http.response import SENT_AGAIN
from devkit.session.signals import Shutdown
from devkit.webhook.masking import mask_number, one_line, printable
from devkit.webhook.receipt import short_id
from devkit.webhook.vocabulary import is_no_error

_LAST_SECONDS = 5  # to print what is left; a terminal held with Ctrl-S must not hold the exit

# Seconds between two reads of the queue. Nobody sees the delay, and under load the lines of a hundred receipts
# interrupt the receiver no more often than those of one.
_INTERVAL = 0.01

_QUEUE_LIMIT = 10_000  # events; beyond them, refused requests are only counted by the next event about one

Lines = Callable[[Event], Sequence[str]]


@contextmanager
def reporting(*, as_json: bool, stop: Shutdown, lines: Lines | None = None) -> Iterator[Publish]:
    """A function that takes events from any thread and returns immediately. All are printed when the block ends.

    lines: the text of an event for a terminal; without it, the text of session events.
    When the reader is gone (`devkit dev --json | head -1`), the shutdown is requested.
    """
    queue: SimpleQueue[Event | None] = SimpleQueue()
    context = click.get_current_context(silent=True)  # the thread has none
    color = context.color if context else None
    show = _show_json if as_json else partial(_show, lines or session_lines, color)
    printer = threading.Thread(target=_print, args=(queue, show, stop), name="report", daemon=True)
    printer.start()

    def publish(event: Event) -> None:
        # While a terminal is held with Ctrl-S, refused requests must not fill the memory.
        if not (isinstance(event, Refused) and event.count > 1 and queue.qsize() >= _QUEUE_LIMIT):
            queue.put(event)

    try:
        yield publish
    finally:
        queue.put(None)
        printer.join(_LAST_SECONDS)


def _print(queue: SimpleQueue[Event | None], show: Callable[[Event], None], stop: Shutdown) -> None:
    try:
        while (event := queue.get()) is not None:
            show(event)
            if queue.empty():
                sys.stdout.flush()
                time.sleep(_INTERVAL)
        sys.stdout.flush()
    # The terminal was closed, or the reader of the pipe is gone. `surviving_output` handles other write errors.
    except BrokenPipeError:
        stop.request()


def _show_json(event: Event) -> None:
    if isinstance(event, Notice):
        sys.stdout.flush()  # earlier events come first
        print(one_line(event.text, 1000), file=sys.stderr, flush=True)
    else:
        print(json.dumps(event.as_json()))


def _show(lines: Lines, color: bool | None, event: Event) -> None:
    if shown := lines(event):
        echo("\n".join(shown), err=isinstance(event, Notice | NotRecorded), color=color)


def session_lines(event: Event) -> Sequence[str]:
    """An event of a session as lines for a terminal; none for what need not be printed."""
    if isinstance(event, Ready):
        return _ready(event)
    if isinstance(event, ReceiptTaken):
        return [_receipt(event)]
    if isinstance(event, Forwarded):
        return _forwarded(event)
    if type(event) not in _LINES or (isinstance(event, Refused) and event.count > 1):
        return []
    return [_LINES[type(event)](event)]


def labeled(label: str, text: str, *, fg: str | None = None, bold: bool = False) -> str:
    """A line that begins with a styled label."""
    return f"{style(f'{label:<12}', fg=fg, bold=bold or None)}{printable(text)}"


_LINES: dict[type[Event], Callable[[Any], str]] = {
    Notice: lambda event: labeled("notice", event.text, fg="cyan"),
    NotRecorded: lambda event: labeled(
        "NOT RECORDED", f"  {event.error} {event.hint}".rstrip(), fg="red", bold=True
    ),
    Probe: lambda event: labeled(
        "probe",
        f"someone asked whether the callback URL answers ({event.user_agent})",
        fg="bright_black",
    ),
    Refused: lambda event: labeled("refused", f"{event.status}: {event.reason}", fg="magenta"),
    TunnelChanged: lambda event: labeled(
        "tunnel", f"{event.state} {event.public_url} {event.detail}".strip(), fg="cyan"
    ),
    Registered: lambda event: labeled(
        "registered", f"the account's callback; it was {event.former_url or 'not set'}", fg="cyan"
    ),
    Restored: lambda event: labeled("restored", _restored(event), fg="cyan"),
    Sent: lambda event: labeled(
        "sent", f"a message to {mask_number(event.to)}, {len(event.message_ids)} part(s)", fg="cyan"
    ),
    Stopped: lambda event: labeled("stopped", f"{event.receipts} receipt(s) recorded", bold=True),
}


def _restored(event: Restored) -> str:
    unchanged = " is unchanged, because somebody else set it" if event.kept else ""
    return f"the account's callback{unchanged}: {event.callback_url or 'not set'}"


def ready_lines(headline: str, rows: Sequence[tuple[str, str]]) -> list[str]:
    """What is ready, then a row for each name and value. Rows without a value are left out."""
    head = labeled("ready", headline, fg="green", bold=True)
    return [head, *(labeled("", f"{name:<10} {value}") for name, value in rows if value)]


def _ready(event: Ready) -> list[str]:
    answers = "" if event.forward_answers else " (not answering yet)"
    rows = [
        ("mode", "offline (simulator)" if event.mode == "offline" else "live"),
        ("callback", event.callback_url),
        ("receiver", event.local_url),
        ("forward", event.forward_url and f"{event.forward_url}{answers}"),
        ("inspector", event.inspector_url),
        ("recording", event.recorded),
        ("simulator", _simulator(event.simulator) if event.simulator else ""),
    ]
    return ready_lines("recording delivery receipts; Ctrl-C stops and puts everything back", rows)


def _simulator(at: SimulatorAddress) -> str:
    schemes = "http:// and https://" if at.authority else "http://"
    return f"{schemes}{at.host}, key {at.api_key}, secret {at.api_secret}"


def _forwarded(event: Forwarded) -> list[str]:
    if event.answer is None:  # a notice says once that the application is down
        return []
    answer = style(f"-> {event.answer} {event.ms:.0f} ms".ljust(20), fg=answer_color(event.answer))
    again = f"  {SENT_AGAIN}" if event.sent_again else ""
    return [f"{time_of_day()}{answer} {dim_id(event.message_id)}{again}"]


def _receipt(event: ReceiptTaken) -> str:
    if event.problem:
        return f"{time_of_day()}{style('unreadable  ', fg='red')}{printable(event.problem)}"
    since = "" if event.latency_ms is None else f"+{event.latency_ms / 1000:.1f} s"
    notes = style("  sig ok", fg="green") if event.signature == "valid" else ""
    if event.signature == "invalid":
        notes = style("  sig invalid", fg="red")
    if event.replay:
        notes += style("  replayed, not recorded again", fg="cyan")
    if event.triggered:
        notes += style("  triggered", fg="cyan")
    columns = (
        time_of_day(),
        colored_status(event.status),
        printable(f" {reason(event.err_code, event.meaning, event.status):<24} {event.msisdn:<13} "),
        dim_id(event.message_id),
        style(f"{since:>10}", fg="bright_black") if since or notes else "",
        notes,
    )
    return "".join(columns)


def time_of_day() -> str:
    """The first column of what happens often."""
    return style(f"{datetime.now(UTC).astimezone():%H:%M:%S}    ", fg="bright_black")


def colored_status(status: str) -> str:
    """A status as a column."""
    return style(f"{status:<10}", fg=status_color(status))


def dim_id(message_id: str) -> str:
    """A message id as a column, cut to the part that differs."""
    return style(f"{short_id(message_id):<8}", fg="bright_black")


def answer_color(status: int | None) -> str:
    """Green for a 2xx HTTP status; red for another one, and for none."""
    return "green" if status is not None and 200 <= status < 300 else "red"


def reason(err_code: str, meaning: str, status: str) -> str:
    """An err-code and its meaning. Without an error, the status says it already."""
    if is_no_error(err_code, status):
        return err_code
    return f"{err_code} {meaning}".strip()
