"""Finds messages and receipts by filters and words, a page at a time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from devkit.errors import UsageError
from devkit.fixture.listing import parse_duration
from devkit.fixture.store import safe
from devkit.inspector.index import Index, Row, Rows, status_of
from devkit.webhook.timeline import Stage, current_status, stage

# What there is to see, and how the page calls it.
KINDS = {
    "receipt": "receipts",
    "unreadable": "unreadable",
    "probe": "probes",
    "refused": "refused",
    "replay": "replayed",
}
EVENT_KINDS = ("probe", "refused", "replay")  # not recorded: known from the session only
SIGNATURES = ("valid", "invalid", "absent", "unchecked")
UNPARSED = "unparsed"  # what the name of an unreadable recording says for a status

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Query:
    """Empty texts ask for anything.

    text: words, all of which must stand in one receipt. It may hold a phone number, so it is never part of an
    address. status: the one that counts for a message now. within: a length of time, such as `10m`.
    before: a key; only what is older. numbers: show phone numbers whole.
    """

    text: str = ""
    status: str = ""
    err_code: str = ""
    signature: str = ""
    kind: str = ""
    within: str = ""
    before: str = ""
    numbers: bool = False

    @property
    def reads_files(self) -> bool:
        """Whether names alone cannot answer."""
        return bool(self.text or self.err_code or self.signature)

    @property
    def is_open(self) -> bool:
        """Whether nothing in particular is looked for."""
        return not (self.reads_files or self.status or self.kind or self.within)


def read_query(values: Mapping[str, str]) -> Query:
    """A query from what was sent. Raises UsageError for a kind, a signature or a time that there is not."""

    def text(name: str) -> str:
        return values.get(name, "").strip()[:_LONGEST]

    query = Query(
        text=text("q"),
        status=text("status"),
        err_code=text("err-code"),
        signature=text("signature"),
        kind=text("kind"),
        within=text("within"),
        before=text("before"),
        numbers=text("numbers").lower() in ("1", "true", "on"),
    )
    if query.kind and query.kind not in KINDS:
        raise UsageError(f"No kind is called {query.kind!r}.", hint=f"Use one of: {', '.join(KINDS)}")
    if query.signature and query.signature not in SIGNATURES:
        raise UsageError(f"No signature is {query.signature!r}.", hint=f"Use one of: {', '.join(SIGNATURES)}")
    if query.within:
        parse_duration(query.within)
    return query


def whole_number(text: str, most: int) -> int | None:
    """The whole number in a text, from 0 to `most`; None when it holds no such number.

    Python makes no number of more than 4300 digits, and takes its time for less.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        return None
    number = int(text)
    return number if number <= most else None


def since(query: Query, now: datetime) -> str:
    """The least key that is recent enough; empty for all."""
    if not query.within:
        return ""
    try:
        return f"{now - parse_duration(query.within):%Y-%m-%d/%H%M%S.%f}"
    except OverflowError:  # before the year 1
        return ""


def names_match(query: Query, statuses: tuple[str, ...]) -> bool:
    """Whether a message can be meant, as far as the statuses in the names of its receipts tell, oldest first."""
    readable = [status for status in statuses if status != UNPARSED]
    unreadable = len(readable) == 0
    if query.kind and query.kind != ("unreadable" if unreadable else "receipt"):
        return False
    return not query.status or current_status(readable) == safe(query.status, 20)


def row_matches(query: Query, row: Row) -> bool:
    """Whether a receipt is meant, as far as its content tells."""
    if query.err_code and row.err_code != query.err_code:
        return False
    if query.signature and row.signature != query.signature:
        return False
    return all(word in row.text for word in query.text.lower().split())


PAGE = 50  # messages
_OPENED = 12  # receipts of one message that a list opens: the newest, for one may have thousands
_BUDGET = 2_000  # files that one request opens, about a third of a second


@dataclass(frozen=True, slots=True)
class MessageView:
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
    def stages(self) -> list[Stage]:
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

    messages: tuple[MessageView, ...]
    next: str = ""
    stopped: bool = False


def find_messages(
    index: Index, rows: Rows, query: Query, now: datetime, *, limit: int = PAGE, budget: int = _BUDGET
) -> Page:
    """The messages that a query asks for. budget: files to open at most before it stops half-way."""
    found: list[MessageView] = []
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


def read_message(rows: Rows, group: tuple[str, ...], opened: int = _OPENED) -> MessageView | None:
    """A message by the keys of its receipts; None when its files have gone."""
    read = [row for row in (rows.read(key) for key in group[-opened:]) if row is not None]
    if not read:
        return None
    status = current_status(status for status in map(status_of, group) if status != UNPARSED)
    # A name keeps no more of a status than is safe in a file name; the receipt itself has it all.
    status = next((row.status for row in read if safe(row.status, 20) == status), status)
    return MessageView(read[-1].key, tuple(read), len(group), status)


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
