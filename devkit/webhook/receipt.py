"""A delivery receipt: what a callback says. Reads the three transports; what cannot be read gets a reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from devkit.webhook.callback import Callback
from devkit.webhook.strict_json import InvalidJson, RepeatedKey, parse

MAX_FIELDS = 1000
_MAX_DEPTH = 16  # far beyond the flat object that Vonage sends


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
        fields = _fields(callback)
        _require_receipt(fields)
    except _Problem as problem:
        return Unreadable(str(problem))
    return Receipt(fields)


def _fields(callback: Callback) -> dict[str, object]:
    transport = callback.transport
    if transport == "get":
        if callback.body and not callback.query:
            raise _Problem(
                "A GET with a body and no query string: Vonage puts the fields of a GET into the query."
            )
        return _query_fields(callback.query, "query string")
    if not callback.body:
        raise _Problem("A POST with neither a body nor a query string: Vonage never sends one.")
    if transport == "json":
        return _json_fields(callback.body)
    if "multipart/" in (callback.header("Content-Type") or "").lower():
        raise _Problem(
            "The body is multipart/form-data; Vonage sends application/x-www-form-urlencoded or JSON."
        )
    if callback.body.lstrip()[:1] in (b"{", b"["):
        raise _Problem("The body is JSON, but its Content-Type says that it is a form.")
    return _query_fields(callback.body, "form body")


def _query_fields(raw: str | bytes, place: str) -> dict[str, object]:
    fields: dict[str, object] = {}
    try:
        text = (raw.encode("latin-1") if isinstance(raw, str) else raw).decode("utf-8")
        if text.count("&") >= MAX_FIELDS:
            raise _too_many(place)
        for pair in filter(None, text.split("&")):
            name, _, value = pair.partition("=")
            if "%" in pair or "+" in pair:  # most are plain, and each receipt has a dozen of them
                name, value = _decoded(name), _decoded(value)
            if name in fields:
                raise _repeated(name)
            fields[name] = value
    except UnicodeError:
        raise _Problem(f"The {place} is not UTF-8.") from None
    return fields


def _decoded(text: str) -> str:
    # As `unquote_plus` with strict errors, in half the time.
    return unquote_to_bytes(text.replace("+", " ")).decode()


def _json_fields(body: bytes) -> dict[str, object]:
    try:
        document = parse(body, max_depth=_MAX_DEPTH)
    except RepeatedKey as repeated:
        raise _repeated(repeated.key) from None
    except InvalidJson as bad:
        raise _Problem(f"The JSON body cannot be read: {bad}.") from None
    if not isinstance(document, dict):
        kind = "array" if isinstance(document, list) else "value without fields"
        raise _Problem(f"The body is a JSON {kind}; Vonage sends one flat JSON object for each receipt.")
    if len(document) > MAX_FIELDS:
        raise _too_many("JSON body")
    return document


def _repeated(name: str) -> _Problem:
    return _Problem(f"The field {name[:40]!r} arrived more than once; Vonage sends each field once.")


def _too_many(place: str) -> _Problem:
    return _Problem(f"The {place} has more than {MAX_FIELDS} fields.")


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
    if "status" not in fields:
        raise _Problem("There is no status field: this is not a delivery receipt.")
    if not isinstance(fields["status"], str) or not fields["status"]:
        raise _Problem("The status is empty or not text; Vonage sends a word such as delivered.")
