"""Changes recorded callbacks before they are sent again: fields, times, signature, address."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote_plus, unquote_to_bytes

from devkit.errors import ConfigurationError, FixtureError, UsageError
from devkit.fixture.select import display_path
from devkit.http.address import Address, Destination, keep_exact, path_of, readdress, with_header
from devkit.http.local_access import LOCAL_NAMES
from devkit.replay.schedule import Recording
from devkit.webhook.callback import (
    FORWARDING_HEADERS,
    Callback,
    Transport,
    compose,
    has_token,
    without_secret,
)
from devkit.webhook.receipt import Receipt, Unreadable, read
from devkit.webhook.receipt_fields import stamp
from devkit.webhook.signature import Method, sign

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


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs as an account does: its secret and its method."""

    secret: str = field(repr=False)
    method: Method

    def sign(self, fields: Mapping[str, object]) -> str:
        """The `sig` of the fields, in the letter case that Vonage uses for the method."""
        signature = sign(fields, self.secret, self.method)
        return signature if self.method == "md5hash" else signature.upper()


def signer_with(secret: str, method: Method) -> Signer:
    """A signer with the secret of the settings. Raises ConfigurationError when there is none."""
    if not secret:
        raise ConfigurationError(
            "Nothing can be signed: VONAGE_SIGNATURE_SECRET is not set.",
            hint="Add VONAGE_SIGNATURE_SECRET=... to .env (any text will do, if your code knows the same).",
        )
    return Signer(secret, method)


def restamp(callback: Callback, now: datetime, nonce: Callable[[], str]) -> Callback:
    """The callback as if it were pushed now: `message-timestamp`, `timestamp` and `nonce`, where it has them.

    `scts` is the carrier's and stays. A callback that holds no receipt stays as it is.
    """
    reading = read(callback)
    if not isinstance(reading, Receipt):
        return callback
    seconds = int(now.timestamp())
    is_number = isinstance(reading.fields.get("timestamp"), int)
    fresh: dict[str, object] = {
        "message-timestamp": stamp(now),
        "timestamp": seconds if is_number else str(seconds),
        "nonce": nonce(),
    }
    for name in fresh.keys() & reading.fields.keys():
        callback = set_field(callback, name, fresh[name])
    return callback


def resign(callback: Callback, signer: Signer, now: datetime, nonce: Callable[[], str]) -> Callback:
    """The callback with a `sig` that is right; one that never was signed gets `timestamp` and `nonce` too.

    A callback that holds no receipt stays as it is.
    """
    reading = read(callback)
    if not isinstance(reading, Receipt):
        return callback
    fields = dict(reading.fields)
    missing = {"timestamp": str(int(now.timestamp())), "nonce": nonce()} if "sig" not in fields else {}
    for name, value in missing.items():
        if name not in fields:
            fields[name] = value
            callback = set_field(callback, name, value)
    return set_field(callback, "sig", signer.sign(fields))


@dataclass(frozen=True, slots=True)
class Edits:
    """What the user changes. sets and unsets: fields. headers: a value of None leaves the header out."""

    transport: Transport | None = None
    sets: tuple[tuple[str, str], ...] = ()
    unsets: tuple[str, ...] = ()
    headers: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Renewal:
    """What is made fresh at the moment of sending. signer: None to leave signatures alone."""

    now: bool = False
    signer: Signer | None = None


@dataclass(frozen=True, slots=True)
class ReplayRoute:
    """Where receipts go. path: instead of the address's own and the recorded one. exact: nothing is rewritten.

    own_receiver: devkit listens there. It would take a recorded forwarding header for a stranger's request.
    """

    address: Address
    path: str = ""
    exact: bool = False
    own_receiver: bool = False


def edited(recordings: Iterable[Recording], edits: Edits) -> list[Recording]:
    """The recordings with other transport and fields. Raises FixtureError with the file's name."""
    if edits.transport is None and not edits.sets and not edits.unsets:
        return list(recordings)
    return [replace(recording, callback=_edited(recording, edits)) for recording in recordings]


def _edited(recording: Recording, edits: Edits) -> Callback:
    callback = recording.callback
    try:
        if edits.transport is not None:
            callback = convert(callback, edits.transport)
        for name, value in edits.sets:
            callback = set_field(callback, name, value)
        for name in edits.unsets:
            callback = unset_field(callback, name)
    except FixtureError as error:
        raise FixtureError(f"{display_path(recording.path)}: {error.message}", hint=error.hint) from None
    return callback


def transformer(
    edits: Edits,
    renewal: Renewal,
    route: ReplayRoute,
    *,
    clock: Callable[[], datetime],
    nonce: Callable[[], str],
) -> Callable[[Callback], Callback]:
    """What makes an edited callback ready to go out, at the moment when it does."""
    path = route.path or path_of(route.address)
    dropped = FORWARDING_HEADERS if route.own_receiver else ()
    to = Destination(route.address.netloc, path, dropped)

    def finish(callback: Callback) -> Callback:
        if renewal.now:
            callback = restamp(callback, clock(), nonce)
        if renewal.signer is not None:
            callback = resign(callback, renewal.signer, clock(), nonce)
        callback = keep_exact(callback, path) if route.exact else readdress(callback, to)
        for name, value in edits.headers:
            callback = replace(callback, headers=with_header(callback.headers, name, value))
        return callback

    return finish


def check_secrecy(recordings: Iterable[Recording], route: ReplayRoute) -> None:
    """Raise UsageError when an exact replay would tell another machine the secret of the callback path."""
    is_remote = route.address.allow_remote and route.address.host not in LOCAL_NAMES
    if not route.exact or not is_remote:
        return
    keeps_path = not (route.path or path_of(route.address))
    for recording in recordings:
        callback = recording.callback
        in_headers = without_secret(callback).headers != callback.headers
        if in_headers or (keeps_path and has_token(callback.target)):
            raise UsageError(
                f"{display_path(recording.path)} holds the secret of your callback path, "
                f"and {route.address} is remote.",
                hint="Leave --exact out."
                if in_headers
                else "Name another path with --path, or leave --exact out.",
            )
