"""Whether an address or a host name is this machine. Spellings that a resolver might read as it are not."""

import ipaddress
import re
from functools import lru_cache

_PORT = re.compile(r":\d+$")


@lru_cache(maxsize=256)  # asked for each request, and nearly always of the same address
def is_loopback(address: str) -> bool:
    """Whether an IP address, as text, is of the loopback range; False for what is no IP address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    # `::ffff:127.0.0.1`, which Python itself counts as loopback from 3.13 on only
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback


def names_loopback(host: str) -> bool:
    """Whether a host as URLs and Host headers write it, with or without a port, is this machine."""
    bare_ipv6 = host.count(":") > 1 and not host.startswith("[")
    name = host if bare_ipv6 else _PORT.sub("", host)
    return name.lower() == "localhost" or is_loopback(name.removeprefix("[").removesuffix("]"))
