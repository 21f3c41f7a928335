"""The receipts of a message that was just sent, awaited until each of its parts has a final one."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from devkit.errors import FixtureError
from devkit.event import Event, Notice
from devkit.fixture import load
from devkit.receipt import Receipt
from devkit.redact import one_line
from devkit.send.watch import Watch
from devkit.stop import Stop
from devkit.store import Entry, Store, safe
from devkit.vocabulary import ERR_CODES, STATUSES, meaning

_GLANCE = 0.1  # seconds between two looks
_QUIET = 20.0  # seconds after which a wait gets an explanation; most receipts have come by then
_SKEW = timedelta(minutes=1)  # a receipt can come before the answer, and a clock can be set back meanwhile

Reason = Literal["final", "stopped", "timeout", "session-ended"]


@dataclass(frozen=True, slots=True)
class Came(Event):
    """A receipt of the message was recorded to `file`.

    part: from 1. after_ms: since Vonage took the message, 0 for one that came before its answer.
    advice: what to do about its err-code. final: null when no document lists the status.
    """

    name: ClassVar[str] = "receipt"
    file: str
    message_id: str
    part: int
    status: str
    err_code: str
    meaning: str
    advice: str
    network: str
    after_ms: int
    final: bool | None


@dataclass(frozen=True, slots=True)
class Waited(Event):
    """The waiting is over. Parts by what became of them: delivered, another final status, none yet."""

    name: ClassVar[str] = "waited"
    reason: Reason
    delivered: int
    failed: int
    open: int

    @property
    def exit_code(self) -> int:
        """1 when a part failed or none is known of in time; an end by Ctrl-C is the user's own."""
        given_up = bool(self.open) and self.reason != "stopped"
        return 1 if self.failed or given_up else 0


@dataclass(slots=True)
class Awaited:
    """A message by the ids of its parts, and the final status of each that has one."""

    ids: Sequence[str]
    sent_at: datetime
    ends: dict[str, str] = field(default_factory=dict)
    heard: bool = False

    def take(self, entry: Entry) -> Came | None:
        """What a recording says of the message; None when it is about another one."""
        named = {safe(message_id, 40) for message_id in self.ids}
        if safe(entry.message_id, 40) not in named:
            return None
        try:
            reading = load(entry.path).read()
        except FixtureError:  # it was deleted or edited meanwhile
            return None
        if not isinstance(reading, Receipt) or reading.message_id not in self.ids:
            return None
        self.heard = True
        status = STATUSES.get(reading.status)
        if status and status.final:
            self.ends.setdefault(reading.message_id, reading.status)
        return self._came(entry, reading)

    def waited(self, reason: Reason) -> Waited:
        delivered = sum(status == "delivered" for status in self.ends.values())
        return Waited(reason, delivered, len(self.ends) - delivered, len(self.ids) - len(self.ends))

    def quiet(self) -> Notice:
        """What to say when it takes long."""
        so_far = "Only intermediate receipts so far" if self.heard else "No receipt so far"
        return Notice(f"{so_far}. Some carriers never say more. Why that can be: devkit doctor --wait")

    def _came(self, entry: Entry, receipt: Receipt) -> Came:
        status, code = receipt.status, receipt.err_code
        known = STATUSES.get(status)
        return Came(
            file=str(entry.path),
            message_id=receipt.message_id,
            part=self.ids.index(receipt.message_id) + 1,
            status=one_line(status, 30),
            err_code=one_line(code, 30),
            meaning=meaning(one_line(code, 30), status) if code else "",
            advice=ERR_CODES[code].advice if code in ERR_CODES else "",
            network=one_line(receipt.text("network-code"), 20),
            after_ms=max(0, int((entry.recorded_at - self.sent_at).total_seconds() * 1000)),
            final=known.final if known else None,
        )


def follow(
    ids: Sequence[str],
    sent_at: datetime,
    store: Store,
    stop: Stop,
    *,
    runs: Callable[[], bool],
    timeout: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Came | Notice | Waited]:
    """The receipts of a message as they come, a word when they do not, and at the end what became of it.

    runs: whether the session that records them still does. timeout: seconds; None to wait as long as it takes.
    """
    awaited, watch = Awaited(ids, sent_at), Watch(store, sent_at - _SKEW, clock)
    explain_at = clock() + _QUIET
    deadline = None if timeout is None else clock() + timeout
    while True:
        # Asked before the look, so that what a session recorded last is not missed.
        over = _over(stop, runs, deadline, clock)
        yield from filter(None, map(awaited.take, watch.news()))
        if len(awaited.ends) == len(ids):
            over = "final"
        if over:
            yield awaited.waited(over)
            return
        if clock() >= explain_at:
            explain_at = math.inf
            yield awaited.quiet()
        stop.wait(_GLANCE)


def _over(
    stop: Stop, runs: Callable[[], bool], deadline: float | None, clock: Callable[[], float]
) -> Reason | None:
    if stop():
        return "stopped"
    if not runs():
        return "session-ended"
    return "timeout" if deadline is not None and clock() >= deadline else None
