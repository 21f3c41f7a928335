"""Vonage's signature over the fields of a webhook of the SMS API: made and checked, in all five methods.

Webhooks of the Messages API have a token instead, see `jwt`; `verify_callback` checks what a webhook has.

The vonage SDK (4.9.1) cannot check the plain `md5hash`, and raises on hostile input, so this is devkit's own.
Source: "Signing Messages" in Vonage's API concepts documentation.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar, get_args

from devkit.webhook.callback import Callback
from devkit.webhook.receipt import Webhook

Method = Literal["md5hash", "md5", "sha1", "sha256", "sha512"]
METHODS: tuple[Method, ...] = get_args(Method)
_Value = TypeVar("_Value")
Verdict = Literal["absent", "valid", "invalid", "unchecked"]

# Of devkit's samples. Public on purpose, so that everybody can check their signatures; never the secret of an account.
TEST_SIGNATURE_SECRET = "test-signature-secret"

# The account of new webhooks when none is known: the key in the examples of Vonage's documentation.
NO_ACCOUNT = "abcd1234"

# "Delivery Receipt callbacks for 72 h" (support article 226572227), and an hour for two clocks that differ.
LONGEST_RETRY = timedelta(hours=73)


def sign(fields: Mapping[str, object], secret: str, method: Method) -> str:
    """The signature of the fields, lower-case hex. A `sig` among them is left out, as Vonage does.

    It is never valid if a field name contains & or =: see `has_plain_names`.
    `md5hash` is a plain MD5 over text and secret; the other four are HMACs keyed with the secret.
    """
    import hashlib  # only here, as below: most commands only speak of signatures, and these take long to import
    import hmac

    text = _signed_text(fields)
    key = _encode(secret)
    if method == "md5hash":
        return hashlib.md5(text + key, usedforsecurity=False).hexdigest()
    return hmac.new(key, text, method).hexdigest()


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs as an account does: with its secret and its method. api_key: names the account in a token."""

    secret: str = field(repr=False)
    method: Method
    api_key: str = ""

    def sign(self, fields: Mapping[str, object]) -> str:
        """The `sig` of the fields. HMACs are upper-case, as in Vonage's samples."""
        signature = sign(fields, self.secret, self.method)
        return signature if self.method == "md5hash" else signature.upper()


def sign_fields(
    fields: Mapping[str, _Value], signer: Signer, now: datetime, nonce: str, unset: Collection[str] = ()
) -> dict[str, _Value | str]:
    """The fields with `timestamp`, `nonce` and `sig`. One that is set already stays; those in unset are not added."""
    signed: dict[str, _Value | str] = {name: value for name, value in fields.items() if name != "sig"}
    fresh = {"timestamp": str(int(now.timestamp())), "nonce": nonce}
    signed |= {name: value for name, value in fresh.items() if name not in signed and name not in unset}
    if "sig" not in unset:
        signed["sig"] = fields["sig"] if "sig" in fields else signer.sign(signed)
    return signed


def verify(fields: Mapping[str, object], secret: str, method: Method) -> Verdict:
    """Whether the `sig` of the fields is right. Never raises; compares in constant time, in any letter case.

    Invalid if a field name contains & or =. A value counts as its text, with _ for & and =: by Vonage's rule, two
    values can have the same signature.
    `unchecked` without a secret. For the age of `timestamp` see `is_stale`.
    """
    signature = fields.get("sig")
    if signature is None:
        return "absent"
    if not secret:
        return "unchecked"
    if not has_plain_names(fields):
        return "invalid"
    import hmac

    given = _encode(str(signature).lower())
    return "valid" if hmac.compare_digest(given, sign(fields, secret, method).encode()) else "invalid"


def fitting_method(fields: Mapping[str, object], secret: str) -> Method | None:
    """The method with which the `sig` of the fields is valid; None when there is none, also without a secret."""
    return next((method for method in METHODS if verify(fields, secret, method) == "valid"), None)


_STALE = (
    "The signature is right, but older than Vonage sends a receipt again: somebody may have sent it anew."
)


def verify_callback(
    webhook: Webhook, callback: Callback, secret: str, method: Method, now: datetime | None = None
) -> tuple[Verdict, str]:
    """The verdict on the signature or the token of a webhook, and why it must not be trusted, in a sentence.

    now: None when its age does not matter, as for a recording. The signature of the SMS API stays `valid` when it is
    too old; then there is a sentence all the same.
    """
    if webhook.kind in ("sms-receipt", "sms-inbound"):
        verdict = verify(webhook.fields, secret, method)
        is_old = verdict == "valid" and now is not None and is_stale(webhook.fields, now)
        return verdict, _STALE if is_old else ""
    from devkit.webhook.jwt import verify_token  # here: nearly all webhooks are receipts

    token = verify_token(callback.headers, callback.body, secret, now)
    return token.verdict, token.reason if token.verdict == "invalid" else ""


def has_plain_names(fields: Mapping[str, object]) -> bool:
    """Whether no field name contains & or =, which separate the fields in the signed text.

    Vonage replaces the two in values only. So a name such as `err-code=0&status` could divide the signed text into
    other fields, and their signature would still be right.
    """
    return not any("&" in name or "=" in name for name in fields)


def is_stale(fields: Mapping[str, object], now: datetime) -> bool:
    """Whether the `timestamp` of the fields, which the signature covers, is older than any retry of Vonage's.

    False if it is missing or not a time.
    """
    try:
        signed_at = datetime.fromtimestamp(float(str(fields.get("timestamp"))), UTC)
    except (ValueError, OverflowError, OSError):
        return False
    return now - signed_at > LONGEST_RETRY


def _signed_text(fields: Mapping[str, object]) -> bytes:
    # Values are not percent-encoded; only the two characters that would make the text ambiguous are replaced.
    pairs = ((name, str(value)) for name, value in sorted(fields.items()) if name != "sig")
    return b"".join(_encode(f"&{name}={value.replace('&', '_').replace('=', '_')}") for name, value in pairs)


def _encode(text: str) -> bytes:
    # JSON can carry lone surrogates; they must give a wrong signature, not an exception.
    return text.encode("utf-8", "surrogatepass")
