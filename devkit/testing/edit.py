"""Changes to a receipt: other fields, another signature. Each gives a new receipt; what is not asked for stays."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from devkit.callback import Callback
from devkit.receipt import Unreadable
from devkit.replay import renew
from devkit.replay.edit import set_field, unset_field
from devkit.replay.rewrite import keep_exact
from devkit.signature import METHODS, Method, verify
from devkit.testing.field import changes
from devkit.testing.receipt import MOMENT, TestReceipt

_NONCE = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"


def with_fields(
    receipt: TestReceipt, *, fields: Mapping[str, object] | None = None, **named: object
) -> TestReceipt:
    """The receipt with some fields changed; None leaves one out. Names as for `make_receipt`.

    All else stays, byte for byte. So does `sig`, which is then wrong: see `resign`.
    Raises TypeError for an unknown name, ValueError when there is no receipt in the callback.
    """
    _require_receipt(receipt)
    callback = receipt.callback
    for name, value in changes(fields, named).items():
        callback = unset_field(callback, name) if value is None else set_field(callback, name, value)
    return _with(receipt, callback)


def resign(
    receipt: TestReceipt, secret: str, method: Method = "md5hash", *, now: datetime | None = None
) -> TestReceipt:
    """The receipt signed with this secret. HMACs are upper-case, as in Vonage's samples.

    now: refreshes the times first, for code that looks at the age of `timestamp`.
    Raises ValueError when there is no receipt in the callback.
    """
    _require_receipt(receipt)
    callback = receipt.callback if now is None else renew.restamp(receipt.callback, now, _nonce)
    signer = renew.Signer(secret, method)
    return _with(receipt, renew.resign(callback, signer, now or MOMENT, _nonce))


def resigned_if_valid(receipt: TestReceipt, former: str, secret: str, method: Method) -> TestReceipt:
    """The receipt signed anew when its signature is right under the former secret; else as it is.

    So what was valid stays valid under another secret, and what was tampered with stays invalid.
    """
    if any(verify(receipt.fields, former, known) == "valid" for known in METHODS):
        return resign(receipt, secret, method)
    return receipt


def _require_receipt(receipt: TestReceipt) -> None:
    reading = receipt.reading
    if isinstance(reading, Unreadable):
        raise ValueError(f"{receipt.name} holds no receipt. {reading.problem}")


def _with(receipt: TestReceipt, callback: Callback) -> TestReceipt:
    return replace(receipt, callback=keep_exact(callback))


def _nonce() -> str:
    return _NONCE
