"""Waits for what becomes of a message, in the files that a session writes: there is no other channel to it."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from devkit.errors import FixtureError
from devkit.events import Event, Notice
from devkit.fixture.format import format_time, load
from devkit.fixture.listing import Watch
from devkit.fixture.select import entries_of_message
from devkit.fixture.store import NO_ID, Entry, Store, safe
from devkit.session.signals import Shutdown
from devkit.webhook.masking import one_line
from devkit.webhook.receipt import Webhook, meaning
from devkit.webhook.timeline import SentMessage
from devkit.webhook.vocabulary import ADVICE, IS_FINAL

_POLL_INTERVAL = 0.1  # seconds
_NOTICE_AFTER = 20.0  # seconds; most receipts have arrived by then
CLOCK_TOLERANCE = timedelta(minutes=1)  # a receipt can arrive before the answer, and a clock can be set back
# A relay's receipts have the time at which its receiver took them, and a follower may be weeks behind.
RELAY_TOLERANCE = timedelta(days=30)

_DELIVERED = ("delivered", "read")  # what was read was delivered

_OUTCOMES = ("sms-receipt", "messages-status")  # the kinds that say what became of a message

ReadSends = Callable[[], Mapping[str, SentMessage]]
Reason = Literal["final", "reached", "stopped", "timeout", "session-ended"]


@dataclass(frozen=True, slots=True)
class ReceiptArrived(Event):
    """A receipt or a status of the message was recorded to `file`.

    part: from 1; a message of the Messages API is one. after_ms: since Vonage took the message, else since its first
    receipt; 0 for a receipt that arrived before that. advice: what to do about its err-code or error number. final:
    null for an undocumented status.
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
    recorded_at: str


@dataclass(frozen=True, slots=True)
class WaitFinished(Event):
    """The wait is over. Numbers of parts: delivered, with another final status, without one.

    reached: whether every part has the status that was waited for, `delivered` for `final`.
    """

    name: ClassVar[str] = "waited"
    reason: Reason
    delivered: int
    failed: int
    open: int
    reached: bool = False
    message_ids: tuple[str, ...] = ()


@dataclass(slots=True)
class PendingMessage:
    """A message by the ids of its parts, and the status that each is to get.

    since: older recordings are not read. sent_at: when Vonage took it, else None until its first receipt is read.
    until: a status, `final` for any final one, `any` for any at all. statuses: of each part, in order of arrival.
    """

    ids: tuple[str, ...]
    since: datetime
    sent_at: datetime | None = None
    until: str = "final"
    statuses: dict[str, list[str]] = field(default_factory=dict)

    def read(self, entries: Sequence[Entry]) -> Iterator[ReceiptArrived]:
        """The receipts of this message among new recordings, oldest first."""
        yield from filter(None, map(self._match, entries))

    def _has(self, entry: Entry) -> bool:
        """Whether the name of a recording can be that of a receipt of this message."""
        return safe(entry.message_id, 40) in {safe(message_id, 40) for message_id in self.ids}

    def _match(self, entry: Entry) -> ReceiptArrived | None:
        if not self._has(entry):
            return None
        receipt = _outcome_in(entry)
        if receipt is None or receipt.message_id not in self.ids:
            return None
        self.sent_at = self.sent_at or entry.recorded_at
        self.statuses.setdefault(receipt.message_id, []).append(receipt.status)
        code = receipt.err_code
        return ReceiptArrived(
            file=str(entry.path),
            message_id=receipt.message_id,
            part=self.ids.index(receipt.message_id) + 1,
            status=one_line(receipt.status, 30),
            err_code=one_line(code, 30),
            meaning=meaning(one_line(code, 30), receipt.status),
            advice=ADVICE.get(code, ""),
            network=one_line(receipt.network, 20),
            after_ms=max(0, int((entry.recorded_at - self.sent_at).total_seconds() * 1000)),
            final=IS_FINAL.get(receipt.status),
            recorded_at=format_time(entry.recorded_at),
        )

    @property
    def result(self) -> Reason | None:
        """`reached`: every part has the status. `final`: the message ended, or a part did with another status."""
        finals = self._finals()
        if self.until == "final":
            return "final" if len(finals) == len(self.ids) > 0 else None
        if self._is_reached():
            return "reached"
        # Receipts can come in the wrong order: after `delivered`, `accepted` may still come.
        leave_open = {self.until} if IS_FINAL.get(self.until) else set(_DELIVERED)
        return "final" if self.until != "any" and set(finals) - leave_open else None

    def finished(self, reason: Reason) -> WaitFinished:
        finals = self._finals()
        delivered = sum(map(finals.count, _DELIVERED))
        return WaitFinished(
            reason=reason,
            delivered=delivered,
            failed=len(finals) - delivered,
            open=len(self.ids) - len(finals),
            reached=self._is_reached(),
            message_ids=tuple(self.ids),
        )

    def delay_notice(self) -> Notice:
        so_far = "Only intermediate receipts so far" if self.statuses else "No receipt so far"
        return Notice(f"{so_far}. Some carriers never send more. For the reasons: devkit doctor --wait")

    def _finals(self) -> list[str]:
        """The first final status of each part that has one."""
        firsts = (next(filter(self._is_end, each), "") for each in self.statuses.values())
        return list(filter(None, firsts))

    def _is_end(self, status: str) -> bool:
        # Who waits for `read` has not got it yet with `delivered`.
        return bool(IS_FINAL.get(status)) and (status, self.until) != ("delivered", "read")

    def _is_reached(self) -> bool:
        wanted = "delivered" if self.until == "final" else self.until
        if not self.ids or len(self.statuses) < len(self.ids):
            return False
        if IS_FINAL.get(wanted):
            enough = _DELIVERED if wanted == "delivered" else (wanted,)
            return sum(map(self._finals().count, enough)) == len(self.ids)
        return wanted == "any" or all(wanted in statuses for statuses in self.statuses.values())


