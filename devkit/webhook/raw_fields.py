"""The fields of a request as they stand in its raw text, so that one value can be replaced and nothing else moves.

Text here is bytes as latin-1: a position in it is a position in the bytes.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote_plus, unquote_to_bytes

ValueKind = Literal["query", "string", "number", "word", "nested"]

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


class Inseparable(Exception):
    """The text cannot be taken apart into fields."""


@dataclass(frozen=True, slots=True, repr=False)
class Span:
    """One field. value: the bytes that it says, decoded; start and end: where its raw value stands in the text.

    kind: how the value is written; `word` is JSON's null, true and false, `nested` a list or an object.
    """

    name: str
    value: bytes
    start: int
    end: int
    kind: ValueKind


def query_spans(text: str, start: int = 0) -> Iterator[Span]:
    """The fields of a query or a form that begins at start. An item without `=` is a name with an empty value."""
    for item in text[start:].split("&"):
        name, equals, value = item.partition("=")
        begin = start + len(name) + len(equals)
        if item:
            yield Span(
                _unquote(name).decode("utf-8", "replace"), _unquote(value), begin, start + len(item), "query"
            )
        start += len(item) + 1


def json_spans(text: str) -> Iterator[Span]:
    """The top fields of a JSON object, also when a name stands in it twice. Raises Inseparable for anything else."""
    try:
        text.encode("latin-1").decode("utf-8")
        yield from _members(text)
    except (ValueError, IndexError, RecursionError):
        raise Inseparable from None


def splice(text: str, changes: Iterable[tuple[Span, str]]) -> str:
    """The text with new values in the place of old ones, each written as its place demands."""
    parts, done = [], 0
    for span, new in changes:
        parts += [text[done : span.start], _written(span, new)]
        done = span.end
    return "".join([*parts, text[done:]])


def _written(span: Span, new: str) -> str:
    if span.kind == "query":
        return quote_plus(new)
    return new if span.kind == "number" and new.isdecimal() else json.dumps(new)


def _unquote(text: str) -> bytes:
    return unquote_to_bytes(text.replace("+", " ").encode("latin-1"))


def _members(text: str) -> Iterator[Span]:
    at = _expect(text, 0, "{")
    if text[at] == "}":
        _end(text, at)
        return
    while True:
        name, start = _value(text, at)
        if not isinstance(name, str):
            raise Inseparable
        start = _expect(text, _skip(text, start), ":")
        value, end = _value(text, start)
        yield Span(name, _said(value, text[start:end]), start, end, _kind(value))
        at = _skip(text, end)
        if text[at] == "}":
            break
        at = _expect(text, at, ",")
    _end(text, at)


def _end(text: str, at: int) -> None:
    if _skip(text, at + 1) != len(text):
        raise Inseparable


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _expect(text: str, at: int, mark: str) -> int:
    at = _skip(text, at)
    if text[at] != mark:
        raise Inseparable
    return _skip(text, at + 1)


def _value(text: str, start: int) -> tuple[object, int]:
    _, end = _DECODER.raw_decode(text, start)
    # Read again as what it is, UTF-8: only the positions may be found in latin-1.
    return json.loads(text[start:end].encode("latin-1")), end


def _said(value: object, raw: str) -> bytes:
    # A lone surrogate can come out of "\ud800" and must not raise.
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else raw.encode("latin-1")


def _kind(value: object) -> ValueKind:
    if isinstance(value, str):
        return "string"
    if value is None or isinstance(value, bool):
        return "word"
    return "number" if isinstance(value, int | float) else "nested"
