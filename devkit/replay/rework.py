"""All that is changed in recordings before they are sent again: edits, then fresh times, then the address."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from devkit.callback import FORWARDING_HEADERS, Callback, Transport
from devkit.errors import FixtureError, UsageError
from devkit.push import Address
from devkit.replay.edit import convert, set_field, unset_field
from devkit.replay.plan import Recording
from devkit.replay.renew import Signer, resign, restamp
from devkit.replay.rewrite import Destination, has_token, keep_exact, readdress, with_header, without_secret
from devkit.replay.target import LOCAL_NAMES, path_of
from devkit.selector import shown


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
class Route:
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
        raise FixtureError(f"{shown(recording.path)}: {error.message}", hint=error.hint) from None
    return callback


def finisher(
    edits: Edits,
    renewal: Renewal,
    route: Route,
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


def check_secrecy(recordings: Iterable[Recording], route: Route) -> None:
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
                f"{shown(recording.path)} holds the secret of your callback path, and {route.address} is remote.",
                hint="Leave --exact out."
                if in_headers
                else "Name another path with --path, or leave --exact out.",
            )
