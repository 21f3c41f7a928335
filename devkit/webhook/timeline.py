"""The receipts of one message in order: duplicates, receipts in the wrong order, and how it ended. Pure.

The values are named tuples, because `devkit list` needs them: a frozen dataclass takes 0.6 ms to define.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple, get_args

from devkit.webhook.receipt import Webhook
from devkit.webhook.vocabulary import IS_FINAL

# Without a final receipt, Vonage ends a message itself after this time, as `expired` (support article 115007053127).
EXPIRY = timedelta(hours=72)

Stage = Literal["accepted", "buffered", "other", "final"]
Anomaly = Literal["duplicate", "late", ""]
_STAGES: tuple[Stage, ...] = get_args(Stage)
# What the SMS API calls accepted, the Messages API calls submitted.
_STAGE_OF: dict[str, Stage] = {
    **{status: "final" if final else "accepted" for status, final in IS_FINAL.items()},
    "buffered": "buffered",
}

# These differ when Vonage pushes one receipt twice; all other fields are the same.
_PUSH_FIELDS = frozenset({"message-timestamp", "timestamp", "nonce", "sig"})


class Moment(NamedTuple):
    """A receipt and when it was recorded."""

    at: datetime
    receipt: Webhook


class SentMessage(NamedTuple):
    """A text that devkit sent. at: when Vonage took it. parts: the message id of each part, in order. to: masked.

    api: the one that it was sent through. The Messages API has one id for all parts.
    """

    at: datetime
    parts: tuple[str, ...]
    to: str = ""
    api: Literal["sms", "messages"] = "sms"

    def number_of(self, message_id: str) -> int:
        """The number of a part, from 1."""
        return self.parts.index(message_id) + 1

    def milliseconds_until(self, moment: datetime) -> int:
        """Since the send; 0 for a receipt that was there before Vonage's response to the send."""
        return max(0, int((moment - self.at).total_seconds() * 1000))


class Step(NamedTuple):
    """One receipt of a message. since_first, since_previous: in times of recording; the latter None for the first.

    repeats: the index of an earlier step with the same fields. overtaken: it arrived after one of a later stage, or
    after one that Vonage pushed later. contradicts: another final status had arrived before.
    """

    at: datetime
    receipt: Webhook
    since_first: timedelta
    since_previous: timedelta | None
    repeats: int | None = None
    overtaken: bool = False
    contradicts: bool = False


class Timeline(NamedTuple):
    """status: the current one. delay: to the first final receipt, from the send if known, else from the first receipt.

    expires_at: when Vonage gives up on the message; None once it has ended, without a receipt, and for a message of the
    Messages API, of which no document says it.
    """

    steps: tuple[Step, ...]
    status: str
    final: bool
    delay: timedelta | None
    expires_at: datetime | None


def stage(status: str) -> Stage:
    """The stage of a status. No document says whether an undocumented one is final, so it is in between."""
    return _STAGE_OF.get(status, "other")


def current_status(statuses: Iterable[str]) -> str:
    """The status of the latest stage among those that arrived, oldest first; the last one of equals."""
    current = ""
    for status in statuses:
        if not current or _rank(status) >= _rank(current):
            current = status
    return current


SENT = "sent"  # the status of a text with a part that has no receipt yet; no status of Vonage


def text_status(parts: Sequence[str]) -> str:
    """The status of a text by those of its parts, which are empty for a part without a receipt.

    That of a part that ended without delivery, else of the part that is least far. One part has its own.
    """
    if len(parts) == 1:
        return parts[0]
    for status in parts:
        if status and stage(status) == "final" and status != "delivered":
            return status
    return min(parts, key=_rank) if all(parts) else SENT


