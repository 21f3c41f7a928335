"""Changes recorded callbacks before they are sent again: fields, times, signature, address."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from devkit.errors import ConfigurationError, FixtureError, UsageError
from devkit.fixture.select import display_path
from devkit.http.address import (
    Address,
    Destination,
    is_same_local_server,
    keep_exact,
    path_of,
    readdress,
    with_header,
)
from devkit.http.local_access import is_local_name
from devkit.replay.schedule import Recording
from devkit.webhook.callback import (
    FORWARDING_HEADERS,
    Callback,
    Transport,
    compose,
    has_token,
    without_secret,
)
from devkit.webhook.receipt import Unreadable, read, stamp
from devkit.webhook.signature import NO_ACCOUNT, Method, Signer
from devkit.webhook.strict_json import InvalidJson

_OMIT = "Omit --set and --unset for it."
_SIGNED = ("timestamp", "nonce")  # what a signed receipt has beside `sig`
_SMS_KINDS = ("sms-receipt", "sms-inbound")  # their fields are flat, in any transport, and signed by `sig`


def set_fields(callback: Callback, values: Mapping[str, object], unset: Collection[str] = ()) -> Callback:
    """The callback with one field for each of the values, and without the unset ones.

    A value replaces the old one in its place; a new field goes to the end. All else keeps its bytes.
    In JSON, a name with dots is a field inside an object: `error.title`.
    Raises FixtureError for a multipart body and for a JSON body that is no object.
    """
    # Imported here because they take a millisecond, and most replays change no field.
    from devkit.webhook.raw_fields import NotAnObject, change_json, change_query

    if callback.transport == "get":
        query = change_query(callback.query.encode("latin-1"), values, unset).decode("latin-1")
        return replace(callback, target=f"{callback.path}?{query}" if query else callback.path)
    if callback.transport == "form":
        if "multipart/" in (callback.header("Content-Type") or "").lower():
            raise FixtureError("The body is multipart, so its fields cannot be changed.", hint=_OMIT)
        return replace(callback, body=change_query(callback.body, values, unset))
    try:
        return replace(callback, body=change_json(callback.body, values, unset))
    except NotAnObject as error:
        raise FixtureError(f"{error}.", hint="Set the whole field, or omit --set for it.") from None
    except InvalidJson:
        raise FixtureError(
            "The body is not a JSON object, so it has no fields to change.", hint=_OMIT
        ) from None


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
            hint="Omit --as for it.",
        )
    if reading.kind not in _SMS_KINDS and transport != "json":
        raise FixtureError(
            f"A webhook of the kind {reading.kind} exists only as JSON, so it cannot be sent as {transport}.",
            hint="Omit --as for it.",
        )
    fields: Mapping[str, object] = reading.fields
    if transport != "json":
        from devkit.webhook.raw_fields import as_text  # imported here as in `set_fields`

        fields = {name: as_text(value) for name, value in fields.items()}
    target = callback.path if callback.transport == "get" else callback.target
    return compose(fields, transport, target=target, host=callback.header("Host") or "localhost")


def signer_with(secret: str, method: Method, api_key: str = "") -> Signer:
    """A signer with the secret of the settings. Raises ConfigurationError when there is none."""
    if not secret:
        raise ConfigurationError(
            "Nothing can be signed: VONAGE_SIGNATURE_SECRET is not set.",
            hint="Add VONAGE_SIGNATURE_SECRET=... to .env (any text; your code must use the same).",
        )
    return Signer(secret, method, api_key)


def new_nonce() -> str:
    """The nonce of a signature or a token: a random UUID."""
    import uuid  # takes long to import

    return str(uuid.uuid4())


def refresh(
    callback: Callback,
    now: datetime,
    nonce: Callable[[], str],
    *,
    times: bool = False,
    signer: Signer | None = None,
) -> Callback:
    """The callback as if it were sent now. One that cannot be read stays as it is.

    times: sets `message-timestamp`, `timestamp` and `nonce` where the receipt has them. `scts`, the carrier's, stays.
    Of the Messages API: `timestamp`, and `iat` and `jti` of the token if there is a signer.
    signer: makes a valid `sig`; a receipt without one gets `timestamp` and `nonce` too. Other kinds get a valid token.
    """
    reading = read(callback)
    if isinstance(reading, Unreadable):
        return callback
    if reading.kind in _SMS_KINDS:
        return _refresh_fields(callback, reading.fields, now, nonce, times, signer)
    if times and reading.kind != "unknown" and (old := reading.text("timestamp")):
        from devkit.webhook.new_webhook import iso_stamp  # imported here as in `set_fields`

        callback = set_fields(callback, {"timestamp": iso_stamp(now, milliseconds="." in old)})
    return _refresh_token(callback, now, nonce, times, signer) if signer else callback


def _refresh_fields(
    callback: Callback,
    old: Mapping[str, object],
    now: datetime,
    nonce: Callable[[], str],
    times: bool,
    signer: Signer | None,
) -> Callback:
    """A receipt or an inbound message of the SMS API, whose signature is among its fields."""
    seconds = int(now.timestamp())
    fresh: dict[str, object] = {
        "message-timestamp": stamp(now),
        "timestamp": seconds if isinstance(old.get("timestamp"), int) else str(seconds),
        "nonce": nonce(),
    }
    missing = _SIGNED if signer and "sig" not in old else ()
    values = {name: value for name, value in fresh.items() if (times if name in old else name in missing)}
    if signer:
        values["sig"] = signer.sign({**old, **values})
    return set_fields(callback, values)


def _refresh_token(
    callback: Callback, now: datetime, nonce: Callable[[], str], times: bool, signer: Signer
) -> Callback:
    """A webhook whose signature is a token in its headers. All claims stay but those about the body, and the time."""
    from devkit.webhook.jwt import claims_of, make_claims, sign_claims  # imported here as in `set_fields`

    old = claims_of(callback.header("Authorization"))
    new = make_claims(callback.body, api_key=signer.api_key or NO_ACCOUNT, now=now, jti=nonce())
    kept = {"api_key"} if times else {"api_key", "iat", "jti"}
    claims = {**old, **{name: value for name, value in new.items() if name not in kept & old.keys()}}
    token = sign_claims(claims, signer.secret)
    return replace(callback, headers=with_header(callback.headers, "Authorization", f"Bearer {token}"))


@dataclass(frozen=True, slots=True)
class Changes:
    """What a user changes in callbacks, in the order in which it is applied.

    sets, unsets: fields to set and to remove. now: new times. resign: a new signature.
    headers: to set; None removes one.
    """

    transport: Transport | None = None
    sets: tuple[tuple[str, str], ...] = ()
    unsets: tuple[str, ...] = ()
    now: bool = False
    resign: bool = False
    headers: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class ReplayRoute:
    """Where receipts go. path: replaces that of the address and the recorded one. exact: the request stays as recorded.

    receiver: devkit's own, while a session runs.
    """

    address: Address
    path: str = ""
    exact: bool = False
    receiver: Address | None = None

    @property
    def is_to_receiver(self) -> bool:
        """Whether devkit itself listens at the address."""
        return self.receiver is not None and is_same_local_server(self.address, self.receiver)


def change_recordings(recordings: Iterable[Recording], changes: Changes) -> list[Recording]:
    """The recordings in another transport and with other fields: all that can be changed before the replay starts.

    Raises FixtureError with the name of the file that cannot be changed.
    """
    if changes.transport is None and not changes.sets and not changes.unsets:
        return list(recordings)
    return [replace(recording, callback=_changed_callback(recording, changes)) for recording in recordings]


def _changed_callback(recording: Recording, changes: Changes) -> Callback:
    callback = recording.callback
    try:
        if changes.transport is not None:
            callback = convert(callback, changes.transport)
        if changes.sets or changes.unsets:
            callback = set_fields(callback, dict(changes.sets), changes.unsets)
    except FixtureError as error:
        raise FixtureError(f"{display_path(recording.path)}: {error.message}", hint=error.hint) from None
    return callback


def transformer(
    changes: Changes,
    route: ReplayRoute,
    signer: Signer | None,
    *,
    clock: Callable[[], datetime],
    nonce: Callable[[], str],
) -> Callable[[Callback], Callback]:
    """The function that makes a callback of `change_recordings` ready to send, when it is due.

    signer: for `changes.resign`.
    """
    path = route.path or path_of(route.address)
    # The receiver refuses a request with such a header, because a proxy passed that on.
    dropped = FORWARDING_HEADERS if route.is_to_receiver else ()
    to = Destination(route.address.netloc, path, dropped)

    def transform(callback: Callback) -> Callback:
        if changes.now or changes.resign:
            callback = refresh(callback, clock(), nonce, times=changes.now, signer=signer)
        callback = keep_exact(callback, path) if route.exact else readdress(callback, to)
        for name, value in changes.headers:
            callback = replace(callback, headers=with_header(callback.headers, name, value))
        return callback

    return transform


def check_secrecy(recordings: Iterable[Recording], route: ReplayRoute) -> None:
    """Raise UsageError when an exact replay would send the secret of the callback path to another machine."""
    address = route.address
    may_be_remote = (address.allow_remote or address.allow_private) and not is_local_name(address.host)
    if not route.exact or not may_be_remote:
        return
    keeps_path = not (route.path or path_of(route.address))
    for recording in recordings:
        callback = recording.callback
        in_headers = without_secret(callback).headers != callback.headers
        if in_headers or (keeps_path and has_token(callback.target)):
            raise UsageError(
                f"{display_path(recording.path)} holds the secret of your callback path, "
                f"and {route.address} is remote.",
                hint="Omit --exact." if in_headers else "Name another path with --path, or omit --exact.",
            )
