"""A callback: the HTTP request that carries a receipt, as it arrived. What it says is read in `receipt`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, get_args
from urllib.parse import unquote, urlencode

Headers = tuple[tuple[str, str], ...]
Transport = Literal["get", "form", "json"]
TRANSPORTS: tuple[Transport, ...] = get_args(Transport)

CALLBACK_PATH = "/webhooks/delivery-receipt"
# Characters of a message's own callback, in the SMS API (its OpenAPI document, and the SDK).
MAX_CALLBACK = 100
RELAY_PATH = "/r"  # of a relay's members: a token and a name follow; short, for the same reason

# Headers of our own requests: the reachability check; a replay, which is shown but not recorded again; a triggered
# receipt, which is recorded with a tag.
REACHABILITY_HEADER = "X-Devkit-Reachability"
REPLAY_HEADER = "X-Devkit-Replay"
TRIGGER_HEADER = "X-Devkit-Trigger"

# All that a sender must set for its own connection; more than the hop-by-hop headers of RFC 9110.
CONNECTION_HEADERS = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)

# Headers that proxies add. A request with one of them was not sent directly by a program on this machine.
FORWARDING_HEADERS = frozenset(
    {
        "forwarded",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-real-ip",
        "x-client-ip",
        "x-original-host",
        "cf-connecting-ip",
        "true-client-ip",
    }
)

_NOT_IN_A_TARGET = bytes([*range(0x21), 0x7F])

# Vonage pushes JSON with another HTTP client than GET and form
# (captures in Vonage/vonage-php-sdk-core, test/SMS/requests/dlr-*.txt, 2020).
_USER_AGENT = "Nexmo/MessagingHUB/v1.0"
_JSON_USER_AGENT = "Jakarta Commons-HttpClient/3.1"


@dataclass(frozen=True, slots=True, repr=False)
class Callback:
    """One request, to the byte.

    method: as sent. target: the raw request target, path and query, still percent-encoded.
    headers: name and value pairs in the order, case and multiplicity of arrival.
    Target and headers are the wire's bytes decoded as latin-1; body is the bytes themselves.
    """

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""

    def __repr__(self) -> str:
        # Target, headers and body hold phone numbers and secrets; a repr ends up in logs and test reports.
        return f"<Callback {self.method}, {len(self.headers)} headers, {len(self.body)} bytes>"

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """The first value of a header, None without one. Letter case does not matter."""
        wanted = name.lower()
        for key, value in self.headers:
            if key.lower() == wanted:
                return value
        return None

    def headers_named(self, name: str) -> list[str]:
        """All values of a header. name: in lower case."""
        return [value for key, value in self.headers if key.lower() == name]

    @property
    def transport(self) -> Transport:
        """How the fields travel: in the query, as a form, or as JSON."""
        if self.method != "POST" or (not self.body and self.query):
            return "get"
        return "json" if _is_json(self) else "form"


def _is_json(callback: Callback) -> bool:
    content_type = (callback.header("Content-Type") or "").partition(";")[0].strip().lower()
    if content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return False
    return content_type.endswith("json") or callback.body.lstrip()[:1] in (b"{", b"[")


def is_origin_form(target: str) -> bool:
    """Whether a request target is a path, perhaps with a query, without control characters (RFC 9112, section 3.2.1).

    Programs disagree on every other form: some use the path of `http:/path`, or drop a TAB.
    """
    data = target.encode("latin-1", "replace")
    # Not a regular expression, which takes twice as long: this runs for each receipt.
    return data.startswith(b"/") and data.translate(None, _NOT_IN_A_TARGET) == data


def to_wire(callback: Callback) -> bytes:
    """The bytes of the request as they go over a connection."""
    lines = [f"{callback.method} {callback.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in callback.headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + callback.body


def compose(
    fields: Mapping[str, object],
    transport: Transport,
    *,
    target: str = CALLBACK_PATH,
    host: str = "localhost",
) -> Callback:
    """The callback that Vonage would send with these fields: its headers, their order, its encoding.

    target: path of the callback URL, and its query if it has one.
    Fields keep their order. JSON keeps the types of the values; the other transports write them as text.
    """
    if transport == "get":
        separator = "&" if "?" in target else "?"
        target = f"{target}{separator}{_form(fields)}"
        return Callback("GET", target, _headers(host, _USER_AGENT))
    if transport == "form":
        body = _form(fields).encode("ascii")
        content_type = "application/x-www-form-urlencoded; charset=UTF-8"
        headers = _headers(host, _USER_AGENT, body, content_type)
    else:
        body = json_body(fields)
        headers = _headers(host, _JSON_USER_AGENT, body, "application/json")
    return Callback("POST", target, headers, body)


def json_body(fields: Mapping[str, object]) -> bytes:
    """The fields as a JSON object, as Vonage writes it: compact, in UTF-8."""
    text = json.dumps(dict(fields), separators=(",", ":"), ensure_ascii=False)
    # UTF-8 cannot encode a lone surrogate, which a recorded "\ud800" can contain; a JSON escape can.
    return text.encode("utf-8", "backslashreplace")


def _headers(host: str, user_agent: str, body: bytes | None = None, content_type: str = "") -> Headers:
    common = (("Accept", "*/*"), ("User-Agent", user_agent), ("Host", host))
    if body is None:
        return common
    return (*common, ("Content-Length", str(len(body))), ("Content-Type", content_type))


def _form(fields: Mapping[str, object]) -> str:
    # A form cannot encode a lone surrogate; Vonage's Java writes a question mark for it.
    return urlencode(fields, errors="replace")


# The path of a relay's member, with its token as group 1. A text: compiled where it is used, which is seldom.
_MEMBER_PATH = rf"{RELAY_PATH}/([A-Za-z0-9_-]{{22}})/[a-z0-9.-]*"
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")

_AFTER_A_PATH = "\t\n\r \"#&'),;<>?\\]|}"
_MIN_SECRET = 8  # characters; a shorter text may be in a header by chance


def without_secret(callback: Callback) -> Callback:
    """The callback without the secret of its callback path, in the target and in all header values.

    Every callback that leaves the private files goes through this. All other bytes stay the same.
    """
    target, headers = without_token(callback.target), headers_without_secret(callback)
    return Callback(callback.method, target, headers, callback.body)


def headers_without_secret(callback: Callback) -> Headers:
    secret = _split_path(callback.path)[1]
    values = "\n".join([value for _, value in callback.headers])
    # Hardly any request has one of these, and a replay does this for thousands.
    if "delivery-receipt" in values or "%" in values or "/r/" in values or (secret and secret in values):
        return tuple((name, _cut(value, secret)) for name, value in callback.headers)
    return callback.headers


def _cut(value: str, secret: str) -> str:
    value = re.sub(_MEMBER_PATH, CALLBACK_PATH, value)
    value = _secret_in_value().sub(lambda found: found[1], value)
    # A proxy may have had another path for the same secret.
    return value.replace(secret, "") if len(secret) >= _MIN_SECRET else value


@cache  # on first use: compiling it takes longer than importing everything else here
def _secret_in_value() -> re.Pattern[str]:
    """The callback path inside a header value, as group 1, and the secret after it.

    Proxies put the request target there (`X-Original-URI`, `X-Forwarded-Uri`, `Referer`). Any character may be
    percent-encoded, even several times. The quantifiers are possessive, so that any value is read only once.
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
    """A request target without the secret after devkit's callback path, in any spelling.

    The path of a relay's member becomes the callback path.
    """
    path, mark, query = target.partition("?")
    return f"{_split_path(path)[0]}{mark}{query}"


@lru_cache(maxsize=64)  # nearly all recordings of a project have the same path
def _split_path(path: str) -> tuple[str, str]:
    """A path without the secret after devkit's callback path, and that secret; empty when there is none."""
    if path == CALLBACK_PATH:
        return path, ""
    origin = match[0] if (match := _ABSOLUTE.match(path)) else ""
    plain = re.sub("/+", "/", unquote(path[len(origin) :], encoding="latin-1"))
    if member := re.match(_MEMBER_PATH, plain):
        return f"{origin}{CALLBACK_PATH}", member[1]
    secret = plain.removeprefix(f"{CALLBACK_PATH}/")
    if secret in ("", plain):
        return path, ""
    return f"{origin}{CALLBACK_PATH}", secret.rstrip("/").rpartition("/")[2]


def member_token_in(url: str) -> str:
    """The secret in the callback URL of a relay's member; empty for any other."""
    match = re.search(_MEMBER_PATH, url)
    return match[1] if match else ""


def has_token(target: str) -> bool:
    """Whether a request target has a secret after devkit's callback path."""
    return without_token(target) != target