def build_timeline(moments: Iterable[Moment], sent_at: datetime | None = None) -> Timeline:
    """The timeline of one message. moments: its receipts in any order. sent_at: when it was sent, if known.

    Order and times are those of recording: `scts` has no time zone, and `message-timestamp` no fractions.
    """
    ordered = sorted(moments, key=lambda moment: moment.at)
    steps: list[Step] = []
    history = MessageHistory()
    for moment in ordered:
        steps.append(_step(moment, steps, history))
        history.add(moment.receipt)
    start = sent_at or (ordered[0].at if ordered else None)
    end = next((each.at for each in ordered if stage(each.receipt.status) == "final"), None)
    are_receipts = all(each.receipt.kind == "sms-receipt" for each in ordered)
    return Timeline(
        steps=tuple(steps),
        status=current_status(each.receipt.status for each in ordered),
        final=end is not None,
        delay=max(end - start, timedelta()) if start and end and (sent_at or len(steps) > 1) else None,
        expires_at=start + EXPIRY if start and end is None and are_receipts else None,
    )


class MessageHistory:
    """A summary of the receipts of a message, to compare another with all of them at once: there may be thousands."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}  # the first index of each content
        self.count = 0
        self.rank = -1  # the highest one, without `other`
        self.pushed: dict[Stage, datetime] = {}  # the latest push in each stage
        self.finals: set[str] = set()

    def compare(self, receipt: Webhook) -> Anomaly:
        """What is wrong with the next receipt: it repeats an earlier one, or a later one overtook it."""
        if self.index_of(receipt) is not None:
            return "duplicate"
        return "late" if self.is_ahead_of(receipt) else ""

    def add(self, receipt: Webhook) -> None:
        reached = stage(receipt.status)
        self.places.setdefault(_content(receipt), self.count)
        self.count += 1
        if reached != "other":
            self.rank = max(self.rank, _rank(receipt.status))
        if reached == "final":
            self.finals.add(_result(receipt.status))
        pushed = pushed_at(receipt)
        if pushed is not None:
            self.pushed[reached] = max(self.pushed.get(reached, pushed), pushed)

    def index_of(self, receipt: Webhook) -> int | None:
        """The index of the first receipt with the same fields."""
        return self.places.get(_content(receipt))

    def is_ahead_of(self, receipt: Webhook) -> bool:
        """Whether an earlier step is of a later stage, or was pushed later.

        The time of the push decides within a stage, and for undocumented statuses.
        """
        reached, pushed = stage(receipt.status), pushed_at(receipt)
        if reached != "other" and self.rank > _rank(receipt.status):
            return True
        comparable: tuple[Stage, ...] = _STAGES if reached == "other" else ("other", reached)
        return pushed is not None and any(
            self.pushed[each] > pushed for each in comparable if each in self.pushed
        )


def _step(moment: Moment, before: list[Step], history: MessageHistory) -> Step:
    receipt = moment.receipt
    repeats = history.index_of(receipt)
    ends = stage(receipt.status) == "final"
    return Step(
        at=moment.at,
        receipt=receipt,
        since_first=moment.at - before[0].at if before else timedelta(),
        since_previous=moment.at - before[-1].at if before else None,
        repeats=repeats,
        overtaken=repeats is None and history.is_ahead_of(receipt),
        contradicts=ends and bool(history.finals) and _result(receipt.status) not in history.finals,
    )


def _rank(status: str) -> int:
    # `read` comes after `delivered`, often with the same timestamp (captured, 2023), so the timestamp does not decide.
    return len(_STAGES) if status == "read" else _STAGES.index(stage(status))


def _result(status: str) -> str:
    """A final status; what was read was delivered."""
    return "delivered" if status == "read" else status


def _content(receipt: Webhook) -> str:
    fields = {name: value for name, value in receipt.fields.items() if name not in _PUSH_FIELDS}
    return json.dumps(fields, sort_keys=True)


def pushed_at(receipt: Webhook) -> datetime | None:
    """When Vonage began to push a webhook of the SMS API, from `message-timestamp`; None if that is not a time.

    The `timestamp` of the Messages API is to the second and often equal for two statuses: it orders nothing.
    """
    try:
        moment = datetime.fromisoformat(receipt.text("message-timestamp"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
