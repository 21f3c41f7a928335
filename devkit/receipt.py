"""A delivery receipt: what a callback says. Reads the three transports; what cannot be read gets a reason."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from devkit.callback import Callback

MAX_FIELDS = 1000
_MAX_DEPTH = 16  # far beyond anything Vonage sends; keeps hostile nesting away from recursive code


@dataclass(frozen=True, slots=True, repr=False)
class Receipt:
    """What Vonage says about one message part.

    fields: the vendor's names and the values that arrived, in the order of arrival.
    Values are text, except where JSON sent another type: then they are what JSON sent.
    """

    fields: Mapping[str, object]

    def __repr__(self) -> str:
        # No numbers in logs and test reports: the status, the err-code and how many fields there are.
        return f"<Receipt {self.status} err-code={self.err_code or '-'} ({len(self.fields)} fields)>"

    def text(self, name: str) -> str:
        """A field as text; empty when it is missing or null."""
        value = self.fields.get(name)
        return "" if value is None else str(value)

    @property
    def message_id(self) -> str:
        return self.text("messageId")

    @property
    def status(self) -> str:
        return self.text("status")

    @property
    def err_code(self) -> str:
        return self.text("err-code")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A callback that holds no receipt. problem: one sentence for people, naming the likely mistake."""

    problem: str


class _Problem(Exception):
    pass


def read(callback: Callback) -> Receipt | Unreadable:
    """What a callback says. Takes any bytes; never raises."""
    try:
        fields = _unique(_pairs(callback))
        _require_receipt(fields)
    except _Problem as problem:
        return Unreadable(str(problem))
    return Receipt(fields)


def _pairs(callback: Callback) -> list[tuple[str, object]]:
    if callback.transport == "json":
        return _json_pairs(callback.body)
    if callback.transport == "get":
        return _query_pairs(callback.query.encode("latin-1"), "query string")
    if not callback.body:
        raise _Problem("A POST with neither a body nor a query string: Vonage never sends one.")
    content_type = callback.header("Content-Type") or ""
    if "multipart/" in content_type.lower():
        raise _Problem("The body is multipart/form-data; Vonage sends application/x-www-form-urlencoded or JSON.")
    if callback.body.lstrip()[:1] in (b"{", b"["):
        raise _Problem(f"The body is JSON, but its Content-Type says {content_type or 'nothing'}.")
    return _query_pairs(callback.body, "form body")


def _query_pairs(raw: bytes, place: str) -> list[tuple[str, object]]:
    try:
        text = raw.decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError:
        raise _Problem(f"The {place} is not UTF-8.") from None
    except ValueError:
        raise _Problem(f"The {place} has more than {MAX_FIELDS} fields.") from None
    return list(pairs)


def _json_pairs(body: bytes) -> list[tuple[str, object]]:
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_Object, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise _Problem("The JSON body is not UTF-8.") from None
    except RecursionError:
        raise _Problem("The JSON body is nested too deeply.") from None
    except ValueError as error:
        raise _Problem(f"The body is not valid JSON ({_where(error)}).") from None
    if not isinstance(document, _Object):
        kind = "array" if isinstance(document, list) else "value without fields"
        raise _Problem(f"The body is a JSON {kind}; Vonage sends one flat JSON object for each receipt.")
    if len(document) > MAX_FIELDS:
        raise _Problem(f"The JSON body has more than {MAX_FIELDS} fields.")
    return [(name, _plain(value)) for name, value in document]


class _Object(list[tuple[str, object]]):
    """A JSON object before its names are known to be unique."""


def _plain(value: object, depth: int = 1) -> object:
    if depth > _MAX_DEPTH:
        raise _Problem("The JSON body is nested too deeply.")
    if isinstance(value, _Object):
        return _unique((name, _plain(inner, depth + 1)) for name, inner in value)
    if isinstance(value, list):
        return [_plain(inner, depth + 1) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise _Problem("The JSON body holds a number that is too large.")
    return value


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _where(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}"
    return "a number in it cannot be read"


def _unique(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for name, value in pairs:
        if name in fields:
            raise _Problem(f"The field {name[:40]!r} arrived more than once; Vonage sends each field once.")
        fields[name] = value
    return fields


def _require_receipt(fields: Mapping[str, object]) -> None:
    if "message_uuid" in fields:
        raise _Problem(
            "This is a Messages API status (it has message_uuid), not an SMS API receipt: "
            "set the account's default SMS setting to SMS API in the dashboard."
        )
    if "status" not in fields and "text" in fields:
        raise _Problem(
            "This is an inbound SMS (it has a text), not a receipt: "
            "the account's inbound webhook points at the receipt URL."
        )
    if not isinstance(fields.get("status"), str) or not fields["status"]:
        raise _Problem("There is no status field: this is not a delivery receipt.")
