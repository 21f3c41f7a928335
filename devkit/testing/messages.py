"""Statuses and inbound messages in a test: the check of their token."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from devkit.webhook.jwt import TokenVerdict, verify_headers


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
    return verify_headers(tuple(pairs), body, secret, at, api_key=api_key, application_id=application_id)
