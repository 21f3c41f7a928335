"""An order to send a recording again: where to, and what is changed in it. Carried out by `replayer`."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from devkit.callback import TRANSPORTS, Transport
from devkit.errors import UsageError
from devkit.fixture import Fixture, load
from devkit.push import Address, Connection, parse_address
from devkit.receipt import Receipt
from devkit.redact import mask_field
from devkit.replay.outcome import Replayed
from devkit.replay.plan import Recording
from devkit.replay.renew import signer_with
from devkit.replay.rework import Edits, Renewal, Route, edited, finisher
from devkit.replay.run import Rules, attempt
from devkit.replay.target import LOCAL_NAMES
from devkit.selector import shown
from devkit.signature import Method

_TIMEOUT = 10  # seconds; a person waits for it
_LONGEST = 2_000  # characters of a value that can be edited on the page


@dataclass(frozen=True, slots=True)
class Order:
    """to: a URL; empty for the usual target. now, resign: make times fresh, and the signature."""

    to: str = ""
    edits: Edits = field(default_factory=Edits)
    now: bool = False
    resign: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the receipt goes out as it was recorded."""
        return self.edits == Edits() and not self.now and not self.resign


@dataclass(frozen=True, slots=True)
class Editable:
    """A field in the form for a replay. value: to begin with, empty for a hidden number.

    hidden: a number that is not shown; left empty, it stays. fixed: a form could not give it back as it is.
    """

    name: str
    value: str
    hidden: str = ""
    fixed: bool = False


def editable_fields(fixture: Fixture, *, numbers: bool) -> list[Editable]:
    """The fields of a receipt for a form. numbers: show phone numbers whole."""
    reading = fixture.read()
    fields: Mapping[str, object] = reading.fields if isinstance(reading, Receipt) else {}
    return [_editable(name, value, numbers) for name, value in fields.items()]


def _editable(name: str, value: object, numbers: bool) -> Editable:
    text = value if isinstance(value, str) else ""
    if not isinstance(value, str) or not text.isprintable() or not name.isprintable() or len(text) > _LONGEST:
        return Editable(name, "", fixed=True)
    masked = text if numbers else mask_field(name, text)
    return Editable(name, text) if masked == text else Editable(name, "", hidden=masked)


def read_order(values: Mapping[str, str], unsets: Sequence[str], fields: Sequence[Editable]) -> Order:
    """The order that a form gives. fields: as the form showed them. Raises UsageError."""
    sets = [
        (each.name, given)
        for each in fields
        if not each.fixed
        and each.name not in unsets
        and (given := values.get(f"field.{each.name}")) is not None
        and given != each.value
    ]
    if added := values.get("new-name", "").strip():
        sets.append((added, values.get("new-value", "")))
    return Order(
        to=values.get("to", "").strip(),
        edits=Edits(read_transport(values.get("as", "")), tuple(sets), tuple(unsets)),
        now=bool(values.get("now")),
        resign=bool(values.get("resign")),
    )


def read_transport(text: str) -> Transport | None:
    """A transport by its name, None for none. Raises UsageError."""
    if text and text not in TRANSPORTS:
        raise UsageError(f"No transport is called {text!r}.", hint=f"Use one of: {', '.join(TRANSPORTS)}")
    return next((each for each in TRANSPORTS if each == text), None)


def replayer(
    secret: str, method: Method, *, usual: Address, receiver: Address, clock: Callable[[], datetime]
) -> Callable[[Path, Order], Replayed]:
    """What carries orders out. usual: where to when an order does not say; only it may be another machine.

    receiver: devkit's own, which shows a replay and does not record it again.
    """

    def replay(path: Path, order: Order) -> Replayed:
        address = usual if order.to in ("", f"{usual}{usual.target}") else parse_address(order.to)
        fixture = load(path)
        (recording,) = edited([Recording(path, fixture.recorded_at, fixture.callback)], order.edits)
        route = Route(address, own_receiver=_is_same(address, receiver))
        renewal = Renewal(order.now, signer_with(secret, method) if order.resign else None)
        finish = finisher(order.edits, renewal, route, clock=clock, nonce=lambda: str(uuid.uuid4()))
        rules = Rules(timeout=_TIMEOUT, renewed=order.now and order.resign)
        with Connection(address, timeout=rules.timeout) as connection:
            return attempt(connection, finish(recording.callback), rules, file=shown(path))

    return replay


def _is_same(address: Address, receiver: Address) -> bool:
    if address.host not in LOCAL_NAMES:
        return False
    return (address.scheme, address.port) == (receiver.scheme, receiver.port)
