"""Reads a status of the Messages API, and checks the token of a webhook."""

import hashlib
import hmac
import time
from collections.abc import Mapping

import jwt
from receipt import Receipt, text_of

CLOCK_SKEW = 60  # seconds between Vonage's clock and this one
LONGEST_RETRY = 25 * 3600  # seconds: Vonage sends a webhook again for 24 hours


def read_status(document: object) -> Receipt | None:
    """The status in a JSON body, with the number of its error as err_code; None for anything else.

    The Messages API has one status for a whole message, however many parts it has.
    """
    if not isinstance(document, dict) or not (document.get("message_uuid") and document.get("status")):
        return None
    return Receipt(
        text_of(document["message_uuid"]), text_of(document["status"]), _number(document.get("error"))
    )


def _number(error: object) -> str:
    """The number of an error: `title` in v1, `code` in v0.1, as text or a number. Some have it inside `error` again."""
    if not isinstance(error, Mapping):
        return ""
    if "error" in error:
        return _number(error["error"])
    return text_of(error.get("title") or error.get("code") or "")


def has_token(authorization: str, body: bytes, secret: str) -> bool:
    """Whether `Authorization` has a token of Vonage's for exactly these bytes, not long ago."""
    try:
        claims = jwt.decode(
            authorization.removeprefix("Bearer "),
            secret,
            algorithms=["HS256"],
            issuer="Vonage",
            leeway=CLOCK_SKEW,
            options={"require": ["iat", "payload_hash"]},
        )
    except jwt.InvalidTokenError:
        return False
    # No SDK checks the hash: without it, a token of one webhook is right for any other body.
    right = hashlib.sha256(body).hexdigest()
    is_fresh = time.time() - claims["iat"] < LONGEST_RETRY
    return is_fresh and hmac.compare_digest(text_of(claims["payload_hash"]).encode(), right.encode())
