"""Which names and addresses are this machine, and who may use a server on it. One rule for all such servers.

A spelling that only some resolvers read as this machine, such as `127.1`, is not this machine.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from devkit.webhook.callback import FORWARDING_HEADERS, Callback, is_origin_form

# What people write for this machine. To find out whether a name is this machine, use `is_local_name`.
LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")

# No `%`, no `@`, no space: all programs read a URL with such a host in the same way.
_HOST = re.compile(
    r"(?:([a-z0-9.-]{1,253})|\[([0-9a-f:.]{2,45})\])(?::([0-9]{1,5}))?", re.ASCII | re.IGNORECASE
)
_MAX_LENGTH = 259  # characters: a name and a port
_MAX_PORT = 65535


@lru_cache(maxsize=256)  # called for each request, nearly always with the same address
def is_loopback(address: str) -> bool:
    """Whether a text is an IP address of the loopback range. An IPv6 address may have a zone (`::1%lo`)."""
    parsed = _ip_address(address)
    return parsed is not None and parsed.is_loopback


# Where containers and machines of one owner are (RFC 1918, RFC 4193). Not the link-local range: a cloud's metadata
# service responds there. Not 100.64.0.0/10: providers share it among customers.
_PRIVATE_NETWORKS = tuple(
    ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)


@lru_cache(maxsize=256)  # as `is_loopback`
def is_private(address: str) -> bool:
    """Whether a text is an IP address of a private network or of this machine."""
    parsed = _ip_address(address)
    return parsed is not None and (
        parsed.is_loopback or any(parsed in network for network in _PRIVATE_NETWORKS)
    )


def _ip_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IP address; for an IPv4 address inside an IPv6 one, that of IPv4; None for another text."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    # Python itself counts `::ffff:127.0.0.1` as loopback from 3.13 on only.
    return getattr(parsed, "ipv4_mapped", None) or parsed


def is_private_name(name: str) -> bool:
    """Whether a host name, in lower case, is one that only a private network has: `app`, `172.18.0.2`.

    A public web page has a name with a dot, so DNS rebinding cannot give it such a name.
    """
    return is_private(name) or not set(name) & {".", ":"}


def is_local_name(name: str) -> bool:
    """Whether a host name in lower case, or an IP address without brackets, is this machine."""
    # Not `a.localhost`: another program's page may have that name.
    return name == "localhost" or is_loopback(name)


@dataclass(frozen=True, slots=True)
class Host:
    """A host name or an IP address, and a port. Its text is safe in a URL: all programs read it in the same way.

    name: in lower case; an IPv6 address without brackets. port: None without one.
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
    """The host in a Host header or a setting, with or without a port; None for anything else."""
    return _parse(text) if len(text) <= _MAX_LENGTH else None


@lru_cache(maxsize=256)  # as `is_loopback`
def _parse(text: str) -> Host | None:
    if not (match := _HOST.fullmatch(text)):
        return None
    name, ipv6, digits = match.groups()
    port = int(digits) if digits else None
    if port is not None and not 0 < port <= _MAX_PORT:
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

_WRONG_PEER = "The server is for programs on this machine only."
_WRONG_PRIVATE_PEER = "The server is for programs on this machine and in its private networks only."
_WRONG_ADDRESS = "The address must be that of this machine: 127.0.0.1, localhost or [::1]."
_WRONG_PRIVATE_ADDRESS = (
    "The address must be that of this machine, as localhost, or of its private networks: a name without a dot, as "
    "simulator, or an address such as 172.18.0.2."
)
_WRONG_SITE = "The request comes from another site. Type the address, or paste it into the address bar."


def rejection_reason(
    request: Callback,
    remote: str,
    *,
    own_pages: bool,
    serves_name: Callable[[str], bool] | None = None,
    serves_private: bool = False,
) -> str:
    """Why a server on this machine must refuse a request, for people; empty when it may respond.

    remote: the peer's address. own_pages: whether the server has pages, which may send requests to it.
    serves_name: whether programs may use this host name for the server too, directly or through a proxy.
    serves_private: whether programs in private networks, such as other containers, may use the server too.
    """
    hosts = request.headers_named("host")
    host = parse_host(hosts[0]) if len(hosts) == 1 else None
    is_near = host is not None and (host.is_local or (serves_private and is_private_name(host.name)))
    if not (is_private if serves_private else is_loopback)(remote):
        return _WRONG_PRIVATE_PEER if serves_private else _WRONG_PEER
    # A tunnel's agent is on this machine too, but it forwards the public Host or adds a forwarding header.
    is_forwarded = any(name.lower() in FORWARDING_HEADERS for name, _ in request.headers)
    if is_forwarded and (host is None or is_near):
        return "The request was forwarded by a tunnel or a proxy."
    # Another site's name that resolves to this machine would let its page read the responses (DNS rebinding).
    if host is None or not (is_near or (serves_name and serves_name(host.name))):
        return _WRONG_PRIVATE_ADDRESS if serves_private else _WRONG_ADDRESS
    if not _is_for(host, request.target):
        return "The request asks for another host's page."
    if host.is_local:
        return _page_problem(request, host if own_pages else None)
    return _browser_problem(request) or _page_problem(request, None)


def _is_for(host: Host, target: str) -> bool:
    if is_origin_form(target):
        return True
    absolute = _ABSOLUTE_FORM.fullmatch(target)
    return absolute is not None and parse_host(absolute[1]) == host


def _page_problem(request: Callback, host: Host | None) -> str:
    """Why a page must not send this request. host: that of the server's own pages, if it has any.

    Every web page can have the developer's browser send requests to this machine, but it cannot hide its origin.
    """
    if any(host is None or _origin_host(origin) != host for origin in request.headers_named("origin")):
        return "The request comes from a page of another origin."
    # `none`: typed, or a bookmark. `same-site` includes pages of other programs, on other ports of this machine.
    sites = ("none", "same-origin") if host else ("none",)
    return _WRONG_SITE if any(site not in sites for site in request.headers_named("sec-fetch-site")) else ""


def _origin_host(origin: str) -> Host | None:
    scheme, _, host = origin.partition("://")
    return parse_host(host) if scheme == "http" else None


def _browser_problem(request: Callback) -> str:
    """Why a browser must not use the server under another name; empty for a program.

    Browsers send Sec-Fetch-Site only to https and to this machine, and no Origin for an image.
    """
    is_browser = any(agent.startswith("Mozilla/") for agent in request.headers_named("user-agent"))
    return "Under this name the server is for programs, not for browsers." if is_browser else ""