@dataclass(slots=True)
class NewestMessage(PendingMessage):
    """The newest of all messages, by its send or its first receipt. One that comes during the wait takes its place.

    read_sends: the messages that devkit sent, by the message id of each of their parts.
    """

    read_sends: ReadSends = dict
    _known: set[str] = field(default_factory=set)

    def read(self, entries: Sequence[Entry]) -> Iterator[ReceiptArrived]:
        newest = None
        for entry in entries:
            if entry.message_id != NO_ID and entry.message_id not in self._known:
                self._known.add(entry.message_id)
                is_newer = self.sent_at is None or entry.recorded_at > self.sent_at
                if is_newer and not self._has(entry) and _outcome_in(entry):
                    newest = entry
        if newest:
            message_id = _id_in(newest)
            sent = self.read_sends().get(message_id)
            self.ids, self.sent_at = (sent.parts, sent.at) if sent else ((message_id,), None)
            self.statuses = {}
        yield from PendingMessage.read(self, entries)


def find_message(
    store: Store,
    ids: Sequence[str],
    until: str,
    now: datetime,
    *,
    read_sends: ReadSends = dict,
    session_runs: bool,
    is_followed: bool = False,
) -> PendingMessage:
    """The message with these ids, or the only recorded ones that begin or end so; the newest one without ids.

    read_sends: as in `NewestMessage`; the id of one part is then enough for all parts. An id without recordings is
    taken as it is while a session runs. is_followed: whether a follower of a relay records it.
    Raises FixtureError for such an id without a session, and when several messages begin so.
    """
    if not ids:
        return _newest_message(store, until, now, read_sends, session_runs=session_runs)
    sends = read_sends()
    recorded = {each: entries_of_message(store, each) for each in ids}
    missing = [each for each, entries in recorded.items() if not entries and each not in sends]
    if missing and not session_runs:
        raise _not_found(f"message {missing[0]!r}")
    known = [_id_in(entries[0]) if entries else each for each, entries in recorded.items()]
    sent = [sends[each] for each in known if each in sends]
    parts = [part for each in known for part in (sends[each].parts if each in sends else (each,))]
    began = [entries[0].recorded_at for entries in recorded.values() if entries]
    return PendingMessage(
        ids=tuple(dict.fromkeys(parts)),
        since=min([*began, *(each.at for each in sent)], default=now)
        - (RELAY_TOLERANCE if is_followed else CLOCK_TOLERANCE),
        sent_at=min((each.at for each in sent), default=None),
        until=until,
    )


def _newest_message(
    store: Store, until: str, now: datetime, read_sends: ReadSends, *, session_runs: bool
) -> NewestMessage:
    """The newest of the last day with recordings, or the last one that was sent."""
    newest = next(store.entries(), None)
    sent = max(read_sends().values(), key=lambda message: message.at, default=None)
    if not (newest or sent or session_runs):
        raise _not_found("any message")
    day = newest.recorded_at.replace(hour=0, minute=0, second=0, microsecond=0) if newest else now
    return NewestMessage(
        ids=sent.parts if sent else (),
        since=min(day, sent.at if sent else day) - CLOCK_TOLERANCE,
        sent_at=sent.at if sent else None,
        until=until,
        read_sends=read_sends,
    )


def _not_found(what: str) -> FixtureError:
    return FixtureError(
        f"No receipt of {what} is recorded, and no session runs that could record one.",
        hint="Start one: devkit dev. For the recorded messages: devkit list",
    )


def wait_for_receipts(
    message: PendingMessage,
    store: Store,
    stop: Shutdown,
    *,
    session_runs: Callable[[], bool],
    timeout: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[ReceiptArrived | Notice | WaitFinished]:
    """The receipts of a message as they arrive, a notice if that takes long, and the result at the end.

    session_runs: whether the session that records them still runs. timeout: seconds; None for no limit.
    """
    watch, started = Watch(store, message.since, clock), clock()
    notice_at = started + _NOTICE_AFTER
    reason: Reason | None
    while True:
        # Before the recordings are read, so that the last recording of a session is not missed.
        if stop():
            reason = "stopped"
        elif not session_runs():
            reason = "session-ended"
        else:
            reason = "timeout" if timeout is not None and clock() >= started + timeout else None
        yield from message.read(watch.poll())
        if reason := message.result or reason:
            yield message.finished(reason)
            return
        if clock() >= notice_at:
            notice_at = math.inf
            yield message.delay_notice()
        stop.wait(_POLL_INTERVAL)


def _id_in(entry: Entry) -> str:
    """The message id that a recording holds."""
    receipt = _outcome_in(entry)
    return receipt.message_id if receipt else entry.message_id


def _outcome_in(entry: Entry) -> Webhook | None:
    """The receipt or status in a recording; None for anything else, and when it was deleted or edited meanwhile."""
    try:
        reading = load(entry.path).read()
    except FixtureError:
        return None
    return reading if isinstance(reading, Webhook) and reading.kind in _OUTCOMES else None
