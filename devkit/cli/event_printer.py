"""Prints the events of a session, or of the simulator, from a thread of its own: a slow terminal delays no receipt.

A receipt waits a moment for the application's response, so that both are on one line.
"""

import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import ClassVar

import click

from devkit.cli.output import echo, output_width, style
from devkit.cli.receipt_line import late_answer_lines, receipt_lines
from devkit.events import Event, Notice, Publish
from devkit.events.session import (
    CommandEnded,
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
from devkit.fixture.select import display_path
from devkit.session.signals import Shutdown
from devkit.vonage.setting import WORDS
from devkit.webhook.masking import counted, hide_password, mask_number, one_line, printable
from devkit.webhook.receipt import short_id

_RESPONSE_WAIT = 0.5  # seconds that a receipt waits for the application's response; most are there by then
_LAST_SECONDS = 5  # to print what is left; a terminal held with Ctrl-S must not hold the exit

# Seconds between two reads of the queue. Nobody sees the delay, and under load the lines of a hundred receipts
# interrupt the receiver no more often than those of one.
_INTERVAL = 0.01

_QUEUE_LIMIT = 10_000  # events; beyond them, refused requests are only counted by the next event about one

_SHOWN_PARTS = 4  # of a text; most have fewer

# The text of an event for a terminal: its width, None for no limit; when the event was published, None for now.
Lines = Callable[[Event, int | None, datetime | None], Sequence[str]]
Published = tuple[datetime, Event]


@dataclass(slots=True)
class AnsweredReceipt(Event):
    """A receipt and the application's response to it; None when that was not there in time."""

    name: ClassVar[str] = "answered"
    receipt: ReceiptTaken
    answer: Forwarded | None = None


class Pairing:
    """Events in their order. A receipt that is forwarded waits for its response, and the events after it wait too.

    For one thread. clock: seconds.
    """

    def __init__(self, clock: Callable[[], float], response_wait: float = _RESPONSE_WAIT) -> None:
        self._clock, self._response_wait = clock, response_wait
        self._events: deque[tuple[float, Published]] = (
            deque()
        )  # with the latest time at which each is printed
        self._open: dict[str, AnsweredReceipt] = {}  # by file

    def add(self, at: datetime, event: Event) -> None:
        """at: when the event was published."""
        if isinstance(event, Forwarded) and event.file in self._open:
            self._open.pop(event.file).answer = event
        elif isinstance(event, ReceiptTaken) and event.forwarded:
            self._open[event.file] = pair = AnsweredReceipt(event)
            self._events.append((self._clock() + self._response_wait, (at, pair)))
        else:
            self._events.append((0.0, (at, event)))

    def ready(self, *, at_end: bool = False) -> Iterator[Published]:
        """Take out what can be printed now. at_end: everything."""
        while self._events and (at_end or not self.seconds_left()):
            _, (at, event) = self._events.popleft()
            if isinstance(event, AnsweredReceipt):
                self._open.pop(event.receipt.file, None)
            yield at, event

    def seconds_left(self) -> float | None:
        """Seconds until the next event can be printed, 0 when it can be now; None without one."""
        if not self._events:
            return None
        due, (_, event) = self._events[0]
        if isinstance(event, AnsweredReceipt) and event.answer is None:
            return max(0.0, due - self._clock())
        return 0.0


def paired(
    queue: SimpleQueue[Published | None], clock: Callable[[], float] = time.monotonic
) -> Iterator[Published]:
    """The events of a queue until None, each receipt with its response. clock: seconds."""
    pairing = Pairing(clock)
    while True:
        with suppress(Empty):
            published = queue.get(timeout=pairing.seconds_left())
            if published is None:
                break
            pairing.add(*published)
        yield from pairing.ready()
    yield from pairing.ready(at_end=True)


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def reporting(
    *, as_json: bool, stop: Shutdown, lines: Lines | None = None, clock: Callable[[], datetime] = _now
) -> Iterator[Publish]:
    """A function that takes events from any thread and returns immediately. All are printed when the block ends.

    lines: without them, those of session events. clock: for the times of day, however late an event is printed.
    When the reader is gone (`devkit dev --json | head -1`), the shutdown is requested.
    """
    queue: SimpleQueue[Published | None] = SimpleQueue()
    context = click.get_current_context(silent=True)  # the thread has none
    color = context.color if context else None
    show = _show_json if as_json else partial(_show, lines or session_lines, color)
    events = iter(queue.get, None) if as_json else paired(queue)
    printer = threading.Thread(target=_print, args=(events, queue, show, stop), name="report", daemon=True)
    printer.start()

    def publish(event: Event) -> None:
        # While a terminal is held with Ctrl-S, refused requests must not fill the memory.
        if not (isinstance(event, Refused) and event.count > 1 and queue.qsize() >= _QUEUE_LIMIT):
            queue.put((clock(), event))

    try:
        yield publish
    finally:
        queue.put(None)
        printer.join(_LAST_SECONDS)


def _print(
    events: Iterator[Published],
    queue: SimpleQueue[Published | None],
    show: Callable[[datetime, Event], None],
    stop: Shutdown,
) -> None:
    try:
        for at, event in events:
            show(at, event)
            if queue.empty():
                sys.stdout.flush()
                time.sleep(_INTERVAL)
        sys.stdout.flush()
    # The terminal was closed, or the reader of the pipe is gone. `surviving_output` handles other write errors.
    except BrokenPipeError:
        stop.request()


def _show_json(at: datetime, event: Event) -> None:
    if isinstance(event, Notice):
        sys.stdout.flush()  # earlier events come first
        print(one_line(event.text, 1000), file=sys.stderr, flush=True)
    else:
        print(json.dumps(event.as_json()))


def _show(lines: Lines, color: bool | None, at: datetime, event: Event) -> None:
    if shown := lines(event, output_width(), at):
        echo("\n".join(shown), err=isinstance(event, Notice | NotRecorded), color=color)


def session_lines(event: Event, width: int | None = None, at: datetime | None = None) -> Sequence[str]:
    """An event of a session as lines for a terminal; none for what need not be printed."""
    match event:
        case AnsweredReceipt():
            return receipt_lines(event.receipt, event.answer, width, at)
        case ReceiptTaken():
            return receipt_lines(event, None, width, at)
        case Forwarded():
            return late_answer_lines(event, width, at)
        case Ready():
            return _ready(event)
    line = _labeled_line(event)
    return [line] if line else []


def quiet_lines(event: Event, width: int | None = None, at: datetime | None = None) -> Sequence[str]:
    """As `session_lines`, without receipts and messages."""
    is_frequent = isinstance(event, AnsweredReceipt | ReceiptTaken | Forwarded | Probe | Sent)
    return [] if is_frequent else session_lines(event, width, at)


def labeled(label: str, text: str, *, fg: str | None = None, bold: bool = False) -> str:
    """A line that begins with a styled label."""
    return f"{style(f'{label:<12}', fg=fg, bold=bold or None)}{printable(text)}"


def _labeled_line(event: Event) -> str:
    match event:
        case Notice():
            return labeled("notice", event.text, fg="cyan")
        case NotRecorded():
            return labeled("NOT RECORDED", f"  {event.error} {event.hint}".rstrip(), fg="red", bold=True)
        case Probe():
            text = f"someone asked whether the callback URL answers ({event.user_agent})"
            return labeled("probe", text, fg="bright_black")
        case CommandEnded():
            color = "bright_black" if event.exit_code == 0 else "red"
            return labeled("command", f"{event.command}: {_command_end(event)}", fg=color)
        case Refused(count=1):
            return labeled("refused", f"{event.status}: {event.reason}", fg="magenta")
        case TunnelChanged():
            return labeled("tunnel", f"{event.state} {event.public_url} {event.detail}".strip(), fg="cyan")
        case Registered() | Restored():
            return labeled(event.name, _setting(event), fg="cyan")
        case Sent():
            return labeled("sent", _sent(event), fg="cyan")
        case Stopped():
            return labeled("stopped", _stopped(event), bold=True)
    return ""


def _command_end(event: CommandEnded) -> str:
    code = event.exit_code
    if code is None:
        ended = f"not run, {event.problem}"
    else:
        ended = f"exit code {code}" if code >= 0 else f"ended by signal {-code}"
    return f"{ended}, for {event.status or 'unreadable'} {short_id(event.message_id)}".rstrip()


def _stopped(event: Stopped) -> str:
    others = f" and {counted(event.other_webhooks, 'other webhook')}" if event.other_webhooks else ""
    left_out = f", {event.left_out:,} for others (not kept)" if event.left_out else ""
    return f"{counted(event.receipts, 'receipt')}{others} recorded{left_out}"


def _sent(event: Sent) -> str:
    """The ids of several parts are there too: a receipt can come before it is known that they are one message."""
    text = f"a message to {mask_number(event.to)}, "
    if event.api == "messages":
        return f"{text}through the Messages API"
    text += counted(len(event.message_ids), "part")
    shown = " ".join(map(short_id, event.message_ids[:_SHOWN_PARTS]))
    more = " ..." if len(event.message_ids) > _SHOWN_PARTS else ""
    return text if len(event.message_ids) == 1 else f"{text}: {shown}{more}"


def _setting(event: Registered | Restored) -> str:
    setting = f"the {WORDS[event.setting].setting}"
    if isinstance(event, Registered):
        return f"{setting}; it was {hide_password(event.former_url) or 'not set'}"
    unchanged = " is unchanged, because somebody else set it" if event.kept else ""
    return f"{setting}{unchanged}: {hide_password(event.callback_url) or 'not set'}"


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
        ("recording", display_path(Path(event.recorded))),
        ("simulator", _simulator(event.simulator) if event.simulator else ""),
    ]
    return ready_lines("recording delivery receipts; Ctrl-C stops and puts everything back", rows)


def _simulator(at: SimulatorAddress) -> str:
    schemes = "http:// and https://" if at.authority else "http://"
    return f"{schemes}{at.host}, key {at.api_key}, secret {at.api_secret}"
