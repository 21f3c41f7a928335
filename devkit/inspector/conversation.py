"""Inbound messages as a conversation: all that one person wrote to one number, with the parts of long texts joined."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from devkit.fixture.store import id_in_name
from devkit.inspector.index import Index, Rows
from devkit.inspector.row import Inbound, Row

_NEWEST = 2_000  # inbound messages that are joined; each opens one file, once
_APART = timedelta(hours=24)  # Vonage sends a part again for so long; then the reference is of another text

Ends = tuple[str, str, str]  # channel, sender and recipient


@dataclass(frozen=True, slots=True)
class JoinedText:
    """What a person wrote at once. rows: its recordings in order of arrival, duplicates too.

    total: how many parts the text has; 0 when it is none of several parts.
    """

    rows: tuple[Row, ...]

    @property
    def first(self) -> Row:
        return self.rows[0]

    @property
    def total(self) -> int:
        return _inbound(self.first).parts

    @property
    def at(self) -> datetime:
        return self.first.at

    @property
    def parts(self) -> list[Row]:
        """One recording of each part that arrived, in the order of the text."""
        each = {_inbound(row).part: row for row in self.rows[::-1]}
        return [each[part] for part in sorted(each)]

    @property
    def missing(self) -> list[int]:
        """The numbers of the parts that did not arrive, from 1."""
        arrived = {_inbound(row).part for row in self.rows}
        return [number for number in range(1, self.total + 1) if number not in arrived]

    @property
    def is_late(self) -> bool:
        """Whether the parts did not arrive in the order of the text."""
        numbers = list(dict.fromkeys(_inbound(row).part for row in self.rows))
        return numbers != sorted(numbers)

    @property
    def pieces(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The joined text, and in its place the numbers of parts that are missing: either of the two is empty."""
        text, gap, expected = "", list[int](), 1
        for row in self.parts:
            inbound = _inbound(row)
            if self.total and inbound.part > expected:
                gap = list(range(expected, inbound.part))
                yield from [(text, ())] if text else []
                yield "", tuple(gap)
                text = ""
            text, expected = text + inbound.text, inbound.part + 1
        yield from [(text, ())] if text else []
        if rest := tuple(range(expected, self.total + 1)):
            yield "", rest

    @property
    def line(self) -> str:
        """The joined text on one line of a list, with `[…]` for what is missing."""
        return " ".join("".join(text or " […] " for text, _ in self.pieces).split())

    @property
    def message_type(self) -> str:
        return _inbound(self.first).message_type


def _inbound(row: Row) -> Inbound:
    return row.inbound or Inbound("", "")


def ends_of(row: Row) -> Ends:
    """The two ends of a conversation."""
    return row.channel, row.sender, row.msisdn


def join_texts(rows: Iterable[Row]) -> list[JoinedText]:
    """Join the parts of long texts. rows: inbound messages, oldest first.

    Parts have ids that have nothing in common, and a sender uses a reference again: another part with the same number,
    or one that comes a day later, begins a new text.
    """
    texts: list[list[Row]] = []
    newest: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        inbound = _inbound(row)
        is_part = inbound.part > 0
        own = (inbound.reference, inbound.parts) if is_part else (row.kind, row.message_id or row.key)
        text = newest.get((*ends_of(row), *own))
        if text is None or _is_of_another(row, text):
            text = newest[*ends_of(row), *own] = []
            texts.append(text)
        text.append(row)
    return [JoinedText(tuple(text)) for text in texts]


def _is_of_another(row: Row, text: Sequence[Row]) -> bool:
    part = _inbound(row).part
    if not part:
        return False
    is_taken = any(_inbound(each).part == part and each.message_id != row.message_id for each in text)
    return is_taken or row.at - text[0].at > _APART


@dataclass(slots=True)
class Conversations:
    """The newest inbound messages. names: the parts of each text, by the name of each. For any thread."""

    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    version: int = 0  # of the index
    _rows: dict[str, Row] = field(default_factory=dict, repr=False)

    def refresh(self, index: Index, rows: Rows) -> None:
        """Read the inbound messages that are new."""
        version = index.inbound_version
        known, keys = self._rows, index.inbound_keys(_NEWEST)
        found = {key: row for key in keys if (row := known.get(key) or rows.read(key))}
        texts = join_texts(row for row in found.values() if row.inbound)
        names: dict[str, tuple[str, ...]] = {}
        for text in texts:
            own = tuple(dict.fromkeys(id_in_name(row.message_id) for row in text.rows if row.message_id))
            names |= dict.fromkeys(own, own) if len(own) > 1 else {}
        self._rows, self.names, self.version = found, names, version

    def with_message(self, row: Row) -> list[JoinedText]:
        """The conversation that an inbound message belongs to, oldest text first."""
        ends = ends_of(row)
        same = [each for each in self._rows.values() if each.inbound and ends_of(each) == ends]
        if all(each.key != row.key for each in same):  # older than those that are kept
            same.insert(0, row)
        return join_texts(same)
