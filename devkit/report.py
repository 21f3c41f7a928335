"""Shows what happens in a session: coloured lines for people, JSON lines for programs. From a thread of its own,
so that a slow terminal never holds a receipt up."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from queue import SimpleQueue

from rich.console import Console
from rich.text import Text

from devkit.event import (
    Emit,
    Event,
    NotRecorded,
    Notice,
    Probe,
    Ready,
    ReceiptTaken,
    Refused,
    Registered,
    Restored,
    Sent,
    Stopped,
    TunnelChanged,
)
from devkit.redact import mask_number, one_line
from devkit.stop import Stop

STATUS_STYLES = {
    "delivered": "green",
    "accepted": "yellow",
    "buffered": "yellow",
    "failed": "red",
    "rejected": "red",
    "expired": "red",
    "unknown": "bright_black",
}

_LAST_WORDS = 5  # seconds for what is left to print; a terminal held with Ctrl-S must not hold the exit


@contextmanager
def reporting(*, as_json: bool, stop: Stop) -> Iterator[Emit]:
    """A function that takes events from any thread and returns at once; all are shown when the block ends.

    A reader that has gone (`devkit dev --json | head -1`) is a reason to stop.
    """
    queue: SimpleQueue[Event | None] = SimpleQueue()
    show = _json_line if as_json else _human_lines()
    printer = threading.Thread(target=_print, args=(queue, show, stop), name="report", daemon=True)
    printer.start()
    try:
        yield queue.put
    finally:
        queue.put(None)
        printer.join(_LAST_WORDS)


def _print(queue: SimpleQueue[Event | None], show: Callable[[Event], None], stop: Stop) -> None:
    while (event := queue.get()) is not None:
        try:
            show(event)
        except OSError:  # the terminal was closed, or the pipe's reader left
            stop.ask()
            return


def _json_line(event: Event) -> None:
    if isinstance(event, Notice):
        print(event.text, file=sys.stderr, flush=True)
    else:
        print(json.dumps(event.as_json()), flush=True)


def _human_lines() -> Callable[[Event], None]:
    out, notices = (
        Console(highlight=False, soft_wrap=True),
        Console(stderr=True, highlight=False, soft_wrap=True),
    )

    def show(event: Event) -> None:
        console = notices if isinstance(event, Notice | NotRecorded) else out
        for line in render(event):
            console.print(line)
        console.file.flush()

    return show


def render(event: Event) -> list[Text]:
    """An event as lines for a terminal; none for what need not be said."""
    match event:
        case Ready():
            return _ready(event)
        case ReceiptTaken():
            return [_receipt(event)]
        case Notice(text):
            return [_line("notice", "cyan", text)]
        case NotRecorded(error, hint):
            return [_line("NOT RECORDED", "bold red", f"{error} {hint}")]
        case Probe(user_agent):
            return [
                _line(
                    "probe", "bright_black", f"the callback URL was asked whether it answers ({user_agent})"
                )
            ]
        case Refused(status, reason, count):
            return [_line("refused", "magenta", f"{status}: {reason}")] if count == 1 else []
        case TunnelChanged(state, public_url, detail):
            return [_line("tunnel", "cyan", " ".join(filter(None, (state, public_url, detail))))]
        case Registered(_, former):
            return [
                _line("registered", "cyan", f"the account's callback; it was {one_line(former) or 'not set'}")
            ]
        case Restored(held, kept):
            words = "left alone, somebody else set it" if kept else "given back"
            return [
                _line("restored", "cyan", f"the account's callback is {words}: {one_line(held) or 'not set'}")
            ]
        case Sent(ids, to):
            return [_line("sent", "cyan", f"a message to {mask_number(to)}, {len(ids)} part(s)")]
        case Stopped(receipts):
            return [_line("stopped", "bold", f"{receipts} receipt(s) recorded")]
    return []


def _line(label: str, style: str, words: str) -> Text:
    return Text.assemble((f"{label:<12}", style), words)


def _ready(event: Ready) -> list[Text]:
    rows = [
        ("mode", "offline (simulator)" if event.mode == "offline" else "live"),
        ("callback", event.callback_url),
        ("receiver", event.local_url),
        ("inspector", event.inspector_url),
        ("recording", event.recorded),
    ]
    lines = [
        _line("ready", "bold green", "recording delivery receipts; Ctrl-C stops and puts everything back")
    ]
    return lines + [_line("", "", f"{name:<10} {value}") for name, value in rows if value]


def _receipt(event: ReceiptTaken) -> Text:
    now = datetime.now().strftime("%H:%M:%S")
    if event.problem:
        return Text.assemble((f"{now}    ", "bright_black"), ("unreadable  ", "red"), event.problem)
    since = "" if event.latency_ms is None else f"+{event.latency_ms / 1000:.1f} s"
    line = Text.assemble(
        (f"{now}    ", "bright_black"),
        (f"{event.status:<10} ", STATUS_STYLES.get(event.status, "bold magenta")),
        f"{event.err_code + ' ' + event.meaning:<24} ",
        f"{event.msisdn:<13} ",
        (f"{event.message_id[-8:]:<9}", "bright_black"),
        (f"{since:>9}", "bright_black"),
    )
    if event.signature not in ("absent", "unchecked"):
        line.append(
            f"  sig {'ok' if event.signature == 'valid' else event.signature}",
            "green" if event.signature == "valid" else "red",
        )
    if event.replay:
        line.append("  replayed, not recorded again", "cyan")
    return line
