"""Reads the relay's stream from a position on: the receipts of a selection, and what is missing before them."""

from collections import Counter
from dataclasses import dataclass, field, replace

from devkit.errors import RelayError
from devkit.fixture.format import OWNER, Fixture
from devkit.relay.cipher import Cipher
from devkit.relay.entry import file_of, parse_entry
from devkit.relay.position import BEGINNING, Missing, find_missing
from devkit.relay.selection import Selection
from devkit.relay.stream import Engine, Span, StreamEntry

_COUNT = 200  # entries of a read: a few hundred kilobytes


@dataclass(frozen=True, slots=True)
class Received:
    """A receipt from the relay. who: its owner, empty when nobody claims it; the fixture has a tag that says so."""

    id: str
    who: str
    fixture: Fixture


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that were read together.

    received: those that the selection takes. counts: all, by `mine`, `unclaimed`, `others` and, if they were skipped,
    `unreadable`. position: after them. failure: why the next one cannot be read; nothing after it was read.
    """

    received: tuple[Received, ...]
    counts: Counter[str]
    position: str
    missing: Missing | None = None
    skipped: tuple[RelayError, ...] = ()
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
        missing = self._missing(entries, self.engine.span())
        if missing and missing.kind == "emptied":
            return Batch((), Counter(), BEGINNING, missing)
        batch = _BatchBuilder(self.position)
        for entry in entries:
            if not batch.add(entry, self.selection, self.cipher, skip=self.skip):
                break
        return batch.build(missing)

    def _missing(self, entries: list[StreamEntry], span: Span) -> Missing | None:
        return find_missing(self.position, entries[0].id if entries else "", span.first, span.last)


@dataclass(slots=True)
class _BatchBuilder:
    position: str
    received: list[Received] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    skipped: list[RelayError] = field(default_factory=list)
    failure: RelayError | None = None

    def add(self, entry: StreamEntry, selection: Selection, cipher: Cipher, *, skip: bool) -> bool:
        """Add an entry; False when it cannot be read."""
        try:
            owner, received = _open(entry, selection, cipher)
        except RelayError as error:
            if not skip:
                self.failure = error
                return False
            self.skipped.append(error)
            owner, received = "unreadable", None
        self.counts[owner] += 1
        if received:
            self.received.append(received)
        self.position = entry.id
        return True

    def build(self, missing: Missing | None) -> Batch:
        return Batch(
            tuple(self.received), self.counts, self.position, missing, tuple(self.skipped), self.failure
        )


def _open(entry: StreamEntry, selection: Selection, cipher: Cipher) -> tuple[str, Received | None]:
    """Whose an entry is, and its receipt if the selection takes it. Raises RelayError."""
    parsed = parse_entry(entry.id, entry.fields)
    owner = selection.owner(parsed)
    if not selection.takes(parsed):
        return owner, None
    fixture, _ = file_of(entry.id, parsed, cipher)
    return owner, Received(entry.id, parsed.who, with_owner(fixture, parsed.who))


def with_owner(fixture: Fixture, who: str) -> Fixture:
    """The fixture with a tag that names its owner."""
    tag = f"{OWNER}{who}"
    return replace(fixture, tags=(*fixture.tags, tag)) if who and tag not in fixture.tags else fixture
