"""Where callbacks are sent: the parts of a URL."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from devkit.errors import UsageError

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Where callbacks are pushed to. target: path and query, empty when the URL has none."""

    scheme: str
    host: str
    port: int
    target: str
    allow_remote: bool

    @property
    def netloc(self) -> str:
        """Host and port as a Host header says them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        # Without the path: it can hold a secret.
        return f"{self.scheme}://{self.netloc}"


def parse_address(url: str, *, allow_remote: bool = False) -> Address:
    """The address in a URL; `localhost:5000/dlr` without a scheme is http. Raises UsageError."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        default = _DEFAULT_PORTS.get(parts.scheme, 0)  # 0: neither http nor https
        port = default if parts.port is None or not default else parts.port
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.username is not None:
        raise UsageError("A URL to send receipts to holds a user name or password.", hint="Leave them out.")
    if not port or not parts.hostname:
        raise UsageError(
            f"Not a URL to send receipts to: {url!r}.", hint="Write it as http://127.0.0.1:5000/your/path"
        )
    # Looked for in the URL as it was typed: urlsplit drops line breaks and tabs without a word.
    if not all("!" <= char <= "~" for char in url):
        raise UsageError(
            f"The URL {url!r} holds characters that must be percent-encoded.", hint="Encode them."
        )
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    return Address(parts.scheme, parts.hostname, port, target, allow_remote)


def path_of(address: Address) -> str:
    """The path, and the query, that the address asks for; empty when it leaves that open, as a lone `/` does."""
    if not address.target or address.target == "/":
        return ""
    return address.target if address.target.startswith("/") else f"/{address.target}"


def target_of(address: Address) -> str:
    """The request target of a callback URL; `/` when the URL has no path."""
    return address.target if address.target.startswith("/") else f"/{address.target}"
