"""Reads the relay's stream from a position on: the receipts of a selection, and what is missing before them.

A follower keeps its own receipts, those that nobody claims, or all.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Literal

from devkit.errors import RelayError
from devkit.fixture.format import OWNER, Fixture
from devkit.relay.cipher import Cipher
from devkit.relay.entry import RelayEntry, file_of, parse_entry
from devkit.relay.position import BEGINNING, Missing, find_missing
from devkit.relay.stream import Engine, Span, StreamEntry

_COUNT = 200  # entries of a read: a few hundred kilobytes

Choice = Literal["mine-and-unclaimed", "mine", "all"]
Owner = Literal["mine", "unclaimed", "others"]


@dataclass(frozen=True, slots=True)
class Selection:
    """The receipts that a follower keeps. who: the member that it follows for.

    message_ids: of these messages only, also of those of other members; empty for any.
    """

    who: str
    choice: Choice = "mine-and-unclaimed"
    message_ids: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """Under which its position is kept. Each choice has its own: what one leaves out, another must still read."""
        return {"mine-and-unclaimed": self.who, "mine": f"{self.who} --mine", "all": "--all"}[self.choice]

    def owner(self, entry: RelayEntry) -> Owner:
        """Whose an entry is. What `ada` started under a name such as `ada.laptop` is hers too."""
        if not entry.who:
            return "unclaimed"
        name, _, part = entry.who.partition(".")
        return "mine" if entry.who == self.who or (part and name == self.who) else "others"

    def takes(self, entry: RelayEntry) -> bool:
        """Whether an entry is kept."""
        if self.message_ids:
            return entry.message_id in self.message_ids
        owner = self.owner(entry)
        return self.choice == "all" or owner == "mine" or (owner == "unclaimed" and self.choice != "mine")


@dataclass(frozen=True, slots=True)
class Received:
    """A receipt from the relay. who: its owner, empty when nobody claims it; the fixture has a tag that says so."""

    id: str
    who: str
    fixture: Fixture


@dataclass(slots=True)
class Batch:
    """Entries that were read together.

    position: after them. span: what the stream held right after the read. received: those that the selection takes.
    counts: all, by `mine`, `unclaimed`, `others` and, if they were skipped, `unreadable`. failure: why the next one
    cannot be read; nothing after it was read.
    """

    position: str
    span: Span
    missing: Missing | None = None
    received: list[Received] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    skipped: list[RelayError] = field(default_factory=list)
    failure: RelayError | None = None


@dataclass(slots=True)
class RelayReader:
    """Reads on from a position, which the caller moves. For one thread. skip: leave out what cannot be read."""

    engine: Engine
    selection: Selection
    cipher: Cipher = field(repr=False)
    position: str = BEGINNING
    skip: bool = False

    def read(self, wait: float) -> Batch:
        """The next entries; waits up to `wait` seconds for the first one. Raises RelayError for the engine."""
        entries = self.engine.read(self.position, wait, _COUNT)
        span = self.engine.span()
        missing = find_missing(self.position, entries[0].id if entries else "", span.first, span.last)
        if missing and missing.kind == "emptied":
            return Batch(BEGINNING, span, missing)
        batch = Batch(self.position, span, missing)
        for entry in entries:
            self._add(entry, batch)
            if batch.failure:
                break
        return batch

    def _add(self, entry: StreamEntry, batch: Batch) -> None:
        try:
            owner, received = _open(entry, self.selection, self.cipher)
        except RelayError as error:
            if not self.skip:
                batch.failure = error
                return
            batch.skipped.append(error)
            owner, received = "unreadable", None
        batch.counts[owner] += 1
        if received:
            batch.received.append(received)
        batch.position = entry.id


def _open(entry: StreamEntry, selection: Selection, cipher: Cipher) -> tuple[str, Received | None]:
    """Whose an entry is, and its receipt if the selection takes it. Raises RelayError."""
    parsed = parse_entry(entry.id, entry.fields)
    owner = selection.owner(parsed)
    if not selection.takes(parsed):
        return owner, None
    fixture, _ = file_of(entry.id, parsed, cipher)
    return owner, Received(entry.id, parsed.who, _with_owner(fixture, parsed.who))


def _with_owner(fixture: Fixture, who: str) -> Fixture:
    """The fixture with a tag that names its owner."""
    tag = f"{OWNER}{who}"
    return replace(fixture, tags=(*fixture.tags, tag)) if who and tag not in fixture.tags else fixture
