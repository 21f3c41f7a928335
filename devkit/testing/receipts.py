"""A receipt for a test: how to make, change and re-sign one."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from devkit.http.address import keep_exact
from devkit.replay import transform
from devkit.replay.trigger import default_err_code
from devkit.webhook.callback import Callback, Transport, compose
from devkit.webhook.masking import holds_no_number, mask_number, one_line
from devkit.webhook.receipt import IdStyle, Receipt, Unreadable, in_order, make_fields, make_message_id, read
from devkit.webhook.signature import METHODS, Method, verify
from devkit.webhook.vocabulary import FIELDS, parse_transport

_NUMBER = re.compile(r"\+?\d{7,}")


def _python_name(name: str) -> str:
    """`err-code` as err_code, `messageId` as message_id."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace("-", "_").lower()


VENDOR_NAMES: dict[str, str] = {_python_name(name): name for name in FIELDS}


class Fields(Mapping[str, object]):
    """The vendor's names and the values that arrived, in their order. Read-only; its repr masks phone numbers."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> object:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Fields({ {name: masked(name, value) for name, value in self.items()} })"


def vendor_name(name: str) -> str:
    """The vendor's name for a keyword argument. Raises TypeError for one that is no field of a receipt."""
    if name in VENDOR_NAMES:
        return VENDOR_NAMES[name]
    known = ", ".join(VENDOR_NAMES)
    raise TypeError(f"{name!r} is no field of a receipt; there are {known}; give others as fields={{...}}")


def changes(fields: Mapping[str, object] | None, named: Mapping[str, object]) -> dict[str, object]:
    """What keyword arguments and `fields` together ask for, under the vendor's names."""
    return {**(fields or {}), **{vendor_name(name): value for name, value in named.items()}}


def changed(fields: Mapping[str, object], change: Mapping[str, object]) -> dict[str, object]:
    """The fields after a change, in Vonage's order and others last. None leaves a field out."""
    made = {
        name: value for name, value in {**fields, **change}.items() if name not in change or value is not None
    }
    return in_order(made)


def masked(name: str, value: object) -> object:
    """A field's value as a test report may show it."""
    return value if value is None or holds_no_number(name, str(value)) else hide_numbers(str(value))


def hide_numbers(text: str) -> str:
    """Text in which whatever could be a phone number shows its last three digits only."""
    return _NUMBER.sub(lambda match: mask_number(match[0]), text)


# Made receipts are the same in each run, and all of them are about one message unless the test says otherwise.
MOMENT = datetime(2020, 1, 1, 12, 0, 0, tzinfo=UTC)
_MESSAGE = 0x3C7E09B15A4D2F680A0000001234567B
_HOST = "dlr.example.com"


@dataclass(frozen=True, slots=True, repr=False)
class SampleReceipt:
    """A callback and what it says. name: of its file, without `.json`; or its status, when it was made.

    recorded_at: UTC; the same fixed moment for all that were made.
    """

    callback: Callback
    name: str = "receipt"
    recorded_at: datetime = MOMENT

    def __repr__(self) -> str:
        said = self.problem or f"{self.status} err-code={self.err_code or '-'}"
        message = (
            f" messageId={masked('messageId', one_line(self.message_id, 40))}" if self.message_id else ""
        )
        return f"<SampleReceipt {hide_numbers(self.name)}: {hide_numbers(one_line(said))}{message} via {self.via}>"

    @property
    def reading(self) -> Receipt | Unreadable:
        return read(self.callback)

    @property
    def fields(self) -> Fields:
        """What arrived, under the vendor's names; empty when it can't be read as a receipt."""
        reading = self.reading
        return Fields(reading.fields if isinstance(reading, Receipt) else {})

    @property
    def problem(self) -> str:
        """Why it can't be read as a receipt; empty when it can."""
        reading = self.reading
        return reading.problem if isinstance(reading, Unreadable) else ""

    @property
    def status(self) -> str:
        return self._text("status")

    @property
    def err_code(self) -> str:
        return self._text("err-code")

    @property
    def message_id(self) -> str:
        return self._text("messageId")

    @property
    def client_ref(self) -> str:
        return self._text("client-ref")

    @property
    def via(self) -> Transport:
        """The transport: get, form or json."""
        return self.callback.transport

    def _text(self, name: str) -> str:
        reading = self.reading
        return reading.text(name) if isinstance(reading, Receipt) else ""


def make_receipt(
    status: str = "delivered",
    via: str = "get",
    *,
    fields: Mapping[str, object] | None = None,
    id_style: IdStyle = "uuid",
    **named: object,
) -> SampleReceipt:
    """A receipt as Vonage would send it; the same in each run.

    via: the transport, `get`, `form` or `json`; the dashboard's GET, POST and POST-JSON are understood too.
    id_style: of its message id, `hex` for the 16 characters of before 2022.
    named: fields by their Python names, such as err_code, message_id, client_ref. fields: by the vendor's
    names, or names that no vendor knows. None leaves a field out.
    The err-code is 0 for accepted, buffered and delivered, and 1 (unknown) for any other status.
    Raises TypeError for an unknown name, ValueError for an unknown `via` or id_style.
    """
    default = make_fields(
        status, default_err_code(status), message_id=make_message_id(_MESSAGE, id_style), pushed_at=MOMENT
    )
    made = changed(default, changes(fields, named))
    return SampleReceipt(compose(made, parse_transport(via), host=_HOST), name=status)


_NONCE = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"


def with_fields(
    receipt: SampleReceipt, *, fields: Mapping[str, object] | None = None, **named: object
) -> SampleReceipt:
    """The receipt with some fields changed; None leaves one out. Names as for `make_receipt`.

    All else stays, byte for byte. So does `sig`, which is then wrong: see `resign`.
    Raises TypeError for an unknown name, ValueError when there is no receipt in the callback.
    """
    _require_receipt(receipt)
    changed = changes(fields, named)
    values = {name: value for name, value in changed.items() if value is not None}
    return _with(receipt, transform.set_fields(receipt.callback, values, changed.keys() - values.keys()))


def resign(
    receipt: SampleReceipt, secret: str, method: Method = "md5hash", *, now: datetime | None = None
) -> SampleReceipt:
    """The receipt signed with this secret. HMACs are upper-case, as in Vonage's samples.

    now: refreshes the times first, for code that looks at the age of `timestamp`.
    Raises ValueError when there is no receipt in the callback.
    """
    _require_receipt(receipt)
    signer = transform.Signer(secret, method)
    moment = now or MOMENT
    refreshed = transform.refresh(receipt.callback, moment, _nonce, times=now is not None, signer=signer)
    return _with(receipt, refreshed)


def resigned_if_valid(receipt: SampleReceipt, former: str, secret: str, method: Method) -> SampleReceipt:
    """The receipt signed anew when its signature is right under the former secret; else as it is.

    So what was valid stays valid under another secret, and what was tampered with stays invalid.
    """
    if any(verify(receipt.fields, former, known) == "valid" for known in METHODS):
        return resign(receipt, secret, method)
    return receipt


def _require_receipt(receipt: SampleReceipt) -> None:
    reading = receipt.reading
    if isinstance(reading, Unreadable):
        raise ValueError(f"{receipt.name} holds no receipt. {reading.problem}")


def _with(receipt: SampleReceipt, callback: Callback) -> SampleReceipt:
    return replace(receipt, callback=keep_exact(callback))


def _nonce() -> str:
    return _NONCE
