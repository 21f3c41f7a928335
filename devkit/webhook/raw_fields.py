"""The fields of a query, a form body or a JSON body, with the positions of their bytes, so that one value can change.

Everything else keeps its bytes: white space, `1.50`, escapes, the order of names, repeated names, a byte order mark.
Find fields with `query_fields` (a query or a form), `json_fields` (the fields of a JSON object) or `json_values`
(nested values too). Then give some of them a new value with `splice`, or put new ones at the end with `add_to_query`
and `add_to_json`. Positions belong to the bytes that were searched: after a change, search again.
`change_query` and `change_json` do all of it by name.
"""

import codecs
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote_plus, unquote_to_bytes

from devkit.webhook.strict_json import InvalidJson

ValueKind = Literal["query", "string", "number", "word", "nested"]
JsonPath = tuple[str | int, ...]

_MAX_DEPTH = 40  # deeper than any fixture may be; values below that are left out
_SPACE = b" \t\r\n"  # JSON's
_SEPARATORS = {b"&": re.compile(rb"&"), b",": re.compile(rb"[ \t\r\n]*+,[ \t\r\n]*+")}
_KINDS: dict[int, ValueKind] = {
    **dict.fromkeys(b"{[", "nested"),
    **dict.fromkeys(b"tfn", "word"),
    0x22: "string",
}
# A string, or anything else between white space and punctuation. Possessive, so that any text is read once.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
# Only to check whether a text is valid. Numbers may have any length.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)


class NotAnObject(InvalidJson):
    """A name leads into a value that has no fields. The text is a sentence without its period."""


@dataclass(frozen=True, slots=True, repr=False)
class RawField:
    """One field or nested value.

    path: the names and indices that lead to it; for a field its name, for a whole JSON text nothing.
    begin: where its name begins, or the value if it has no name. start, end: of the value. written: the value's bytes.
    kind: how the value is written; `word` is JSON's null, true or false, `nested` a list or an object.
    """

    path: JsonPath
    begin: int
    start: int
    end: int
    written: bytes
    kind: ValueKind

    @property
    def name(self) -> str:
        """The last part of the path."""
        return str(self.path[-1]) if self.path else ""

    @property
    def value(self) -> bytes:
        """What the value says: decoded if it is text, else as it is written."""
        if self.kind == "query":
            return _unquote(self.written)
        if self.kind == "string":
            text: str = json.loads(self.written)
            return text.encode("utf-8", "surrogatepass")  # "\ud800" is a valid string and half a character
        return self.written


def query_fields(raw: bytes, start: int = 0) -> list[RawField]:
    """The fields of a query or form that begins at start. An item without `=` is a name with an empty value."""
    fields = []
    for item in raw[start:].split(b"&"):
        end = start + len(item)
        if item:
            name, equals, value = item.partition(b"=")
            path = (_unquote(name).decode("utf-8", "replace"),)
            fields.append(RawField(path, start, start + len(name) + len(equals), end, value, "query"))
        start = end + 1
    return fields


def json_fields(raw: bytes) -> list[RawField]:
    """The fields of a JSON object; a repeated name is there repeatedly. Raises InvalidJson for anything else."""
    return _object(raw)[1]


def _object(raw: bytes) -> tuple[RawField, list[RawField]]:
    """A JSON object and its fields."""
    whole, *fields = json_values(raw, max_depth=1)
    if whole.written[:1] != b"{":
        raise InvalidJson("not an object")
    return whole, fields


def json_values(raw: bytes, *, max_depth: int = _MAX_DEPTH) -> list[RawField]:
    """Every value of a JSON text in UTF-8, a whole before its parts. Raises InvalidJson.

    max_depth: longest path; 0 gives the whole only.
    """
    start = len(codecs.BOM_UTF8) if raw.startswith(codecs.BOM_UTF8) else 0
    try:
        _DECODER.decode(raw[start:].decode("utf-8"))
    except RecursionError:
        raise InvalidJson("nested too deeply") from None
    except ValueError as error:  # a UnicodeDecodeError is one too
        raise InvalidJson(str(error)) from None
    return sorted(_scan(raw, start, max_depth), key=lambda field: field.start)


