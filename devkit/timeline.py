"""The receipts of one message, in order: the steps, what came twice or in the wrong order, and how it ended. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from devkit.explanation.trap import pushed_at
from devkit.receipt import Receipt
from devkit.vocabulary import STATUSES

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
    for moment in ordered:
        steps.append(_step(moment, steps))
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


def _step(moment: Moment, before: list[Step]) -> Step:
    said = _said(moment.receipt)
    repeats = next((place for place, step in enumerate(before) if _said(step.receipt) == said), None)
    status = moment.receipt.status
    finals = {step.receipt.status for step in before if step.stage == "final"}
    return Step(
        at=moment.at,
        receipt=moment.receipt,
        since_first=moment.at - before[0].at if before else timedelta(),
        since_previous=moment.at - before[-1].at if before else None,
        repeats=repeats,
        overtaken=repeats is None and any(_is_ahead(step.receipt, moment.receipt) for step in before),
        contradicts=stage(status) == "final" and bool(finals) and status not in finals,
    )


def _is_ahead(earlier: Receipt, receipt: Receipt) -> bool:
    """Whether a receipt that arrived earlier ought to have arrived later."""
    stages = stage(earlier.status), stage(receipt.status)
    if "other" not in stages and stages[0] != stages[1]:
        return _rank(earlier.status) > _rank(receipt.status)
    pushed = pushed_at(earlier), pushed_at(receipt)
    return pushed[0] is not None and pushed[1] is not None and pushed[0] > pushed[1]


def _rank(status: str) -> int:
    return _STAGES.index(stage(status))


def _said(receipt: Receipt) -> dict[str, object]:
    return {name: value for name, value in receipt.fields.items() if name not in _OF_THE_PUSH}
