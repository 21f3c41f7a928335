"""The traps that the fields of a receipt set, told for one receipt: mixed-up names, three clocks, early zeros."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from devkit.receipt import Receipt
from devkit.signature import LONGEST_RETRY
from devkit.vocabulary import STATUSES, WITHOUT_ERROR

_SCTS = re.compile(r"[0-9]{10}")
_SLOW = timedelta(seconds=30)  # Vonage pushes again after a minute (support article 226572227)
_ZONES = timedelta(
    hours=14, minutes=2
)  # the clocks of the world lie no farther from UTC; scts has no seconds


def traps(receipt: Receipt, recorded_at: datetime) -> list[str]:
    """What somebody who reads this receipt could take for something else, a sentence or two each."""
    pushed = pushed_at(receipt)
    return [*_names(receipt), *_status(receipt), *_push(pushed, recorded_at), *_scts(receipt, pushed)]


def pushed_at(receipt: Receipt) -> datetime | None:
    """When Vonage began to push the receipt, by its `message-timestamp`; None when that can't be read."""
    try:
        moment = datetime.fromisoformat(receipt.text("message-timestamp"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _names(receipt: Receipt) -> Iterator[str]:
    if receipt.text("msisdn") and receipt.text("to"):
        yield "`msisdn` is the recipient and `to` the sender, whatever the names suggest."


def _status(receipt: Receipt) -> Iterator[str]:
    known = STATUSES.get(receipt.status)
    if known is None:
        yield "No document lists this status. Treat it as `unknown`, and keep what arrived."
    elif not known.final and receipt.err_code == "0":
        yield "err-code 0 means no error so far: the message is not delivered yet."
    elif receipt.err_code == "0" and receipt.status not in WITHOUT_ERROR:
        yield f"err-code 0 does not mean delivered here: `{receipt.status}` counts, and no reason is given."
    if receipt.status == "accepted":
        yield "Some carriers never say more than `accepted`, as with US long codes. Do not wait for ever."


def _push(pushed: datetime | None, recorded_at: datetime) -> Iterator[str]:
    if pushed is None:
        yield "`message-timestamp` is missing or no time, so when Vonage pushed this receipt is not known."
        return
    yield "`message-timestamp` is when Vonage began to push this receipt, in UTC, not when the phone got the message."
    late = recorded_at - pushed
    if late < timedelta(seconds=-1):
        yield f"It lies {_span(-late)} after the recording: one of the two clocks is wrong, or the receipt was edited."
    elif late > LONGEST_RETRY:
        yield (
            f"It was recorded {_span(late)} later, and Vonage stops sending a receipt again after 72 hours:"
            " this is a replay, an edited receipt or a wrong clock."
        )
    elif late > _SLOW:
        yield f"It was recorded {_span(late)} later: an earlier push probably got no 200, so there may be duplicates."


def _scts(receipt: Receipt, pushed: datetime | None) -> Iterator[str]:
    text = receipt.text("scts")
    if not text:
        return
    moment = _read_scts(text)
    if moment is None or pushed is None:
        yield "`scts` is to the minute, in UTC or in the carrier's local time: never order or measure by it."
        return
    apart = moment - pushed
    if abs(apart) < timedelta(minutes=2):
        # Final receipts of US, Ukrainian and Lebanese numbers have UTC, British and Danish ones local time (captures).
        yield (
            "`scts` agrees with `message-timestamp`, so it is UTC here. Other carriers send their local time there:"
            " never order or measure by it."
        )
    elif abs(apart) <= _ZONES:
        side = "ahead of" if apart > timedelta() else "behind"
        yield (
            f"`scts` says {moment:%H:%M}, about {_span(abs(apart))} {side} `message-timestamp`: it is the carrier's"
            " local time, not a delay. Never order or measure by it."
        )
    else:
        yield f"`scts` says {moment:%Y-%m-%d %H:%M}, which is no time zone's doing: carriers send nonsense there."


def _read_scts(text: str) -> datetime | None:
    if not _SCTS.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None


def _span(length: timedelta) -> str:
    seconds = length.total_seconds()
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        count = round(seconds / size)
        if seconds > 0.98 * size:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds:.1f} seconds"
