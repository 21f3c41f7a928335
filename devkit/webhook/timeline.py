"""The receipts of one message, in order: the steps, what came twice or in the wrong order, and how it ended. Pure."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from devkit.webhook.receipt import Receipt
from devkit.webhook.vocabulary import STATUSES

# Vonage ends a message itself after so long without a final receipt, as `expired` (support article 115007053127).
PATIENCE = timedelta(hours=72)

Stage = Literal["accepted", "buffered", "other", "final"]
_STAGES: tuple[Stage, ...] = ("accepted", "buffered", "other", "final")

# These differ between two pushes of one receipt; all other fields say the same.
_OF_THE_PUSH = frozenset({"message-timestamp", "timestamp", "nonce", "sig"})


@dataclass(frozen=True, slots=True)
class Moment:
    """A receipt and when it was recorded."""

    at: datetime
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Step:
    """One receipt of a message. since_first, since_previous: by the time of recording; the latter None for the first.

    repeats: the place of an earlier step that says the same. overtaken: it arrived after one that is further on,
    or that Vonage pushed later. contradicts: another final status had arrived before.
    """

    at: datetime
    receipt: Receipt
    since_first: timedelta
    since_previous: timedelta | None
    repeats: int | None = None
    overtaken: bool = False
    contradicts: bool = False

    @property
    def stage(self) -> Stage:
        return stage(self.receipt.status)


@dataclass(frozen=True, slots=True)
class Timeline:
    """status: the one that counts now. delay: from the send, if known, or the first receipt to the first final one.

    expires_at: when Vonage gives up on the message; None once it has ended, and when there is no receipt.
    """

    steps: tuple[Step, ...]
    status: str
    final: bool
    delay: timedelta | None
    expires_at: datetime | None


def stage(status: str) -> Stage:
    """How far a status is: no document says whether one that none lists is final, so it is between."""
    known = STATUSES.get(status)
    if known is None:
        return "other"
    if known.final:
        return "final"
    return "accepted" if status == "accepted" else "buffered"


def current_status(statuses: Iterable[str]) -> str:
    """The status that counts, of those that arrived, oldest first: the furthest one, the latest of equals."""
    furthest = ""
    for status in statuses:
        if not furthest or _rank(status) >= _rank(furthest):
            furthest = status
    return furthest


def build_timeline(moments: Iterable[Moment], sent_at: datetime | None = None) -> Timeline:
    """The timeline of one message. moments: its receipts in any order. sent_at: when it was sent, if that is known.

    Order and times are those of recording: `scts` has no time zone, and `message-timestamp` no fractions.
    """
    ordered = sorted(moments, key=lambda moment: moment.at)
    steps: list[Step] = []
    earlier = _Earlier()
    for moment in ordered:
        steps.append(_step(moment, steps, earlier))
        earlier.add(moment.receipt)
    status = current_status(step.receipt.status for step in steps)
    end = next((step.at for step in steps if step.stage == "final"), None)
    start = sent_at or (ordered[0].at if ordered else None)
    return Timeline(
        steps=tuple(steps),
        status=status,
        final=end is not None,
        delay=max(end - start, timedelta()) if start and end and (sent_at or len(steps) > 1) else None,
        expires_at=start + PATIENCE if start and end is None else None,
    )


@dataclass(slots=True)
class _Earlier:
    """What the steps before one say, so that it is compared with all of them at once: there may be thousands.

    places: of the first step that says something. rank: of the furthest stage but for `other`; -1 without one.
    pushed: the latest push of each stage.
    """

    places: dict[str, int] = field(default_factory=dict)
    count: int = 0
    rank: int = -1
    pushed: dict[Stage, datetime] = field(default_factory=dict)
    finals: set[str] = field(default_factory=set)

    def add(self, receipt: Receipt) -> None:
        reached = stage(receipt.status)
        self.places.setdefault(_said(receipt), self.count)
        self.count += 1
        if reached != "other":
            self.rank = max(self.rank, _rank(receipt.status))
        if reached == "final":
            self.finals.add(receipt.status)
        pushed = pushed_at(receipt)
        if pushed is not None:
            self.pushed[reached] = max(self.pushed.get(reached, pushed), pushed)

    def is_ahead_of(self, receipt: Receipt) -> bool:
        """Whether one of them ought to have arrived later: it is further on, or was pushed later.

        The time of the push decides within a stage, and where no document says how far a status is.
        """
        reached, pushed = stage(receipt.status), pushed_at(receipt)
        if reached != "other" and self.rank > _rank(receipt.status):
            return True
        comparable: tuple[Stage, ...] = _STAGES if reached == "other" else ("other", reached)
        return pushed is not None and any(
            self.pushed[each] > pushed for each in comparable if each in self.pushed
        )


def _step(moment: Moment, before: list[Step], earlier: _Earlier) -> Step:
    receipt = moment.receipt
    repeats = earlier.places.get(_said(receipt))
    return Step(
        at=moment.at,
        receipt=receipt,
        since_first=moment.at - before[0].at if before else timedelta(),
        since_previous=moment.at - before[-1].at if before else None,
        repeats=repeats,
        overtaken=repeats is None and earlier.is_ahead_of(receipt),
        contradicts=stage(receipt.status) == "final"
        and bool(earlier.finals)
        and receipt.status not in earlier.finals,
    )


def _rank(status: str) -> int:
    return _STAGES.index(stage(status))


def _said(receipt: Receipt) -> str:
    said = {name: value for name, value in receipt.fields.items() if name not in _OF_THE_PUSH}
    return json.dumps(said, sort_keys=True)


def pushed_at(receipt: Receipt) -> datetime | None:
    """When Vonage began to push the receipt, by its `message-timestamp`; None when that can't be read."""
    try:
        moment = datetime.fromisoformat(receipt.text("message-timestamp"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
