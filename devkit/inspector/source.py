"""What the pages are made from, and what happened in the session as JSON."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from devkit.event import Event, Sent
from devkit.inspector.feed import Feed, Happening
from devkit.inspector.index import Index, key_of
from devkit.inspector.option import Options, Replay
from devkit.inspector.row import Rows
from devkit.redact import mask_number
from devkit.replay.rewrite import without_token
from devkit.store import Store


@dataclass(frozen=True, slots=True)
class Send:
    """When a message was sent, and the ids of all its parts."""

    at: datetime
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """One for each inspector; everything in it may be used by any thread."""

    store: Store
    feed: Feed
    index: Index
    rows: Rows
    options: Options
    replay: Replay
    clock: Callable[[], datetime]

    def about(self, kind: str, key: str) -> list[Happening]:
        """The kept events of a kind that are about one recording, newest first."""
        return [each for each in self.feed.kept(kind) if key_of(self.store, file_of(each.event)) == key]

    def sends(self) -> dict[str, Send]:
        """What was sent in this session, by message id: one entry for each part."""
        sends: dict[str, Send] = {}
        for happening in self.feed.kept("sent")[::-1]:
            if isinstance(happening.event, Sent):
                ids = happening.event.message_ids
                sends |= {each: Send(happening.at, ids) for each in ids}
        return sends


def file_of(event: Event) -> str:
    """The file that an event is about; empty when it is about none."""
    return str(getattr(event, "file", ""))


def as_json(store: Store, happening: Happening) -> dict[str, object]:
    """A happening for pages and scripts: without the secret of the callback path, numbers masked."""
    said = happening.event.as_json()
    for name in ("callback_url", "former_url"):
        if name in said:
            said[name] = without_token(str(said[name]))
    if isinstance(happening.event, Sent):
        said["to"] = mask_number(happening.event.to)
    return {
        "number": happening.number,
        "at": happening.at.isoformat(),
        "kind": happening.kind,
        "key": key_of(store, file_of(happening.event)),
        **said,
    }
