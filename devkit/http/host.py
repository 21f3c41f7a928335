"""Whether an address or a host is this machine. Spellings that a resolver might read as it are not."""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache

# No `%`, no `@`, no space: a URL with such a host is read in the same way by every program.
_HOST = re.compile(
    r"(?:([a-z0-9.-]{1,253})|\[([0-9a-f:.]{2,45})\])(?::([0-9]{1,5}))?", re.ASCII | re.IGNORECASE
)
_LONGEST = 259  # characters: a name and a port
_LAST_PORT = 65535


@lru_cache(maxsize=256)  # asked for each request, and nearly always of the same address
def is_loopback(address: str) -> bool:
    """Whether an IP address, as text, is of the loopback range; False for what is no IP address.

    An IPv6 address may have a zone (`::1%lo`), as those of sockets do.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    # `::ffff:127.0.0.1`, which Python itself counts as loopback from 3.13 on only
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback


@dataclass(frozen=True, slots=True)
class Host:
    """A host name or an IP address, and a port. Its text is safe to put into a URL: nobody reads it differently.

    name: in lower case; an IPv6 address without brackets. port: None when none is named.
    """

    name: str
    port: int | None = None

    @property
    def is_loopback(self) -> bool:
        # Not `a.localhost`: another program's page may have that name.
        return self.name == "localhost" or is_loopback(self.name)

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port is None else f"{name}:{self.port}"


def parse_host(text: str) -> Host | None:
    """The host that a Host header or a setting names, with or without a port; None for anything else."""
    return _parse(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=256)  # as above
def _parse(text: str) -> Host | None:
    if not (match := _HOST.fullmatch(text)):
        return None
    name, ipv6, digits = match.groups()
    port = int(digits) if digits else None
    if port is not None and not 0 < port <= _LAST_PORT:
        return None
    try:
        return Host(name.lower() if name else str(ipaddress.IPv6Address(ipv6)), port)
    except ValueError:
        return None


def names_loopback(text: str) -> bool:
    """Whether a text names a host, with or without a port, that is this machine."""
    host = parse_host(text)
    return host is not None and host.is_loopback


LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")


def is_vonage_name(name: str) -> bool:
    """Whether a host name, in lower case, is Vonage's own: `rest.nexmo.com`, `api.nexmo.com`, `api-eu.vonage.com`."""
    return _VONAGE_NAME.fullmatch(name) is not None


_VONAGE_NAME = re.compile(r"([a-z0-9-]+\.)*(nexmo|vonage)\.com")
