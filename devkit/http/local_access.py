"""Which names and addresses are this machine, and who may use a server on it. One rule for all such servers.

Spellings that only a resolver might read as this machine are not this machine.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from devkit.webhook.callback import FORWARDING_HEADERS, Callback, is_origin_form

# What people write for this machine. To find out whether a name is this machine, use `is_local_name`.
LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")

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


def is_local_name(name: str) -> bool:
    """Whether a host name in lower case, or an IP address without brackets, is this machine."""
    # Not `a.localhost`: another program's page may have that name.
    return name == "localhost" or is_loopback(name)


@dataclass(frozen=True, slots=True)
class Host:
    """A host name or an IP address, and a port. Its text is safe to put into a URL: nobody reads it differently.

    name: in lower case; an IPv6 address without brackets. port: None when none is named.
    """

    name: str
    port: int | None = None

    @property
    def is_local(self) -> bool:
        return is_local_name(self.name)

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


def is_local_host(text: str) -> bool:
    """Whether a Host header or a setting, with or without a port, names this machine."""
    host = parse_host(text)
    return host is not None and host.is_local


def is_vonage_name(name: str) -> bool:
    """Whether a host name, in lower case, is Vonage's own: `rest.nexmo.com`, `api.nexmo.com`, `api-eu.vonage.com`."""
    return _VONAGE_NAME.fullmatch(name) is not None


_VONAGE_NAME = re.compile(r"([a-z0-9-]+\.)*(nexmo|vonage)\.com")


# The absolute form of a target (RFC 9112, section 3.2.2), as it is sent to a proxy.
_ABSOLUTE_FORM = re.compile(r"https?://([^/?]+)(?:[/?].*)?", re.IGNORECASE)

_WRONG_ADDRESS = "The address must be that of this machine: 127.0.0.1, localhost or [::1]."
_WRONG_SITE = "The request comes from another site. Type the address, or paste it into the address bar."

_Values = Mapping[str, Sequence[str]]


def rejection_reason(
    request: Callback, remote: str, *, own_pages: bool, serves_name: Callable[[str], bool] | None = None
) -> str:
    """Why a server on this machine must not serve a request, for people; empty when it may.

    remote: the peer's address. own_pages: whether the server has pages, which may send requests to it.
    serves_name: whether programs may call the server by this host name, too, directly or through a proxy.
    """
    values = _by_name(request.headers)
    host = _named_host(values.get("host", ()))
    if not is_loopback(remote):
        return "It is there for this machine only."
    # A tunnel's agent is on this machine, too, but it forwards the public Host or says for whom it asks.
    if FORWARDING_HEADERS & values.keys() and (host is None or host.is_local):
        return "The request was forwarded, as by a tunnel or a proxy."
    # A name that leads to this machine but is somebody else's would let their page read what is here.
    if host is None or not (host.is_local or (serves_name and serves_name(host.name))):
        return _WRONG_ADDRESS
    if not _is_for(host, request.target):
        return "The request asks for another host's page."
    if host.is_local:
        return _page_problem(values, host if own_pages else None)
    return _browser_problem(values) or _page_problem(values, None)


def _by_name(headers: Iterable[tuple[str, str]]) -> _Values:
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    return values


def _named_host(values: Sequence[str]) -> Host | None:
    return parse_host(values[0]) if len(values) == 1 else None


def _is_for(host: Host, target: str) -> bool:
    if is_origin_form(target):
        return True
    absolute = _ABSOLUTE_FORM.fullmatch(target)
    return absolute is not None and parse_host(absolute[1]) == host


def _page_problem(values: _Values, host: Host | None) -> str:
    """Why a request is one of a page that must not send it. host: that of the server's own pages, if it has any.

    Any page that the developer looks at can have the browser ask this machine, but not hide that it did.
    """
    if any(host is None or _origin_host(origin) != host for origin in values.get("origin", ())):
        return "The request comes from a page of another origin."
    # `none`: typed, or a bookmark. A page on another port of this machine is `same-site`, and a stranger's as well.
    sites = ("none", "same-origin") if host else ("none",)
    return _WRONG_SITE if any(site not in sites for site in values.get("sec-fetch-site", ())) else ""


def _origin_host(origin: str) -> Host | None:
    scheme, _, host = origin.partition("://")
    return parse_host(host) if scheme == "http" else None


def _browser_problem(values: _Values) -> str:
    """Why a request under a name that is not this machine's own is a browser's.

    Browsers send Sec-Fetch-Site to https and to this machine only, and no Origin with an image.
    """
    is_browser = any(agent.startswith("Mozilla/") for agent in values.get("user-agent", ()))
    return "Under this name the server is for programs, not for browsers." if is_browser else ""
