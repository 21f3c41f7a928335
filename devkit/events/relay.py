"""The events of following a relay and of its receiver, beside those of a session."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from devkit.events import Event

RelayChange = Literal["live", "reconnecting", "trimmed", "emptied"]


@dataclass(frozen=True, slots=True)
class RelayChanged(Event):
    """The relay is reached or lost, or does not hold any more what was to be read.

    state: `live`; `reconnecting`, since `since`; `trimmed`: what came from `since` to `until` is no longer kept;
    `emptied`: it lost all that it had, and is read from its beginning. relay: its address, without a password.
    who: the member that devkit follows for. kept: the entries that it holds, the oldest from `kept_since`.
    recorded: the directory of the recordings. Times are UTC, as text; empty where they say nothing.
    """

    name: ClassVar[str] = "relay"
    state: RelayChange
    relay: str
    who: str
    detail: str = ""
    since: str = ""
    until: str = ""
    kept: int = 0
    kept_since: str = ""
    recorded: str = ""


@dataclass(frozen=True, slots=True)
class CaughtUp(Event):
    """All that the relay had when it was reached is read.

    receipts: those that came since the last one that was read. mine, unclaimed, others: whose they are.
    recorded: new files. present: those that had a file already. unreadable: skipped with --skip.
    """

    name: ClassVar[str] = "caught_up"
    receipts: int
    mine: int
    unclaimed: int
    others: int
    recorded: int
    present: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class RelayReady(Event):
    """The receiver of a relay takes webhooks. engine: its URL without the password. local_url: where it listens.

    callback_url: for the account; only a path where the public URL is not known. health_url: empty without one.
    receiver: its name in the entries. encrypted: whether the engine gets what nobody can read without the team's key.
    """

    name: ClassVar[str] = "ready"
    engine: str
    local_url: str
    callback_url: str
    health_url: str
    receiver: str
    encrypted: bool
    pid: int
