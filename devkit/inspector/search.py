"""Finds messages and receipts by filters and search words, a page at a time."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from devkit.errors import UsageError
from devkit.fixture.listing import parse_duration
from devkit.fixture.response_log import RESPONSES, Responses, ResponseState
from devkit.fixture.store import safe
from devkit.inspector.conversation import JoinedText, join_texts
from devkit.inspector.index import Index, Keys, Rows, in_order, key_at, part_statuses
from devkit.inspector.row import Row
from devkit.webhook.timeline import Stage, stage, text_status
from devkit.webhook.vocabulary import INBOUND

# The kinds that can be filtered for, and their names on the page.
KINDS = {
    "sms-receipt": "receipts (SMS)",
    "sms-inbound": "inbound (SMS)",
    "messages-status": "statuses (Messages)",
    "messages-inbound": "inbound (Messages)",
    "unknown": "other products",
    "unreadable": "unreadable",
    "probe": "probes",
    "refused": "refused",
    "replay": "replayed",
}
_OLDER_NAMES = {"receipt": "sms-receipt"}  # in addresses that somebody kept
EVENT_KINDS = ("probe", "refused", "replay")  # not recorded: known only during the session
SIGNATURES = ("valid", "invalid", "absent", "unchecked")
_LONGEST = 200
UNCLAIMED = "unclaimed"  # in the place of a member: a message of a relay that nobody claims
_WORDS = ("kind:", "response:", "who:")  # the filters that may be among the search words: `kind:sms-inbound`
_HTTP_STATUS = re.compile(r"[1-5][0-9][0-9]")


@dataclass(frozen=True, slots=True)
class Query:
    """The filters. An empty one matches everything.

    text: words that must all be in one receipt. They may be a phone number, so they are never part of a URL.
    status: the current one of a message. response: as in `ResponseState.matches`, of any of its receipts.
    within: a duration, such as `10m`, or two times, see `read_interval`; of any of its receipts.
    who: the member of a relay whose message it is, or UNCLAIMED.
    before: a key; only older ones match. numbers: show phone numbers whole.
    """

    text: str = ""
    status: str = ""
    err_code: str = ""
    signature: str = ""
    kind: str = ""
    response: str = ""
    within: str = ""
    who: str = ""
    before: str = ""
    numbers: bool = False

    @property
    def is_filtered(self) -> bool:
        return self != Query(before=self.before, numbers=self.numbers)


def read_query(values: Mapping[str, str]) -> Query:
    """The query in a request's parameters. Raises UsageError for an unknown word, or a wrong duration.

    Among the search words, `kind:sms-inbound`, `response:failed` and `who:ada` are the filters of these names.
    """

    def text(name: str) -> str:
        return values.get(name, "").strip()[:_LONGEST]

    words = text("q").split()
    filters = [word for word in words if word.startswith(_WORDS)]
    named = dict(word.split(":", 1) for word in filters)
    kind = named.get("kind", text("kind"))
    query = Query(
        text=" ".join(word for word in words if word not in filters),
        status=text("status"),
        err_code=text("err-code"),
        signature=text("signature"),
        kind=_OLDER_NAMES.get(kind, kind),
        response=named.get("response", text("response")),
        within=text("within"),
        who=named.get("who", text("who")),
        before=text("before"),
        numbers=text("numbers").lower() in ("1", "true", "on"),
    )
    _require_known("kind", query.kind, KINDS)
    _require_known("signature", query.signature, SIGNATURES)
    if not _HTTP_STATUS.fullmatch(query.response):
        _require_known("response", query.response, (*RESPONSES, "or a status such as 500"))
    if "/" in query.within:
        read_interval(query.within)
    elif query.within:
        parse_duration(query.within)
    return query


def _require_known(noun: str, word: str, known: Iterable[str]) -> None:
    if word and word not in known:
        raise UsageError(f"No {noun} is called {word!r}.", hint=f"Use one of: {', '.join(known)}")


def read_interval(text: str) -> tuple[datetime, datetime]:
    """The two times in a text such as `2026-11-23T12:20:00Z/2026-11-23T12:25:00Z`. Raises UsageError."""
    try:
        start, end = (datetime.fromisoformat(part).astimezone(UTC) for part in text.split("/"))
    except (ValueError, OverflowError):
        raise UsageError(
            f"Not a duration or two times: {text!r}.",
            hint="Write it as 10m, or as 2026-11-23T12:20:00Z/2026-11-23T12:25:00Z",
        ) from None
    return start, end


def _keys_within(within: str, now: datetime) -> tuple[str, str]:
    """The first key of a time, and the first one after it. within: as in `Query`."""
    if "/" in within:
        start, end = read_interval(within)
        return key_at(start), key_at(end)
    try:
        return key_at(now - parse_duration(within)) if within else "", "~"  # sorts after every key
    except OverflowError:  # before the year 1
        return "", "~"


def whole_number(text: str, most: int) -> int | None:
    """The integer in a text, from 0 to `most`; None for any other text.

    The length is checked first: `int` is slow with thousands of digits, and refuses more than 4300.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        return None
    number = int(text)
    return number if number <= most else None


PAGE = 50  # messages
_OPENED = 12  # receipts of one message that a list opens: the newest, for one may have thousands


