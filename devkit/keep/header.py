"""What becomes of a header: the harmless ones stay, the others keep their name and their place."""

import re
from collections.abc import Iterator
from ipaddress import ip_address

from devkit.keep.change import Change
from devkit.keep.pseudonym import address
from devkit.keep.rule import HEADERS, SAFE_HEADERS, Policy
from devkit.keep.survivor import Original

EXAMPLE_HOST = "dlr.example.com"
REMOVED = "redacted"
_FORWARDED = f"for=192.0.2.1;host={EXAMPLE_HOST};proto=https"

# RFC 2606 and RFC 6761: names that nobody can own.
_NOBODYS = re.compile(
    r"(.+\.)?(localhost|test|invalid|example|example\.(com|net|org))", re.IGNORECASE | re.ASCII
)
_ADDRESS = re.compile(r"[^\s,]+")
_PIECE = re.compile(r"[^\s;,=\"]{12,}")  # a cookie's value, a token after its scheme


def header_change(name: str, value: str, policy: Policy, key: bytes) -> Change | None:
    """The replacement of a header's value; None when it stays."""
    lower = name.lower()
    form = SAFE_HEADERS.get(lower)
    if not value or policy.allows(name) or (form and form.fullmatch(value) and not policy.redacts(name)):
        return None
    method = "removed" if policy.redacts(name) else HEADERS.get(lower, "removed")
    new = _stand_in(method, value, key)
    return Change(name, method, new, tuple(_originals(name, value, new))) if new != value else None


def _stand_in(method: str, value: str, key: bytes) -> str:
    if method == "host":
        return value if _is_nobodys(_bare(value)) else EXAMPLE_HOST
    if method == "address":
        return _ADDRESS.sub(lambda match: address(match[0], key), value)
    return _FORWARDED if method == "forwarded" else REMOVED


def _originals(name: str, value: str, new: str) -> Iterator[Original]:
    pieces = {value, _bare(value), *_ADDRESS.findall(value), *_PIECE.findall(value)}
    yield from (Original(name, piece.encode("latin-1")) for piece in sorted(pieces) if piece not in new)


def _bare(value: str) -> str:
    """A host without its port."""
    return re.sub(r":\d*$", "", value.strip()).strip("[]")


def _is_nobodys(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return _NOBODYS.fullmatch(host) is not None
