"""A fixture: one recorded callback as a file that people read and programs replay. Format 1.

`request` in the file is the truth, to the byte. `receipt` and `problem` are derived from it for people:
they are written anew each time and never believed.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as _quote
from pathlib import Path

from devkit.callback import Callback
from devkit.document import BadDocument, parse
from devkit.errors import FixtureError
from devkit.receipt import Receipt, Unreadable, read
from devkit.regular_file import read_regular_file
from devkit.signature import Verdict

FORMAT = "vonage-delivery-receipt"
VERSION = 1

_RECORDED_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f!-\xff]+")  # latin-1 but for space, CR and LF
_HEADER_VALUE = re.compile(r"[\x01-\x09\x0b\x0c\x0e-\xff]*")  # latin-1 but for NUL, CR and LF
_MAX_DEPTH = 32  # more than a receipt's own nesting can need
MAX_SIZE = 16 * 1024 * 1024  # bytes; a recording has at most some hundred thousand
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

_PLAIN = (int, float, bool, type(None))
_LISTS = (list, tuple)
_NESTED = (dict, *_LISTS)

# The keys that follow `request` and `receipt`, in the order in which they are written. None is required.
_OPTIONAL = ("signature", "captured", "redacted", "tags", "note")
_NO_PAIRS = '"headers" is not a list of [name, value] pairs'
_KNOWN = frozenset({"format", "version", "recorded_at", "request", "receipt", "problem", *_OPTIONAL})
_KNOWN_IN_REQUEST = frozenset({"method", "target", "headers", "body"})


@dataclass(frozen=True, slots=True)
class Fixture:
    """One recorded callback and what was noted about it.

    recorded_at: UTC, to the microsecond. signature: the verdict at capture, None when nobody looked.
    captured: a note when the bytes are not as they were on the wire. redacted: field name to method,
    when `keep` replaced values. extra, request_extra: keys of the file and of its `request` that this version
    does not know, kept on rewrite. What people wrote stays out of the repr: it may hold numbers.
    """

    recorded_at: datetime
    callback: Callback
    signature: Verdict | None = None
    captured: str = ""
    redacted: Mapping[str, object] = field(default_factory=dict, repr=False)
    tags: tuple[str, ...] = field(default=(), repr=False)
    note: str = field(default="", repr=False)
    extra: Mapping[str, object] = field(default_factory=dict, repr=False)
    request_extra: Mapping[str, object] = field(default_factory=dict, repr=False)

    def read(self) -> Receipt | Unreadable:
        """What the callback says."""
        return read(self.callback)


def dumps(fixture: Fixture) -> bytes:
    """The file's bytes: pure ASCII JSON, fixed key order, two-space indent, one header per line."""
    return dump_document(fixture, fixture.read())


def dump_document(fixture: Fixture, reading: Receipt | Unreadable) -> bytes:
    """As `dumps`, for a caller that has read the callback already."""
    document: dict[str, object] = {
        "format": FORMAT,
        "version": VERSION,
        "recorded_at": format_time(fixture.recorded_at),
        "request": {**_request(fixture.callback), **fixture.request_extra},
    }
    if isinstance(reading, Receipt):
        document["receipt"] = dict(reading.fields)
    else:
        document["problem"] = reading.problem
    for key in _OPTIONAL:
        if value := getattr(fixture, key):
            document[key] = value
    document |= fixture.extra
    return (_render(document) + "\n").encode("ascii")


def loads(data: bytes, name: str = "fixture") -> Fixture:
    """Read a file's bytes. name: how errors call the file. Raises FixtureError, and nothing else, for any bytes."""
    try:
        return _fixture(parse(data, max_depth=_MAX_DEPTH))
    except _Bad as bad:
        raise FixtureError(f"{name}: {bad}", hint=bad.hint) from None
    except BadDocument as bad:
        raise FixtureError(f"{name}: {bad}", hint=_Bad.hint) from None


def load(path: Path) -> Fixture:
    """Read a fixture file. Raises FixtureError with the path in its message."""
    try:
        data = read_regular_file(path, MAX_SIZE)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise FixtureError(
            f"{path}: {reason}", hint="List the recorded receipts with: devkit list"
        ) from error
    return loads(data, str(path))


