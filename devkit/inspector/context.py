"""What the pages work with: options, store, index, event log, and the state of the session."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from devkit.events.session import Ready, Sent, TunnelChanged
from devkit.fixture.redaction.policy import Policy
from devkit.fixture.response_log import Responses
from devkit.fixture.store import Store
from devkit.http.address import Address
from devkit.inspector.charts import Overview, read_overview
from devkit.inspector.conversation import Conversations
from devkit.inspector.event_log import EventLog, LoggedEvent
from devkit.inspector.index import Index, Rows
from devkit.inspector.search import Search
from devkit.webhook.callback import CALLBACK_PATH
from devkit.webhook.signature import Method

if TYPE_CHECKING:  # only the type: a session without a relay imports nothing of it
    from devkit.events.relay import RelayChanged


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """policy: called when samples are made, since it creates the project's private key the first time."""

    directory: Path
    policy: Callable[[], Policy] = field(repr=False)


# Sends a message; to, sender, text and client-ref are as the user typed them. Raises DevkitError.
SendMessage = Callable[[str, str, str, str], Sent]


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """The running session, for its panel. started_at: UTC, as text. callback_url: with the secret token.

    application_id: of the Messages API; empty without one.
    """

    mode: Literal["live", "offline"]
    started_at: str
    public_url: str
    callback_url: str = field(repr=False)
    api_key: str = field(repr=False)
    send: SendMessage = field(repr=False)
    application_id: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """secret, method: to check signatures. receiver_url: devkit's own receiver, which takes replays too.

    forward_to: the developer's application, None without one.
    private: the project's private directory, with the log of its responses and the trash; None without one.
    samples: None when samples cannot be made. zone: of the times on the page, None for that of this machine.
    stopping: whether the session is about to end. session: None before it is ready.
    """

    secret: str = field(default="", repr=False)
    method: Method = "md5hash"
    receiver_url: str = "http://127.0.0.1:3000"
    forward_to: Address | None = None
    private: Path | None = None
    samples: SampleOptions | None = None
    zone: tzinfo | None = None
    stopping: Callable[[], bool] = lambda: False
    session: Callable[[], SessionFacts | None] = lambda: None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def curl_url(self) -> str:
        """The URL in a copied command: the application if there is one, else the receiver."""
        if self.forward_to is None:
            return self.receiver_url + CALLBACK_PATH
        return f"{self.forward_to}{self.forward_to.target or CALLBACK_PATH}"

    @property
    def default_target(self) -> str:
        """The URL of a replay that names no other."""
        if self.forward_to is None:
            return self.receiver_url
        return self.forward_to.url


@dataclass(slots=True)
class InspectorContext:
    """One for each inspector, shared by all its threads."""

    store: Store
    event_log: EventLog
    options: Options
    index: Index
    rows: Rows
    responses: Responses = field(default_factory=Responses)
    conversations: Conversations = field(default_factory=Conversations)
    target: str = ""  # of the last replay that named one
    _overview: tuple[object, Overview] | None = field(default=None, repr=False)

    def refresh(self) -> None:
        """See the newest recordings, sends and responses."""
        self.index.refresh()
        if self.index.inbound_version != self.conversations.version:
            self.conversations.refresh(self.index, self.rows)
        self.index.group(self.event_log.sends(), self.conversations.names)
        self.responses.refresh()

    @property
    def search(self) -> Search:
        return Search(self.index, self.rows, self.responses, self.options.clock)

    def overview(self) -> Overview:
        """The charts. They are drawn anew only after a recording or a send."""
        sends = self.event_log.sends()
        drawn_from = self.index.version, tuple(sends)
        known = self._overview
        if known and known[0] == drawn_from:
            return known[1]
        overview = read_overview(self.index, self.rows, sends, self.options.zone)
        self._overview = drawn_from, overview
        return overview


State = Literal["starting", "ready", "tunnel lost", "relay lost", "stopping"]


def session_state(context: InspectorContext) -> State:
    """The state of the session, in a word or two."""
    if context.options.stopping():
        return "stopping"
    if newest_ready(context.event_log) is None:
        return "starting"
    changes = (logged.event for logged in context.event_log.kept("tunnel"))
    newest = next((each.state for each in changes if isinstance(each, TunnelChanged)), "")
    # The others are those of a tunnel that opens. After `restarted` the new URL is not checked yet.
    if newest in ("lost", "reconnecting", "restarted", "failed"):
        return "tunnel lost"
    relay = relay_state(context.event_log)
    return "relay lost" if relay and relay.state == "reconnecting" else "ready"


def newest_ready(event_log: EventLog) -> Ready | None:
    """What the session announced when it was ready; None before that."""
    events = (logged.event for logged in event_log.kept("ready"))
    return next((event for event in events if isinstance(event, Ready)), None)


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
    """The state of the relay; None in a session that follows none."""
    logged = event_log.kept("relay")
    current = next((each for each in logged if _change(each).state in ("live", "reconnecting")), None)
    if current is None:
        return None
    newest, changes = _change(current), list(map(_change, logged))
    caught_up = event_log.kept("caught_up")
    is_behind = not caught_up or caught_up[0].number < current.number
    return RelayState(
        state="reconnecting" if newest.state == "reconnecting" else "catching up" if is_behind else "live",
        who=newest.who,
        relay=newest.relay,
        kept_since=_moment(next((each.kept_since for each in changes if each.kept_since), "")),
        since=_moment(newest.since),
        losses=tuple(
            RelayLoss(each.state, _moment(each.since), _moment(each.until))
            for each in changes
            if each.state in ("trimmed", "emptied")
        ),
    )


def _change(logged: LoggedEvent) -> "RelayChanged":
    return cast("RelayChanged", logged.event)  # no other event has this name


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
