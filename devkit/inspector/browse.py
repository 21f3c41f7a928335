"""Messages for the list, newest first, a page at a time: from names where they will do, from few files otherwise."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from devkit.inspector.index import Index, status_of
from devkit.inspector.query import UNPARSED, Query, names_match, row_matches, since
from devkit.inspector.row import Row, Rows
from devkit.store import safe
from devkit.timeline import Stage, current_status, stage

PAGE = 50  # messages
_OPENED = 12  # receipts of one message that a list opens: the newest, for one may have thousands
_BUDGET = 2_000  # files that one request opens, about a third of a second


@dataclass(frozen=True, slots=True)
class Message:
    """The receipts that share a message id, as the list shows them. rows: the newest, oldest first.

    total: how many there are. key: of the newest. status: the one that counts, empty when none is readable.
    """

    key: str
    rows: tuple[Row, ...]
    total: int
    status: str

    @property
    def latest(self) -> Row:
        return self.rows[-1]

    @property
    def decisive(self) -> Row:
        """The newest receipt that says what counts: its err-code is the reason."""
        return next((row for row in self.rows[::-1] if row.status == self.status), self.latest)

    @property
    def rungs(self) -> list[Stage]:
        """The stages that were reached."""
        reached = {stage(row.status) for row in self.rows if row.status}
        return [each for each in ("accepted", "buffered", "final") if each in reached]

    @property
    def delay(self) -> timedelta | None:
        """From the first receipt to the final one; None while one of the two is not known."""
        final = next((row for row in self.rows if row.status and stage(row.status) == "final"), None)
        if final is None or final is self.rows[0] or self.total > len(self.rows):
            return None
        return final.at - self.rows[0].at


@dataclass(frozen=True, slots=True)
class Page:
    """Some messages. next: the key to go on before, empty at the end.

    stopped: nothing more was found so far, but not everything was looked at.
    """

    messages: tuple[Message, ...]
    next: str = ""
    stopped: bool = False


def find_messages(
    index: Index, rows: Rows, query: Query, now: datetime, *, limit: int = PAGE, budget: int = _BUDGET
) -> Page:
    """The messages that a query asks for. budget: files to open at most before it stops half-way."""
    found: list[Message] = []
    oldest = since(query, now)
    last = ""
    for key, group in _messages(index, query.before):
        if oldest and key < oldest:
            return Page(tuple(found))
        if len(found) == limit or budget <= 0:
            return Page(tuple(found), next=last, stopped=len(found) < limit)
        last = key
        if not names_match(query, tuple(map(status_of, group))):
            continue
        budget -= sum(not rows.knows(each) for each in group[-_OPENED:])
        message = read_message(rows, group)
        if message and (not query.reads_files or any(row_matches(query, row) for row in message.rows)):
            found.append(message)
    return Page(tuple(found))


def read_message(rows: Rows, group: tuple[str, ...], opened: int = _OPENED) -> Message | None:
    """A message by the keys of its receipts; None when its files have gone."""
    read = [row for row in (rows.read(key) for key in group[-opened:]) if row is not None]
    if not read:
        return None
    status = current_status(status for status in map(status_of, group) if status != UNPARSED)
    # A name keeps no more of a status than is safe in a file name; the receipt itself has it all.
    status = next((row.status for row in read if safe(row.status, 20) == status), status)
    return Message(read[-1].key, tuple(read), len(group), status)


def find_rows(
    index: Index, rows: Rows, query: Query, now: datetime, *, limit: int = PAGE, budget: int = _BUDGET
) -> tuple[list[Row], str]:
    """Single receipts that a query asks for, newest first, and the key to go on before; empty at the end."""
    found: list[Row] = []
    oldest, last = since(query, now), ""
    for key in index.newest_first(query.before):
        if oldest and key < oldest:
            return found, ""
        if len(found) == limit or budget <= 0:
            return found, last
        last = key
        if not names_match(query, (status_of(key),)):
            continue
        budget -= not rows.knows(key)
        row = rows.read(key)
        if row is not None and row_matches(query, row):
            found.append(row)
    return found, ""


def _messages(index: Index, before: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each message once, at the place of its newest receipt: that key, and the keys of all."""
    for key in index.newest_first(before):
        group = index.message_of(key)
        if group and group[-1] == key:
            yield key, group
