"""What the pages work with: options, store, index and event log."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path

from devkit.events import Event, Sent
from devkit.fixture.store import Store
from devkit.http.address import Address
from devkit.inspector.event_log import EventLog, LoggedEvent
from devkit.inspector.index import Index, Rows, key_of
from devkit.inspector.replay_form import ReplayRequest, SampleOptions
from devkit.replay.result import Replayed
from devkit.webhook.callback import CALLBACK_PATH, without_token
from devkit.webhook.masking import mask_number
from devkit.webhook.signature import Method

# Sends a recording again, as ordered. Raises DevkitError when the order makes no sense.
Replay = Callable[[Path, ReplayRequest], Replayed]


@dataclass(frozen=True, slots=True)
class Options:
    """secret, method: to check signatures. receiver_url: devkit's own, where receipts can be replayed to as well.

    forward_to: the developer's application, None when there is none. replay: None for devkit's own way.
    keeping: None when samples cannot be made. zone: of the times on the page, None for this machine's.
    """

    secret: str = field(default="", repr=False)
    method: Method = "md5hash"
    receiver_url: str = "http://127.0.0.1:3000"
    forward_to: Address | None = None
    replay: Replay | None = None
    keeping: SampleOptions | None = None
    zone: tzinfo | None = None
    clock: Callable[[], datetime] | None = None

    @property
    def curl_url(self) -> str:
        """Where a copied command sends to: the application if there is one."""
        if self.forward_to is None:
            return self.receiver_url + CALLBACK_PATH
        return f"{self.forward_to}{self.forward_to.target or CALLBACK_PATH}"

    @property
    def default_target(self) -> str:
        """Where a replay goes unless something else is typed."""
        if self.forward_to is None:
            return self.receiver_url
        return f"{self.forward_to}{self.forward_to.target}"


@dataclass(frozen=True, slots=True)
class Send:
    """When a message was sent, and the ids of all its parts."""

    at: datetime
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InspectorContext:
    """One for each inspector; everything in it may be used by any thread."""

    store: Store
    event_log: EventLog
    index: Index
    rows: Rows
    options: Options
    replay: Replay
    clock: Callable[[], datetime]

    def about(self, kind: str, key: str) -> list[LoggedEvent]:
        """The kept events of a kind that are about one recording, newest first."""
        return [each for each in self.event_log.kept(kind) if key_of(self.store, file_of(each.event)) == key]

    def sends(self) -> dict[str, Send]:
        """What was sent in this session, by message id: one entry for each part."""
        sends: dict[str, Send] = {}
        for logged in self.event_log.kept("sent")[::-1]:
            if isinstance(logged.event, Sent):
                ids = logged.event.message_ids
                sends |= {each: Send(logged.at, ids) for each in ids}
        return sends


def file_of(event: Event) -> str:
    """The file that an event is about; empty when it is about none."""
    return str(getattr(event, "file", ""))


def as_json(store: Store, logged: LoggedEvent) -> dict[str, object]:
    """A happening for pages and scripts: without the secret of the callback path, numbers masked."""
    said = logged.event.as_json()
    for name in ("callback_url", "former_url"):
        if name in said:
            said[name] = without_token(str(said[name]))
    if isinstance(logged.event, Sent):
        said["to"] = mask_number(logged.event.to)
    return {
        "number": logged.number,
        "at": logged.at.isoformat(),
        "kind": logged.kind,
        "key": key_of(store, file_of(logged.event)),
        **said,
    }
