"""Signatures and tokens in a test: made, made again, and checked as a handler does."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from devkit.replay.transform import refresh
from devkit.testing.sample_webhook import MOMENT, SampleWebhook, require_readable, with_callback
from devkit.webhook.jwt import TokenVerdict, verify_token
from devkit.webhook.receipt import webhook_in
from devkit.webhook.signature import METHODS, Method, Signer, verify_callback

# Of all that is signed in tests, so that it is equal in each run.
NONCE = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"


def resign(
    receipt: SampleWebhook, secret: str, method: Method = "md5hash", *, now: datetime | None = None
) -> SampleWebhook:
    """The receipt signed with this secret. HMACs are upper-case, as in Vonage's samples.

    A webhook of the Messages API gets a token for its body, whatever the method; one without a token gets one of now.
    now: refreshes the times first, for code that checks the age of `timestamp` or of the token.
    Raises ValueError when the callback has no readable receipt.
    """
    require_readable(receipt)
    signer = Signer(secret, method)
    moment = now or (MOMENT if receipt.kind.startswith("sms-") else datetime.now(UTC))
    refreshed = refresh(receipt.callback, moment, lambda: NONCE, times=now is not None, signer=signer)
    return with_callback(receipt, refreshed)


def resigned_if_valid(receipt: SampleWebhook, former: str, secret: str, method: Method) -> SampleWebhook:
    """The receipt, signed with `secret` if its signature is valid with the former secret; else unchanged.

    So valid receipts stay valid under another secret, and forged ones stay invalid.
    """
    webhook = webhook_in(receipt.reading)
    verdicts = (verify_callback(webhook, receipt.callback, former, each)[0] for each in METHODS)
    return resign(receipt, secret, method) if "valid" in verdicts else receipt


def verify_webhook(
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
    body: bytes,
    secret: str,
    *,
    now: datetime | None = None,
    any_age: bool = False,
    api_key: str = "",
    application_id: str = "",
) -> TokenVerdict:
    """Whether Vonage made a webhook with a token, for exactly this body, not long ago.

    It checks what the SDKs of Vonage do not: `payload_hash`, `iss` and the age. A clock that is up to a minute behind
    does no harm. The verdict is true only if it is `valid`; its `reason` says in words what is wrong.

    headers: of the request, as a mapping or as pairs. body: its raw bytes, before any parser.
    secret: the account's signature secret. Without one the verdict is `unchecked`.
    now: default the clock. any_age: for a recording, whose token is old.
    api_key, application_id: the account and the application that it must come from.
    Never raises for anything that a request can hold. Raises TypeError for a body that is no bytes.
    """
    if not isinstance(body, bytes):
        raise TypeError(f"The body is {type(body).__name__}; give the raw bytes, such as request.get_data().")
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    at = None if any_age else now or datetime.now(UTC)
    return verify_token(tuple(pairs), body, secret, at, api_key=api_key, application_id=application_id)
