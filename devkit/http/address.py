"""Where callbacks are sent: the parts of a URL, whether it is allowed, and what changes in a callback for it."""

import re
import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from devkit.errors import UsageError
from devkit.http.local_access import is_local_name, is_loopback, is_private
from devkit.webhook.callback import (
    CONNECTION_HEADERS,
    REPLAY_HEADER,
    Callback,
    Headers,
    headers_without_secret,
    without_token,
)

# What getaddrinfo returns: family, type, protocol, canonical name, socket address.
AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]

_PORT_ALONE = re.compile(r":?[0-9]+([/?].*)?", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Where callbacks are sent. target: path and query of the URL, perhaps empty.

    allow_private: it may be in a private network, as another container is. allow_remote: it may be anywhere.
    """

    scheme: str
    host: str
    port: int
    target: str
    allow_remote: bool
    allow_private: bool = False

    @property
    def netloc(self) -> str:
        """Host and port as in a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """With its path and query, which may contain a secret."""
        return f"{self}{path_of(self)}"

    def __str__(self) -> str:
        # Without the path, which may contain a secret.
        return f"{self.scheme}://{self.netloc}"


def parse_address(url: str, *, allow_remote: bool = False, allow_private: bool = False) -> Address:
    """The address in a URL. Without a scheme it is http, and a port alone, as in `5000/dlr`, is one of this machine.

    Raises UsageError.
    """
    full = f"localhost:{url.removeprefix(':')}" if _PORT_ALONE.fullmatch(url) else url
    try:
        parts = urlsplit(full if "://" in full else f"http://{full}")
        default = _DEFAULT_PORTS.get(parts.scheme, 0)  # 0: neither http nor https
        port = default if parts.port is None or not default else parts.port
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.username is not None:
        raise UsageError(
            "A URL to send receipts to contains a user name or password.", hint="Leave them out."
        )
    if not port or not parts.hostname:
        raise UsageError(
            f"Not a URL to send receipts to: {url!r}.",
            hint="Write it as 5000/your/path or http://127.0.0.1:5000/your/path",
        )
    # Checks the URL as it was typed, because urlsplit silently drops line breaks and tabs.
    if not all("!" <= char <= "~" for char in url):
        raise UsageError(
            f"The URL {url!r} contains characters that must be percent-encoded.", hint="Encode them."
        )
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    return Address(parts.scheme, parts.hostname, port, target, allow_remote, allow_private)


def is_same_local_server(address: Address, other: Address) -> bool:
    """Whether both are the same port of this machine, whichever of its names they use."""
    is_same_port = (address.scheme, address.port) == (other.scheme, other.port)
    return is_same_port and is_local_name(address.host) and is_local_name(other.host)


def resolve(address: Address) -> Sequence[AddressInfo]:
    """The socket addresses of an address. Connect to these: the name may resolve to others a moment later.

    Raises UsageError for a remote address that is not allowed; OSError and UnicodeError for a name that is not known.
    """
    # A URL is ASCII, so the host can be bytes: for text Python loads its tables of international host names.
    found = socket.getaddrinfo(address.host.encode("ascii"), address.port, type=socket.SOCK_STREAM)
    is_allowed = is_private if address.allow_private else is_loopback
    if address.allow_remote or all(is_allowed(str(sockaddr[0])) for *_, sockaddr in found):
        return found
    raise UsageError(
        f"{address} is not on this machine{_or_near(address)}; receipts hold phone numbers.",
        hint="Add --allow-remote if you mean it.",
    )


def why_not_allowed(address: Address) -> str:
    """Why callbacks must not be sent to an address; empty if they may be. Each connection checks it again."""
    try:
        resolve(address)
    except UsageError:
        return f"it is not on this machine{_or_near(address)}, and receipts hold phone numbers"
    except (OSError, UnicodeError) as error:
        # A container has no name before it runs.
        return "" if address.allow_private else f"its name is not known ({reason_of(error)})"
    return ""


def _or_near(address: Address) -> str:
    return " or in a private network" if address.allow_private else ""


def reason_of(error: Exception) -> str:
    """The system's words for an error."""
    return getattr(error, "strerror", None) or str(error)


def path_of(address: Address) -> str:
    """The path and query of an address; empty if it has none, or only `/`."""
    if not address.target or address.target == "/":
        return ""
    return address.target if address.target.startswith("/") else f"/{address.target}"


def target_of(address: Address) -> str:
    """The request target of a callback URL; `/` when the URL has no path."""
    return path_of(address) or "/"


_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*+([^\x00\r\n]*)")
_FRAMING = ("content-length", "transfer-encoding")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where callbacks go. host: for the Host header. target: path, or path and query; empty to keep the recorded path.

    dropped: names of headers, in lower case, that are not sent. mark: the header that tells what devkit sends.
    """

    host: str
    target: str = ""
    dropped: Collection[str] = ()
    mark: str = REPLAY_HEADER


def readdress(callback: Callback, to: Destination) -> Callback:
    """The callback for another host: with another Host, Content-Length and path, and with devkit's own header.

    Hop-by-hop headers and the secret of the callback path are removed, see `without_secret`. All other bytes stay the
    same.
    """
    dropped = CONNECTION_HEADERS.union(to.dropped) if to.dropped else CONNECTION_HEADERS
    chosen = {"host": to.host, "content-length": str(len(callback.body))}
    headers: list[tuple[str, str]] = []
    names: set[str] = set()
    for name, value in headers_without_secret(callback):  # in one pass: a replay does this for thousands
        plain = name.lower()
        if plain in dropped or (plain in chosen and plain in names):
            continue
        names.add(plain)
        headers.append((name, chosen.get(plain, value)))
    if "host" not in names:
        headers.insert(0, ("Host", to.host))
    if callback.body and "content-length" not in names:
        headers.append(("Content-Length", chosen["content-length"]))
    if to.mark.lower() not in names:
        headers.append((to.mark, "1"))
    target = with_path(callback.target, to.target) if to.target else without_token(callback.target)
    return Callback(callback.method, target, tuple(headers), callback.body)


def keep_exact(callback: Callback, target: str = "") -> Callback:
    """The callback as it was recorded, but with the length of the body: else the target would wait for more.

    target: as in `Destination`.
    """
    target = with_path(callback.target, target) if target else callback.target
    # A body that arrived in chunks was joined when it was recorded, and is sent as one.
    headers = with_header(callback.headers, "Transfer-Encoding", None)
    return Callback(callback.method, target, _with_length(headers, callback.body), callback.body)


def with_path(target: str, path: str) -> str:
    """A request target with another path. The query of the path comes before the recorded one, as with Vonage."""
    query = target.partition("?")[2]
    if not query:
        return path
    return f"{path}{'&' if '?' in path else '?'}{query}"


def with_header(headers: Headers, name: str, value: str | None) -> Headers:
    """The headers with a new value for one name, in the place and letter case of the old one; None removes it."""
    wanted = name.lower()
    old = next((index for index, (given, _) in enumerate(headers) if given.lower() == wanted), None)
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
