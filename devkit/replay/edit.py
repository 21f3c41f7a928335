"""Changes to the fields of a callback that leave all its other bytes as they are. Pure."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar
from urllib.parse import quote_plus, unquote_to_bytes

from devkit.callback import Callback, Transport, compose
from devkit.errors import FixtureError, UsageError
from devkit.receipt import Unreadable, read

Pairs = list[tuple[str, object]]
_Part = TypeVar("_Part")

_LEAVE_OUT = "Leave --set and --unset out for it."


def parse_assignment(text: str) -> tuple[str, str]:
    """A field and its value from the command line: `err-code=2`. Raises UsageError."""
    name, mark, value = text.partition("=")
    if not name or not mark:
        raise UsageError(f"Not a field with a value: {text!r}.", hint="Write it as --set err-code=2")
    return name, value


def set_field(callback: Callback, name: str, value: object) -> Callback:
    """The callback with one field of this name: in its old place, or added at the end.

    Query and form are spliced: the other fields keep their spelling, byte for byte. JSON is written anew,
    compactly and in its order. Raises FixtureError for a JSON body that holds no object.
    """

    def splice(text: str) -> str:
        written = f"{_quoted(name)}={_quoted(_as_text(value))}"
        pieces = text.split("&") if text else []
        return "&".join(_put(pieces, written, [_is_named(piece, name) for piece in pieces]))

    def put(pairs: Pairs) -> Pairs:
        return _put(pairs, (name, value), [each == name for each, _ in pairs])

    return _edit(callback, splice, put)


def _put(parts: list[_Part], new: _Part, is_old: Sequence[bool]) -> list[_Part]:
    """The parts with a new one in the place of the first old one, or at the end, and without the other old ones."""
    if not any(is_old):
        return [*parts, new]
    first = is_old.index(True)
    rest = (part for part, old in zip(parts[first + 1 :], is_old[first + 1 :], strict=True) if not old)
    return [*parts[:first], new, *rest]


def unset_field(callback: Callback, name: str) -> Callback:
    """The callback without any field of this name. Splices and raises as `set_field`."""

    def splice(text: str) -> str:
        return "&".join(piece for piece in text.split("&") if not _is_named(piece, name))

    return _edit(callback, splice, lambda pairs: [pair for pair in pairs if pair[0] != name])


def convert(callback: Callback, transport: Transport) -> Callback:
    """The same fields in another transport, with the headers that Vonage sends with it.

    The callback itself when it has this transport already. Raises FixtureError when it holds no receipt.
    """
    if callback.transport == transport:
        return callback
    reading = read(callback)
    if isinstance(reading, Unreadable):
        raise FixtureError(
            f"A callback without a receipt cannot be sent as {transport}: {reading.problem}",
            hint="Leave --as out for it.",
        )
    fields: Mapping[str, object] = reading.fields
    if transport != "json":
        fields = {name: _as_text(value) for name, value in fields.items()}
    target = callback.path if callback.transport == "get" else callback.target
    return compose(fields, transport, target=target, host=callback.header("Host") or "localhost")


def _edit(callback: Callback, splice: Callable[[str], str], put: Callable[[Pairs], Pairs]) -> Callback:
    # latin-1 maps every byte to one character and back, so that bytes that are not UTF-8 survive a splice.
    if callback.transport == "get":
        query = splice(callback.query)
        if query == callback.query:
            return callback
        return replace(callback, target=f"{callback.path}?{query}" if query else callback.path)
    if callback.transport == "form":
        if "multipart/" in (callback.header("Content-Type") or "").lower():
            raise FixtureError("The body is multipart, so its fields cannot be changed.", hint=_LEAVE_OUT)
        return replace(callback, body=splice(callback.body.decode("latin-1")).encode("latin-1"))
    return replace(callback, body=_edit_json(callback.body, put))


def _edit_json(body: bytes, put: Callable[[Pairs], Pairs]) -> bytes:
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_Object)
        if isinstance(document, _Object):
            edited = _Object(put(list(document)))
            # UTF-8 cannot say a lone surrogate, which a recorded "\ud800" can hold; JSON's escape can.
            return body if edited == document else _render(edited).encode("utf-8", "backslashreplace")
    except (ValueError, RecursionError):
        pass
    raise FixtureError("The body is not a JSON object, so it has no fields to change.", hint=_LEAVE_OUT)


def _is_named(piece: str, name: str) -> bool:
    spelled = piece.partition("=")[0].replace("+", " ").encode("latin-1")
    return bool(piece) and unquote_to_bytes(spelled) == name.encode("utf-8", "surrogatepass")


class _Object(list[tuple[str, object]]):
    """A JSON object in which a name may stand twice."""


def _render(value: object) -> str:
    if isinstance(value, _Object):
        return "{" + ",".join(f"{_render(name)}:{_render(inner)}" for name, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_render, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _quoted(text: str) -> str:
    return quote_plus(text, errors="replace")  # as `compose` does


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)
