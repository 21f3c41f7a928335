"""The token of a webhook of the Messages API and other JSON APIs of Vonage: made, and checked.

It is a JSON Web Token in `Authorization: Bearer`, signed by HS256 with the account's signature secret, whatever the
signature method of the account is. Its `payload_hash` binds it to the bytes of the body.
Source: "Decoding Signed Webhooks" in Vonage's API concepts documentation (getting-started/concepts/webhooks).

Own code, compared with PyJWT in the tests. PyJWT imports cryptography, which takes several times a bare Python start.
It warns about each secret below 32 bytes, as accounts have them, and it accepts a claim that appears twice.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from devkit.webhook.callback import Headers
from devkit.webhook.masking import one_line
from devkit.webhook.signature import Verdict
from devkit.webhook.strict_json import InvalidJson, parse

# Webhooks of the Messages API are sent again for 24 hours (support article 360028543292, and the guide to the Messages
# API sandbox), and clocks differ. No source says whether a token is made anew for each attempt.
MAX_AGE = timedelta(hours=25)
CLOCK_SKEW = timedelta(minutes=1)

_HEADER = '{"alg":"HS256","typ":"JWT"}'
ISSUER = "Vonage"
_MAX_DEPTH = 8  # Vonage's claims are flat
_LAST_SECOND = 10**11  # of a time that Python can express, in the year 5138
_APPLICATION_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_TOKEN = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class TokenVerdict:
    """Whether the token of a webhook is right. True only if it is valid.

    reason: one sentence for people about any other verdict.
    """

    verdict: Verdict
    reason: str = ""

    def __bool__(self) -> bool:
        return self.verdict == "valid"


class _Problem(Exception):
    pass


def verify_token(
    headers: Headers,
    body: bytes,
    secret: str,
    now: datetime | None,
    *,
    api_key: str = "",
    application_id: str = "",
) -> TokenVerdict:
    """Whether Vonage made the token in these headers for this body, not long ago. Never raises.

    secret: of the account; without one the verdict is `unchecked`.
    now: None for a recording, whose age does not matter.
    api_key, application_id: the account and the application that the webhook must come from; empty for any.
    """
    values = [value for name, value in headers if name.lower() == "authorization"]
    if len(values) > 1:
        return TokenVerdict("invalid", f"There are {len(values)} Authorization headers; Vonage sends one.")
    scheme, _, token = "".join(values).strip().partition(" ")
    if scheme.lower() != "bearer":
        return TokenVerdict("absent", "There is no token: no Authorization header that begins with Bearer.")
    if not secret:
        return TokenVerdict("unchecked", "The token was not checked: there is no signature secret.")
    try:
        claims = _signed_claims(token.strip(), secret)
        _check_body(claims, body)
        _check_sender(claims, api_key, application_id)
        if now is not None:
            _check_times(claims, now)
    except _Problem as problem:
        return TokenVerdict("invalid", str(problem))
    return TokenVerdict("valid")


def make_token(
    body: bytes, secret: str, *, api_key: str, application_id: str = "", now: datetime, jti: str
) -> str:
    """The token that Vonage would make for a body. Arguments as for `make_claims`."""
    return sign_claims(
        make_claims(body, api_key=api_key, application_id=application_id, now=now, jti=jti), secret
    )


def make_claims(
    body: bytes, *, api_key: str, application_id: str = "", now: datetime, jti: str
) -> dict[str, object]:
    """The claims of a token for a body, in Vonage's order.

    application_id: empty for a webhook of the account itself. jti: a UUID, of this token alone.
    """
    claims: dict[str, object] = {"iat": int(now.timestamp()), "jti": jti, "iss": ISSUER}
    claims |= {"payload_hash": payload_hash(body), "api_key": api_key}
    return claims | ({"application_id": application_id} if application_id else {})


def sign_claims(claims: Mapping[str, object], secret: str) -> str:
    """The token with these claims, in their order, as compact JSON."""
    payload = json.dumps(claims, separators=(",", ":"))
    text = f"{_encode(_HEADER.encode())}.{_encode(payload.encode())}"
    return f"{text}.{_signature(text, secret)}"


def parts_of(header: str | None) -> tuple[dict[str, object], dict[str, object]]:
    """Header and claims of a token as they are written, not verified; empty if they cannot be read. Never raises.

    header: the value of `Authorization`.
    """
    try:
        return _decoded(_token_in(header))
    except _Problem:
        return {}, {}


def claims_of(header: str | None) -> dict[str, object]:
    """The claims of a token, as `parts_of`."""
    return parts_of(header)[1]


def application_in(header: str | None) -> str:
    """The id of the application that a token names, not verified; empty without a right one. Never raises.

    Vonage names the application that sent the message, or that the number is linked to; none for the account itself.
    """
    claimed = str(claims_of(header).get("application_id", ""))
    return claimed.lower() if _APPLICATION_ID.fullmatch(claimed) else ""


def is_signed_with(header: str | None, secret: str) -> bool:
    """Whether a token was signed with a secret, whatever it says. Never raises."""
    try:
        return bool(_signed_claims(_token_in(header), secret))
    except _Problem:
        return False


def _token_in(header: str | None) -> str:
    return (header or "").partition(" ")[2].strip()


def payload_hash(body: bytes) -> str:
    """The claim that binds a token to the bytes of a body."""
    import hashlib  # here, as in `signature`

    return hashlib.sha256(body).hexdigest()


def _signed_claims(token: str, secret: str) -> dict[str, object]:
    """The claims of a token that was signed with this secret."""
    header, claims = _decoded(token)
    algorithm = header.get("alg")
    if algorithm == "none":
        raise _Problem("The token is not signed (alg none); Vonage signs with HS256.")
    if algorithm != "HS256":
        raise _Problem(f"The token is signed with {_shown(algorithm)}; Vonage signs with HS256.")
    # RFC 7515, section 4.1.11: a recipient that does not know the extension refuses the token.
    if "crit" in header:
        raise _Problem(f"The token requires an extension, {_shown(header['crit'])}; Vonage uses none.")
    text, _, signature = token.rpartition(".")
    if not _equal(signature, _signature(text, secret)):
        account = f" It names account {_shown(claims['api_key'])}." if "api_key" in claims else ""
        raise _Problem(f"The token is forged, or signed with the secret of another account.{account}")
    return claims


def _check_body(claims: Mapping[str, object], body: bytes) -> None:
    if "payload_hash" not in claims:
        if body:  # a GET, as Voice can send, has nothing to hash
            raise _Problem("The token has no payload_hash, so it can belong to any body.")
    elif not _equal(claims["payload_hash"], payload_hash(body)):
        raise _Problem(
            "The payload hash is wrong: a proxy re-encoded the body, or somebody changed it. "
            "The token is for other bytes."
        )


def _check_sender(claims: Mapping[str, object], api_key: str, application_id: str) -> None:
    if claims.get("iss") != ISSUER:
        raise _Problem(f"The token was issued by {_shown(claims.get('iss'))}, not by {ISSUER}.")
    for name, wanted in (("api_key", api_key), ("application_id", application_id)):
        if wanted and claims.get(name) != wanted:
            found = f"is for {name} {_shown(claims[name])}" if name in claims else f"names no {name}"
            raise _Problem(f"The token {found}; expected {_shown(wanted)}.")


def _check_times(claims: Mapping[str, object], now: datetime) -> None:
    """Raise for a token of another time. Vonage sets `iat` only; `exp` and `nbf` count if they are there."""
    times = dict(_times(claims))
    if "iat" not in times:
        raise _Problem("The token does not say when it was made (iat).")
    if now - times["iat"] > MAX_AGE:
        raise _Problem(
            f"The token is stale: it was made on {times['iat']:%Y-%m-%d at %H:%M:%S} UTC, and Vonage sends a webhook "
            "again for 24 hours. Somebody may have sent it anew."
        )
    valid_from = max(times["iat"], times.get("nbf", times["iat"]))
    if valid_from - now > CLOCK_SKEW:
        raise _Problem(
            f"The token is from the future, {valid_from:%Y-%m-%d at %H:%M:%S} UTC: check the clock of this machine."
        )
    if "exp" in times and now - times["exp"] > CLOCK_SKEW:
        raise _Problem(f"The token expired on {times['exp']:%Y-%m-%d at %H:%M:%S} UTC.")


def _times(claims: Mapping[str, object]) -> Iterator[tuple[str, datetime]]:
    for name in ("iat", "nbf", "exp"):
        seconds = claims.get(name)
        if (
            isinstance(seconds, int | float)
            and not isinstance(seconds, bool)
            and 0 <= seconds <= _LAST_SECOND
        ):
            yield name, datetime.fromtimestamp(seconds, UTC)
        elif name in claims:
            raise _Problem(f"The token has no time in {name}: {_shown(seconds)}.")


def _decoded(token: str) -> tuple[dict[str, object], dict[str, object]]:
    """Header and claims of a token, not verified."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise _Problem("What follows Bearer is no JSON Web Token: three parts with dots between them.")
    return _object(match[1], "header"), _object(match[2], "claims")


def _object(part: str, place: str) -> dict[str, object]:
    try:
        value = parse(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), max_depth=_MAX_DEPTH)
    except (binascii.Error, InvalidJson) as error:
        raise _Problem(f"The {place} of the token cannot be read: {error}.") from None
    if not isinstance(value, dict):
        raise _Problem(f"The {place} of the token cannot be read: not a JSON object.")
    return value


def _signature(text: str, secret: str) -> str:
    import hashlib
    import hmac

    # A secret can hold a lone surrogate, as in `signature`.
    return _encode(hmac.digest(secret.encode("utf-8", "surrogatepass"), text.encode(), hashlib.sha256))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _equal(given: object, right: str) -> bool:
    """Whether a text is the right one, in constant time."""
    import hmac

    return hmac.compare_digest(str(given).encode("utf-8", "surrogatepass"), right.encode())


def _shown(value: object) -> str:
    return repr(one_line(value if isinstance(value, str) else str(value), 60))
