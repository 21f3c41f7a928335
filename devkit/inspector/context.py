"""What the pages work with: options, store, index and event log."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from devkit.events.session import Sent
from devkit.fixture.redaction.policy import Policy
from devkit.fixture.response_log import Responses
from devkit.fixture.store import Store
from devkit.http.address import Address
from devkit.inspector.charts import Overview, read_overview
from devkit.inspector.conversation import Conversations
from devkit.inspector.event_log import EventLog
from devkit.inspector.index import Index, Rows
from devkit.webhook.callback import CALLBACK_PATH
from devkit.webhook.signature import Method

if TYPE_CHECKING:  # only the type: most sessions have no relay
    from devkit.inspector.relay_state import RelayState


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

    def relay(self) -> "RelayState | None":
        """The state of the relay that the session follows; None in a session without one."""
        if not self.event_log.kept("relay"):
            return None
        from devkit.inspector.relay_state import relay_state  # for the reason above

        return relay_state(self.event_log)

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
