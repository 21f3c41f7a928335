"""The state of the relay that a session follows, by the events that the session published."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from devkit.events.relay import RelayChanged
from devkit.inspector.event_log import EventLog


@dataclass(frozen=True, slots=True)
class RelayLoss:
    """What the relay no longer had for this session. The fields are those of `RelayChanged`."""

    state: str
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class RelayState:
    """state: `live` when all that the relay had was read. who: for whom the session follows it.

    relay: its address, without a password. kept_since: the oldest entry that it has; since: when it was lost; None
    where no event says it. losses: newest first.
    """

    state: Literal["live", "catching up", "reconnecting"]
    who: str
    relay: str
    kept_since: datetime | None
    since: datetime | None
    losses: tuple[RelayLoss, ...]


def relay_state(event_log: EventLog) -> RelayState | None:
    """The state now; None in a session that follows no relay."""
    changes = list(_changes(event_log))
    current = next(
        ((number, each) for number, each in changes if each.state in ("live", "reconnecting")), None
    )
    if current is None:
        return None
    number, newest = current
    kept = next((each.kept_since for _, each in changes if each.kept_since), "")
    caught_up = event_log.kept("caught_up")
    is_behind = not caught_up or caught_up[0].number < number
    return RelayState(
        state="reconnecting" if newest.state == "reconnecting" else "catching up" if is_behind else "live",
        who=newest.who,
        relay=newest.relay,
        kept_since=_moment(kept),
        since=_moment(newest.since),
        losses=tuple(
            RelayLoss(each.state, _moment(each.since), _moment(each.until))
            for _, each in changes
            if each.state in ("trimmed", "emptied")
        ),
    )


def _changes(event_log: EventLog) -> Iterator[tuple[int, RelayChanged]]:
    for each in event_log.kept("relay"):
        if isinstance(each.event, RelayChanged):
            yield each.number, each.event


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
