"""Shows what happens in a session: coloured lines for people, JSON lines for programs. From a thread of its own,
so that a slow terminal never holds a receipt up."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any

from rich.console import Console
from rich.text import Text

from devkit.cli.color import color
from devkit.events import (
    Event,
    Forwarded,
    Notice,
    NotRecorded,
    Probe,
    Publish,
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
from devkit.webhook.vocabulary import WITHOUT_ERROR

_LAST_WORDS = 5  # seconds for what is left to print; a terminal held with Ctrl-S must not hold the exit

# Seconds between two looks for what has happened. Nobody sees the delay, and under load the lines of a hundred receipts
# cost the receiver no more interruptions than those of one.
_REST = 0.01

_WAITING = 10_000  # events; beyond them, strangers that were refused are told of by the next one's count

Lines = Callable[[Event], list[Text]]


@contextmanager
def reporting(*, as_json: bool, stop: Shutdown, lines: Lines | None = None) -> Iterator[Publish]:
    """A function that takes events from any thread and returns at once; all are shown when the block ends.

    lines: an event for a terminal, where it is none of a session's. A reader that has gone
    (`devkit dev --json | head -1`) is a reason to stop.
    """
    queue: SimpleQueue[Event | None] = SimpleQueue()
    show = _json_line if as_json else _human_lines(lines)
    printer = threading.Thread(target=_print, args=(queue, show, stop), name="report", daemon=True)
    printer.start()

    def publish(event: Event) -> None:
        # A terminal held with Ctrl-S must not let strangers fill the memory.
        if not (isinstance(event, Refused) and event.count > 1 and queue.qsize() >= _WAITING):
            queue.put(event)

    try:
        yield publish
    finally:
        queue.put(None)
        printer.join(_LAST_WORDS)


def _print(queue: SimpleQueue[Event | None], show: Callable[[Event], None], stop: Shutdown) -> None:
    try:
        while (event := queue.get()) is not None:
            show(event)
            if queue.empty():
                sys.stdout.flush()
                time.sleep(_REST)
        sys.stdout.flush()
    # The terminal was closed, or the pipe's reader left, of which rich makes a SystemExit. Other trouble does not come
    # here: see `devkit.output`.
    except (BrokenPipeError, SystemExit):
        stop.request()


def _json_line(event: Event) -> None:
    if isinstance(event, Notice):
        sys.stdout.flush()  # what was said before it comes before it
        print(one_line(event.text, 1000), file=sys.stderr, flush=True)
    else:
        print(json.dumps(event.as_json()))


def _human_lines(lines: Lines | None) -> Callable[[Event], None]:
    out, notices = (
        Console(highlight=False, soft_wrap=True),
        Console(stderr=True, highlight=False, soft_wrap=True),
    )

    def show(event: Event) -> None:
        console = notices if isinstance(event, Notice | NotRecorded) else out
        if console is notices:
            out.file.flush()  # what was said before it comes before it
        for line in render(event, lines):
            console.print(_in_encoding(line, console.encoding))
        if console is notices:
            notices.file.flush()

    return show


def _in_encoding(line: Text, encoding: str) -> Text:
    """The line for a terminal or pipe that may know ASCII only; foreign words may not be in its encoding."""
    known = line.plain.encode(encoding, "backslashreplace").decode(encoding)
    return line if known == line.plain else Text(known)


def render(event: Event, lines: Lines | None = None) -> list[Text]:
    """An event as lines for a terminal; none for what need not be said."""
    shown = (lines or _lines)(event)
    for line in shown:
        # Foreign words come in by many ways; control characters among them would steer the terminal.
        line.plain = printable(line.plain)
    return shown


def _lines(event: Event) -> list[Text]:
    if isinstance(event, Ready):
        return _ready(event)
    if isinstance(event, ReceiptTaken):
        return [_receipt(event)]
    if isinstance(event, Forwarded):
        return _forwarded(event)
    if type(event) not in _LINES or (isinstance(event, Refused) and event.count > 1):
        return []
    label, style, words = _LINES[type(event)]
    return [_line(label, style, words(event))]


# Of the other events: label, style, and words.
_LINES: dict[type[Event], tuple[str, str, Callable[[Any], str]]] = {
    Notice: ("notice", "cyan", lambda event: event.text),
    NotRecorded: ("NOT RECORDED", "bold red", lambda event: f"  {event.error} {event.hint}".rstrip()),
    Probe: (
        "probe",
        "bright_black",
        lambda event: f"someone asked whether the callback URL answers ({event.user_agent})",
    ),
    Refused: ("refused", "magenta", lambda event: f"{event.status}: {event.reason}"),
    TunnelChanged: (
        "tunnel",
        "cyan",
        lambda event: f"{event.state} {event.public_url} {event.detail}".strip(),
    ),
    Registered: (
        "registered",
        "cyan",
        lambda event: f"the account's callback; it was {event.former_url or 'not set'}",
    ),
    Restored: ("restored", "cyan", lambda event: _restored(event)),
    Sent: (
        "sent",
        "cyan",
        lambda event: f"a message to {mask_number(event.to)}, {len(event.message_ids)} part(s)",
    ),
    Stopped: ("stopped", "bold", lambda event: f"{event.receipts} receipt(s) recorded"),
}


def _restored(event: Restored) -> str:
    words = "left alone, somebody else set it" if event.kept else "given back"
    return f"the account's callback is {words}: {event.callback_url or 'not set'}"


def _line(label: str, style: str, words: str) -> Text:
    return Text.assemble((f"{label:<12}", style), words)


def _ready(event: Ready) -> list[Text]:
    rows = [
        ("mode", "offline (simulator)" if event.mode == "offline" else "live"),
        ("callback", event.callback_url),
        ("receiver", event.local_url),
        ("inspector", event.inspector_url),
        ("recording", event.recorded),
        ("simulator", _simulator(event.simulator) if event.simulator else ""),
    ]
    lines = [
        _line("ready", "bold green", "recording delivery receipts; Ctrl-C stops and puts everything back")
    ]
    return lines + [_line("", "", f"{name:<10} {value}") for name, value in rows if value]


def _simulator(at: SimulatorAddress) -> str:
    schemes = "http:// and https://" if at.authority else "http://"
    return f"{schemes}{at.host}, key {at.api_key}, secret {at.api_secret}"


def _forwarded(event: Forwarded) -> list[Text]:
    if event.answer is None:  # a notice says once that the application is down, not each receipt again
        return []
    style = "green" if 200 <= event.answer < 300 else "red"
    answer = f"-> {event.answer} {event.ms:.0f} ms"
    again = f"  {SENT_AGAIN}" if event.sent_again else ""
    return [
        Text.assemble(_time(), (f"{answer:<20} ", style), (short_id(event.message_id), "bright_black"), again)
    ]


def _time() -> tuple[str, str]:
    return (f"{datetime.now(UTC).astimezone():%H:%M:%S}    ", "bright_black")


def _receipt(event: ReceiptTaken) -> Text:
    time = _time()
    if event.problem:
        return Text.assemble(time, ("unreadable  ", "red"), event.problem)
    since = "" if event.latency_ms is None else f"+{event.latency_ms / 1000:.1f} s"
    line = Text.assemble(
        time,
        (f"{event.status:<10} ", color(event.status)),
        f"{_why(event):<24} ",
        f"{event.msisdn:<13} ",
        (f"{short_id(event.message_id):<9}", "bright_black"),
        (f"{since:>9}", "bright_black"),
    )
    if event.signature == "valid":
        line.append("  sig ok", "green")
    elif event.signature == "invalid":
        line.append("  sig invalid", "red")
    if event.replay:
        line.append("  replayed, not recorded again", "cyan")
    line.rstrip()
    return line


def _why(event: ReceiptTaken) -> str:
    # The status says it already when there is no error.
    silent = event.err_code == "0" and event.status in WITHOUT_ERROR
    return event.err_code if silent else f"{event.err_code} {event.meaning}".strip()