@dataclass(frozen=True, slots=True)
class MessageView:
    """The receipts of a message, as the list shows them. rows: the newest, oldest first.

    total: how many there are. key: of the newest. status: the current one, empty when no receipt is readable.
    response: of the application, see `Responses.message_state`. parts: the status of each part, see `text_status`.
    """

    key: str
    rows: tuple[Row, ...]
    total: int
    status: str
    response: ResponseState | None = None
    parts: Sequence[str] = ()

    @property
    def latest(self) -> Row:
        return self.rows[-1]

    @property
    def decisive(self) -> Row:
        """The newest receipt with the current status: its err-code is the reason."""
        return next((row for row in self.rows[::-1] if row.status == self.status), self.latest)

    @property
    def inbound(self) -> JoinedText | None:
        """The text of an inbound message, with the parts that are among the rows; None for any other."""
        return join_texts(self.rows)[-1] if self.latest.inbound else None

    @property
    def stages(self) -> list[Stage]:
        """The stages that were reached. A text is final when all its parts are, or one has failed."""
        reached = {stage(row.status) for row in self.rows if row.status}
        if self.parts and stage(self.status) != "final":
            reached.discard("final")
        return [each for each in ("accepted", "buffered", "final") if each in reached]

    @property
    def delay(self) -> timedelta | None:
        """From the first receipt to the final one of the last part; None when one of the two is not known."""
        ends = {row.message_id: row for row in self.rows[::-1] if row.status and stage(row.status) == "final"}
        if len(ends) < max(1, len(self.parts)) or self.total > len(self.rows):
            return None
        last = max(ends.values(), key=lambda row: row.at)
        return None if last is self.rows[0] else last.at - self.rows[0].at


@dataclass(frozen=True, slots=True)
class Page:
    """Some messages. next: continue before this key; empty at the end.

    stopped: the search paused because it had opened many files; older messages may match.
    """

    messages: tuple[MessageView, ...]
    next: str = ""
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Search:
    """Searches the recordings, newest first. budget: a search pauses after it opened so many files."""

    index: Index
    rows: Rows
    responses: Responses
    clock: Callable[[], datetime]
    budget: int = 2_000  # about a third of a second

    def messages(self, query: Query, limit: int = PAGE) -> Page:
        """The messages that match."""
        return self._find(self._messages(query.before), query, limit)

    def receipts(self, query: Query, limit: int = PAGE) -> Page:
        """The single receipts that match, as messages of one receipt each."""
        keys = self.index.newest_first(query.before)
        return self._find((([(key,)], (key,)) for key in keys), query, limit)

    def _messages(self, before: str) -> Iterator[tuple[Sequence[Keys], Keys]]:
        """The receipts of each message, by its parts and in order, once: at the place of its newest receipt."""
        for key in self.index.newest_first(before):
            parts = self.index.parts_of(key)
            keys = in_order(parts)
            if keys and keys[-1] == key:  # empty if all were deleted a moment ago
                yield parts, keys

    def _find(self, groups: Iterable[tuple[Sequence[Keys], Keys]], query: Query, limit: int) -> Page:
        found: list[MessageView] = []
        start, end = _keys_within(query.within, self.clock())
        budget, last = self.budget, ""
        for parts, keys in groups:
            if keys[-1] < start:
                break
            if len(found) == limit or budget <= 0:
                return Page(tuple(found), next=last, stopped=len(found) < limit)
            last = keys[-1]
            if query.within and not any(start <= each < end for each in keys):
                continue
            statuses = part_statuses(parts)
            if not _names_match(query, statuses):
                continue
            if query.response and not self.responses.match(keys, query.response):
                continue
            budget -= sum(not self.rows.knows(each) for each in keys[-_OPENED:])
            message = self._read(keys, statuses)
            if message and any(_row_matches(query, row) for row in message.rows):
                found.append(message)
        return Page(tuple(found))

    def _read(self, keys: Keys, statuses: Sequence[str]) -> MessageView | None:
        """A message by the keys of its receipts, and the statuses of its parts; None when the files were deleted."""
        newest = keys[-_OPENED:]
        read = [row for row in map(self.rows.read, newest) if row is not None]
        if not read:
            return None
        status = text_status(statuses)
        # A file name holds no more of a status than is safe there; the receipt holds all of it.
        status = next((row.status for row in read if safe(row.status, 20) == status), status)
        status = status or read[-1].status
        response = self.responses.message_state(newest)
        parts = statuses if len(statuses) > 1 else ()
        return MessageView(read[-1].key, tuple(read), len(keys), status, response, parts)


def _names_match(query: Query, statuses: Sequence[str]) -> bool:
    """Whether a message can match, by the statuses of its parts."""
    if query.kind and not _may_be(query.kind, statuses):
        return False
    return not query.status or text_status(statuses) == safe(query.status, 20)


def _may_be(kind: str, statuses: Sequence[str]) -> bool:
    """Whether recordings with these statuses in their names can be of a kind. Empty: there was none."""
    if kind == "unreadable":
        return "" in statuses
    if kind.endswith("-inbound"):
        return INBOUND in statuses
    return any(status not in ("", INBOUND) for status in statuses)


def _row_matches(query: Query, row: Row) -> bool:
    """Whether a receipt matches by its content."""
    if query.kind and row.kind != query.kind:
        return False
    if query.who and not is_owned(row.who, query.who):
        return False
    if query.err_code and row.err_code != query.err_code:
        return False
    if query.signature and row.signature != query.signature:
        return False
    return all(word in row.text for word in query.text.lower().split())


def is_owned(who: str, member: str) -> bool:
    """Whether a message is a member's; what `ada` started as `ada.laptop` is hers too. who: empty for nobody's."""
    return who == member or who.partition(".")[0] == member if who else member == UNCLAIMED
