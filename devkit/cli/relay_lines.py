"""The text of the events of a relay, beside those of a session."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from devkit.cli.event_printer import Lines, labeled
from devkit.events import Event
from devkit.events.relay import CaughtUp, RelayChanged
from devkit.fixture.select import display_path
from devkit.webhook.masking import counted


def with_relay(lines: Lines) -> Lines:
    """The same lines, and those of the events of a relay."""

    def all_lines(event: Event, width: int | None = None, at: datetime | None = None) -> Sequence[str]:
        if isinstance(event, RelayChanged):
            return _relay(event)
        if isinstance(event, CaughtUp):
            return [labeled("caught up", caught_up_text(event), fg="cyan")]
        return lines(event, width, at)

    return all_lines


def _relay(event: RelayChanged) -> list[str]:
    if event.state == "live":
        kept = f"kept since {_day(event.kept_since)}, {_receipts(event.kept)}" if event.kept else "empty"
        where = f"{event.relay} into {display_path(Path(event.recorded))}"
        return [
            labeled("relay", f"live; {kept}; you are {event.who}", fg="green", bold=True),
            labeled("", where),
        ]
    return [labeled("relay", missing_text(event), fg="magenta")]


def missing_text(event: RelayChanged) -> str:
    """What a relay's event says, if it is not that the relay is live."""
    since = _moment(event.since)
    if event.state == "reconnecting":
        return f"reconnecting since {since}: {event.detail}"
    if event.state == "trimmed":
        return f"what came from {since} to {_moment(event.until)} is no longer kept"
    return f"the relay is new, or lost all that it had: read until {since} before, now from its beginning"


def caught_up_text(event: CaughtUp) -> str:
    """How many receipts came in the absence of the follower, and what it did with them."""
    if not event.receipts:
        return "nothing came while you were away"
    parts = [text for text in (_owners(event), _more(event)) if text]
    return f"{_receipts(event.receipts)} came while you were away: {', '.join(parts)}"


def _owners(event: CaughtUp) -> str:
    taken = event.recorded + event.present
    if taken < event.mine + event.unclaimed:  # --mine
        left_out = event.unclaimed + event.others
        return f"{event.mine:,} yours, {left_out:,} nobody's or for others (not kept)"
    others = "" if taken > event.mine + event.unclaimed else " (not kept)"
    text = f"{event.mine + event.unclaimed:,} yours or nobody's"
    return f"{text}, {event.others:,} for others{others}" if event.others else text


def _more(event: CaughtUp) -> str:
    present = f"{event.present:,} recorded before" if event.present else ""
    unreadable = f"{event.unreadable:,} skipped" if event.unreadable else ""
    return ", ".join(text for text in (present, unreadable) if text)


def _receipts(count: int) -> str:
    return counted(count, "receipt") if count < 1000 else f"{count:,} receipts"


def _day(moment: str) -> str:
    local = _local(moment)
    return f"{local.day} {local:%b}"


def _moment(moment: str) -> str:
    """A time of today, or a day and a time."""
    local = _local(moment)
    is_today = local.date() == datetime.now(UTC).astimezone().date()
    return f"{local:%H:%M:%S}" if is_today else f"{local.day} {local:%b %H:%M:%S}"


def _local(moment: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone()