def format_time(moment: datetime) -> str:
    """A moment as fixtures write it: UTC, microseconds, `Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


class _Bad(Exception):
    hint = "A fixture file is described in docs/fixtures.md; record a new one or mend this one by hand."


def _fixture(document: object) -> Fixture:
    top = _mapping(document, "the file")
    if top.get("format") != FORMAT:
        raise _Bad(f'no "format": "{FORMAT}" in it, so it is not a receipt fixture')
    _check_version(top.get("version"))
    tags = top.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise _Bad('"tags" is not a list of texts')
    signature = top.get("signature")
    if signature not in (None, "absent", "valid", "invalid", "unchecked"):
        raise _Bad('"signature" is none of absent, valid, invalid, unchecked')
    request = _mapping(top.get("request"), '"request"')
    return Fixture(
        recorded_at=_time(top.get("recorded_at")),
        callback=_callback(request),
        signature=signature,
        captured=_text(top, "captured"),
        redacted=_mapping(top.get("redacted", {}), '"redacted"'),
        tags=tuple(tags),
        note=_text(top, "note"),
        extra=_without(top, _KNOWN),
        request_extra=_without(request, _KNOWN_IN_REQUEST),
    )


def _check_version(version: object) -> None:
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _Bad('"version" is not a whole number from 1 up')
    if version > VERSION:
        bad = _Bad(f"format version {version} is newer than this devkit, which reads {VERSION}")
        bad.hint = "Please upgrade: pip install --upgrade vonage-devkit"
        raise bad


def _callback(request: Mapping[str, object]) -> Callback:
    method = _wire(request.get("method"), '"method"', _TOKEN)
    target = _wire(request.get("target"), '"target"', _TARGET)
    headers = request.get("headers")
    if not isinstance(headers, list):
        raise _Bad(_NO_PAIRS)
    return Callback(
        method,
        target,
        tuple([_header(pair) for pair in headers]),
        _body(_mapping(request.get("body"), '"body"')),
    )


def _header(pair: object) -> tuple[str, str]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise _Bad(_NO_PAIRS)
    name = _wire(pair[0], "a header name", _TOKEN)
    return name, _wire(pair[1], "the value of header", _HEADER_VALUE, name)


def _wire(value: object, what: str, allowed: re.Pattern[str], name: str = "") -> str:
    """A part of a request that may go over the wire. what, name: how it is called if it may not."""
    # Line breaks and their like never arrive over HTTP; in a file they would forge requests when it is replayed.
    if isinstance(value, str) and allowed.fullmatch(value):
        return value
    wrong = "holds characters that cannot stand there in HTTP" if isinstance(value, str) else "is not text"
    raise _Bad(f"{what} {name!r} {wrong}" if name else f"{what} {wrong}")


def _body(body: Mapping[str, object]) -> bytes:
    match list(body.items()):
        case [("text", str(text))]:
            try:
                return text.encode("utf-8")
            except UnicodeEncodeError:
                raise _Bad('"text" of the body holds half of a surrogate pair') from None
        case [("base64", str(encoded))]:
            try:
                return base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                raise _Bad('"base64" of the body is not valid base64') from None
    raise _Bad('"body" does not hold exactly one of "text" and "base64"')


def _request(callback: Callback) -> dict[str, object]:
    try:
        text = callback.body.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    body = {"base64": base64.b64encode(callback.body).decode()} if _NOT_TEXT.search(text) else {"text": text}
    headers = [list(pair) for pair in callback.headers]
    return {"method": callback.method, "target": callback.target, "headers": headers, "body": body}


def _render(value: object, indent: str = "") -> str:
    """JSON with an object's keys on a line each; a list of plain values stays on one line."""
    if isinstance(value, str):
        return _quote(value)  # what json.dumps comes to, without its way there
    inner = indent + "  "
    if isinstance(value, _LISTS):
        if any(isinstance(item, _NESTED) for item in value):
            return (
                f"[\n{inner}" + f",\n{inner}".join([_render(item, inner) for item in value]) + f"\n{indent}]"
            )
        return "[" + ", ".join([_render(item) for item in value]) + "]"
    if isinstance(value, dict):
        lines = [f"{_quote(key)}: {_render(item, inner)}" for key, item in value.items()]
        return f"{{\n{inner}" + f",\n{inner}".join(lines) + f"\n{indent}}}" if lines else "{}"
    if isinstance(value, _PLAIN):
        return json.dumps(value)
    return _render(dict(value), indent)  # type: ignore[call-overload]  # any other kind of mapping


def _mapping(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _Bad(f"{what} is not a JSON object")
    return value


def _without(mapping: Mapping[str, object], known: frozenset[str]) -> dict[str, object]:
    return (
        {} if mapping.keys() <= known else {key: value for key, value in mapping.items() if key not in known}
    )


def _text(top: Mapping[str, object], key: str) -> str:
    value = top.get(key, "")
    if not isinstance(value, str):
        raise _Bad(f'"{key}" is not text')
    return value


def _time(value: object) -> datetime:
    if not isinstance(value, str) or not _RECORDED_AT.fullmatch(value):
        raise _Bad('"recorded_at" is not a UTC time such as 2026-11-23T13:45:47.123456Z')
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise _Bad(f'"recorded_at" is no real time: {value}') from None
