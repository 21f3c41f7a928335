"""The secret last segment of the callback path: removed from request targets and header values."""

import re
from functools import cache, lru_cache
from urllib.parse import unquote

from devkit.webhook.callback import CALLBACK_PATH, Callback, Headers

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")

_AFTER_A_PATH = "\t\n\r \"#&'),;<>?\\]|}"
_LEAST_SECRET = 8  # characters; a shorter text may stand in a header by chance


def without_secret(callback: Callback) -> Callback:
    """The callback without the secret of its callback path, in the target and in all header values.

    Whatever leaves the private files goes through this. All else stays as it is, byte for byte.
    """
    target = without_token(callback.target)
    return Callback(callback.method, target, _headers_without_secret(callback), callback.body)


def _headers_without_secret(callback: Callback) -> Headers:
    secret = _split_path(callback.path)[1]
    values = "\n".join([value for _, value in callback.headers])
    # Nearly no request has any of these, and a replay does this for thousands.
    if "delivery-receipt" in values or "%" in values or (secret and secret in values):
        return tuple((name, _cut(value, secret)) for name, value in callback.headers)
    return callback.headers


def _cut(value: str, secret: str) -> str:
    value = _secret_in_value().sub(lambda found: found[1], value)
    # A proxy may have had another path for the same secret.
    return value.replace(secret, "") if len(secret) >= _LEAST_SECRET else value


@cache  # made when it is needed: that takes longer than to import all the rest
def _secret_in_value() -> re.Pattern[str]:
    """The callback path inside a header value, as group 1, and the secret after it.

    Proxies put the request target there (`X-Original-URI`, `X-Forwarded-Uri`, `Referer`). Any character may be
    percent-encoded, more than once too. The quantifiers are possessive: whatever the value is, it is read once.
    """
    slashes = r"(?:[/\\]|%(?:25)*+(?i:2f|5c))++"
    path = "".join(
        slashes if char == "/" else rf"(?:{re.escape(char)}|%(?:25)*+(?i:{ord(char):02x}))"
        for char in CALLBACK_PATH.strip("/")
    )
    encoded_end = "|".join(f"{ord(char):02x}" for char in _AFTER_A_PATH)
    rest = rf"(?:[^{re.escape(_AFTER_A_PATH)}%]|%(?!(?:25)*+(?i:{encoded_end})))++"
    return re.compile(rf"({path}){slashes}{rest}")


def without_token(target: str) -> str:
    """A request target without the secret that follows devkit's callback path, however it is spelled."""
    path, mark, query = target.partition("?")
    return f"{_split_path(path)[0]}{mark}{query}"


@lru_cache(maxsize=64)  # recordings of one project have nearly all the same path
def _split_path(path: str) -> tuple[str, str]:
    """A path without the secret after devkit's callback path, and that secret; empty when there is none."""
    if path == CALLBACK_PATH:
        return path, ""
    origin = match[0] if (match := _ABSOLUTE.match(path)) else ""
    plain = re.sub("/+", "/", unquote(path[len(origin) :], encoding="latin-1"))
    secret = plain.removeprefix(f"{CALLBACK_PATH}/")
    if secret in ("", plain):
        return path, ""
    return f"{origin}{CALLBACK_PATH}", secret.rstrip("/").rpartition("/")[2]


def has_token(target: str) -> bool:
    """Whether a request target bears a secret after devkit's callback path."""
    return without_token(target) != target