def splice(raw: bytes, changes: Iterable[tuple[RawField, object]], removed: Iterable[RawField] = ()) -> bytes:
    """The bytes with new values in the place of old ones, and without the removed fields and their separators.

    A value that is bytes goes in as it is. Any other is written as its place demands: text as text, the rest as JSON.
    """
    edits = [(field.start, field.end, _written(raw, field, value)) for field, value in changes]
    edits += [(begin, end, b"") for begin, end in _cuts(raw, removed)]
    parts, done = [], 0
    for start, end, new in sorted(edits):
        parts += [raw[done:start], new]
        done = end
    return b"".join([*parts, raw[done:]])


def add_to_query(raw: bytes, fields: Mapping[str, object]) -> bytes:
    """The query or form with more fields at its end."""
    added = (_quoted(name) + b"=" + _quoted(value) for name, value in fields.items())
    return b"&".join([*filter(None, [raw]), *added])


def add_to_json(raw: bytes, fields: Mapping[str, object]) -> bytes:
    """The JSON object with more fields at its end, spaced as those before them. Raises InvalidJson."""
    whole, present = _object(raw)
    separator, colon, end = b",", b":", whole.start + 1
    if present:
        last, end = present[-1], present[-1].end
        colon = raw[_name_end(raw, last) : last.start]
        if len(present) > 1:
            separator = raw[present[-2].end : last.begin]
        else:  # as between the brace and the only field, else as after its colon
            separator += raw[whole.start + 1 : last.begin] or colon[colon.index(b":") + 1 :]
    added = separator.join(as_json(name) + colon + as_json(value) for name, value in fields.items())
    return raw[:end] + (separator if present and added else b"") + added + raw[end:]


def change_query(raw: bytes, values: Mapping[str, object], unset: Collection[str] = ()) -> bytes:
    """The query or form with one field for each of the values, and without the unset ones."""
    changed, added = _change(raw, query_fields(raw), values, unset)
    return add_to_query(changed, added)


def change_json(raw: bytes, values: Mapping[str, object], unset: Collection[str] = ()) -> bytes:
    """The JSON object with one field for each of the values, and without the unset ones.

    A name with dots, `error.title`, is a field inside an object, unless a field of the whole has the dots in its own
    name. Objects that are missing on the way to a new field are made. Raises InvalidJson.
    """
    fields = json_fields(raw)
    nested = {name for name in (*values, *unset) if "." in name} - {field.name for field in fields}
    plain = {name: value for name, value in values.items() if name not in nested}
    raw, added = _change(raw, fields, plain, unset)
    raw = add_to_json(raw, added) if added else raw
    for name in sorted(nested):
        path = name.split(".")
        raw = (
            splice(raw, (), _values_at(raw, path)) if name in unset else _set_nested(raw, path, values[name])
        )
    return raw


def _change(
    raw: bytes, fields: Iterable[RawField], values: Mapping[str, object], unset: Collection[str]
) -> tuple[bytes, dict[str, object]]:
    """The bytes with new values for fields that are there already, and the values that are still to be added."""
    changes: dict[str, tuple[RawField, object]] = {}
    removed = []
    for field in fields:
        name = field.name
        if name in unset or name in changes:
            removed.append(field)
        elif name in values:
            changes[name] = field, values[name]
    added = {name: value for name, value in values.items() if name not in changes and name not in unset}
    return splice(raw, changes.values(), removed), added


