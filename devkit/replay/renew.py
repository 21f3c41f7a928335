"""Makes an old recording pass for one of now: new times, new signature. Pure, given the moment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from devkit.callback import Callback
from devkit.errors import ConfigurationError
from devkit.receipt import Receipt, read
from devkit.receipt_fields import stamp
from devkit.replay.edit import set_field
from devkit.signature import Method, sign


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
