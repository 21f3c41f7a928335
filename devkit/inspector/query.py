"""What somebody looks for in the list: filters and words. Read from a form, an address or a script's JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from devkit.duration import parse_duration
from devkit.errors import UsageError
from devkit.inspector.row import Row
from devkit.store import safe
from devkit.timeline import current_status

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