def _set_nested(raw: bytes, path: list[str], value: object) -> bytes:
    if len(path) > _MAX_DEPTH:
        raise NotAnObject(f"{'.'.join(path)[:40]}... is a field inside more than {_MAX_DEPTH} objects")
    if found := _values_at(raw, path):
        return splice(raw, [(found[0], value)], found[1:])
    depth = len(path) - 1
    while not (found := _values_at(raw, path[:depth])):  # it ends with the whole text, whose path is empty
        depth -= 1
    parent = found[0]
    if parent.written[:1] != b"{":
        raise NotAnObject(f"{'.'.join(path[:depth])} is not an object, so it has no field {path[depth]}")
    is_last = depth + 1 == len(path)
    added = add_to_json(parent.written, {path[depth]: value if is_last else {}})
    raw = splice(raw, [(parent, added)])
    return raw if is_last else _set_nested(raw, path, value)


def _values_at(raw: bytes, path: list[str]) -> list[RawField]:
    """The values at a path; several if a name is repeated."""
    return [field for field in json_values(raw) if [str(key) for key in field.path] == path]


def as_text(value: object) -> str:
    """A value as query and form say it: text as it is, null as nothing, all else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)


def as_json(value: object) -> bytes:
    """A value as JSON in UTF-8."""
    # UTF-8 cannot contain a lone surrogate, such as a recorded "\ud800"; a JSON escape can.
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _quoted(value: object) -> bytes:
    # A form cannot contain a lone surrogate; Vonage's Java writes a question mark for it.
    return quote_plus(as_text(value), errors="replace").encode("ascii")


def _unquote(raw: bytes) -> bytes:
    return unquote_to_bytes(raw.replace(b"+", b" "))


def _scan(raw: bytes, start: int, max_depth: int) -> Iterator[RawField]:
    """The values of a valid JSON text that begins at start, each when it ends."""
    path: list[str | int | None] = []  # None: an object whose next name is still to come
    opened: list[tuple[JsonPath, int, int]] = []
    begin = start
    for match in _TOKEN.finditer(raw, start):
        token, at = match[0], match.start()
        if token in b"}]":
            path.pop()
            where, begin_of, start_of = opened.pop()
            if len(where) <= max_depth:
                written = raw[start_of : match.end()]
                yield RawField(where, begin_of, start_of, match.end(), written, "nested")
        elif token == b",":
            path[-1] = path[-1] + 1 if isinstance(path[-1], int) else None
        elif path and path[-1] is None:
            path[-1], begin = json.loads(token), at
        elif token != b":":
            place = _path(path, max_depth), begin if path and isinstance(path[-1], str) else at, at
            if token in b"{[":
                opened.append(place)
                path.append(None if token == b"{" else 0)
            elif len(path) <= max_depth:
                yield RawField(*place, match.end(), token, _KINDS.get(token[0], "number"))


def _path(path: list[str | int | None], max_depth: int) -> JsonPath:
    # One key more than max_depth marks a deeper value, without copying a long path for each.
    return tuple(key for key in path[: max_depth + 1] if key is not None)


def _name_end(raw: bytes, field: RawField) -> int:
    match = _TOKEN.match(raw, field.begin)
    assert match is not None
    return match.end()


def _written(raw: bytes, field: RawField, value: object) -> bytes:
    if field.kind != "query":
        return value if isinstance(value, bytes) else as_json(value)
    equals = b"" if raw[field.begin : field.start].endswith(b"=") else b"="
    return equals + (value if isinstance(value, bytes) else _quoted(value))


def _cuts(raw: bytes, removed: Iterable[RawField]) -> list[tuple[int, int]]:
    """The parts to cut out: each field with the separator after it; adjacent fields are one part.

    The last field has no separator after it, so the one before it is cut out.
    """
    parts: list[tuple[int, int]] = []
    for field in sorted(removed, key=lambda field: field.begin):
        separator = b"&" if field.kind == "query" else b","
        space = b"" if field.kind == "query" else _SPACE
        begin = parts.pop()[0] if parts and parts[-1][1] == field.begin else field.begin
        after = _SEPARATORS[separator].match(raw, field.end)
        if after is None:
            before = raw[:begin].rstrip(space) if space else raw[:begin]
            begin = len(before) - 1 if before.endswith(separator) else begin
        parts.append((begin, after.end() if after else field.end))
    return parts
