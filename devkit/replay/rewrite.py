"""Addresses a recorded callback to another target: what must change in the request, and nothing else. Pure."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, lru_cache
from urllib.parse import unquote

from devkit.callback import CALLBACK_PATH, CONNECTION_HEADERS, REPLAY_HEADER, Callback
from devkit.errors import UsageError

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*+([^\x00\r\n]*)")
_MARK = REPLAY_HEADER.lower()

_AFTER_A_PATH = "\t\n\r \"#&'),;<>?\\]|}"
_LEAST_SECRET = 8  # characters; a shorter text may stand in a header by chance
_FRAMING = ("content-length", "transfer-encoding")

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where callbacks go. host: as the Host header says it. target: path, or path and query; empty to keep the
    recorded path. dropped: names of headers, in lower case, that must not get there."""

    host: str
    target: str = ""
    dropped: Collection[str] = ()


def readdress(callback: Callback, to: Destination) -> Callback:
    """The callback for another host: Host, Content-Length and path changed, hop-by-hop headers left out, marked.

    The secret of the callback path is never kept: see `without_secret`. Everything else stays, byte for byte.
    """
    dropped = CONNECTION_HEADERS.union(to.dropped) if to.dropped else CONNECTION_HEADERS
    chosen = {"host": to.host, "content-length": str(len(callback.body))}
    headers: list[tuple[str, str]] = []
    names: set[str] = set()
    for name, value in _headers_without_secret(callback):  # once, since a replay does this for thousands
        plain = name.lower()
        if plain in dropped or (plain in chosen and plain in names):
            continue
        names.add(plain)
        headers.append((name, chosen.get(plain, value)))
    if "host" not in names:
        headers.insert(0, ("Host", to.host))
    if callback.body and "content-length" not in names:
        headers.append(("Content-Length", chosen["content-length"]))
    if _MARK not in names:
        headers.append((REPLAY_HEADER, "1"))
    target = with_path(callback.target, to.target) if to.target else without_token(callback.target)
    return Callback(callback.method, target, tuple(headers), callback.body)


def keep_exact(callback: Callback, target: str = "") -> Callback:
    """The callback as it was recorded, but for a length that fits the body: else the target would wait for more.

    target: as in `Destination`.
    """
    target = with_path(callback.target, target) if target else callback.target
    # A body that came in chunks was joined when it was recorded; it goes out in one piece.
    headers = with_header(callback.headers, "Transfer-Encoding", None)
    return Callback(callback.method, target, _with_length(headers, callback.body), callback.body)


def with_path(target: str, path: str) -> str:
    """A request target with another path. A query of the path goes before the recorded one, as Vonage adds it."""
    query = target.partition("?")[2]
    if not query:
        return path
    return f"{path}{'&' if '?' in path else '?'}{query}"


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


def with_header(headers: Headers, name: str, value: str | None) -> Headers:
    """The headers with one of this name, in the place and letter case of the old one; None leaves it out."""
    wanted = name.lower()
    old = next((place for place, (given, _) in enumerate(headers) if given.lower() == wanted), None)
    if old is None:
        return headers if value is None else (*headers, (name, value))
    kept = () if value is None else ((headers[old][0], value),)
    return (*headers[:old], *kept, *(pair for pair in headers[old + 1 :] if pair[0].lower() != wanted))


def parse_header(text: str) -> tuple[str, str | None]:
    """A header from the command line: `Name: value`, or `Name:` to leave it out. Raises UsageError."""
    match = _HEADER.fullmatch(text.rstrip(" \t"))
    if match is None:
        raise UsageError(
            f"Not a header: {text!r}.", hint="Write it as -H 'Name: value', or -H 'Name:' to leave it out."
        )
    name, value = match.groups()
    if name.lower() in _FRAMING:
        raise UsageError(
            f"{name} cannot be chosen: it says where the request ends.",
            hint="Leave it out; it is set for each body.",
        )
    return name, value.encode("utf-8", "surrogateescape").decode("latin-1") or None


def parse_path(text: str) -> str:
    """A path from the command line, with a query if it has one. Raises UsageError."""
    if text.startswith("/") and all("!" <= char <= "~" for char in text) and "#" not in text:
        return text
    raise UsageError(
        f"Not a path: {text!r}.",
        hint="Begin it with /, and percent-encode what is not plain ASCII: --path /webhooks/dlr",
    )


def _with_length(headers: Headers, body: bytes) -> Headers:
    if not body and not any(name.lower() == "content-length" for name, _ in headers):
        return headers
    return with_header(headers, "Content-Length", str(len(body)))
