"""Stable stand-ins for what could identify somebody, drawn with a private key: without it nobody can try values out.

Each stand-in can be told from a real value, so that redacting twice changes nothing: a number by Ofcom's
never-assigned range, an address by the ranges set aside for documentation, an id by its last eight characters,
which are computed from those before them with the key.
"""

import hmac
import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from devkit.keep.spelling import digits_of, is_numeric
from devkit.message_id import is_uuid

_RANGE = "447700900"
_FIRST, _COUNT = 200, 800  # below 200 the simulator gives numbers a meaning; a sample must not borrow it

_DIGITS = "0123456789"
_UPPER = "0123456789ABCDEF"
_LOWER = "0123456789abcdef"
_WORD = "0123456789abcdefghijklmnopqrstuvwxyz"
_ALPHABETS = (_DIGITS, _UPPER, _LOWER, _WORD)
_CHECK = 8  # a real value of digits is taken for ours once in 10^8, of hex once in 4 * 10^9
_SHORTEST = _CHECK + 4
_LONG = 1_000  # bytes

_RESERVED = tuple(
    ip_network(text)
    for text in (
        "127.0.0.0/8",
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "::1/128",
        "2001:db8::/32",
    )
)


def number(text: str, key: bytes) -> str:
    """A phone number in 447700900200-999, with a leading + where there was one.

    There are 800: two numbers can get the same stand-in. A number of the never-assigned range stays as it is.
    """
    if is_never_assigned(text):
        return text
    pick = _FIRST + int.from_bytes(_digest(key, "number", canonical(text).encode())) % _COUNT
    return f"{'+' if text.startswith('+') else ''}{_RANGE}{pick}"


def is_never_assigned(text: str) -> bool:
    """Whether this is a number of 447700900000-999, in any of the ways to write it internationally."""
    return is_numeric(text) and re.fullmatch(_RANGE + r"[0-9]{3}", canonical(text)) is not None


def canonical(text: str) -> str:
    """The digits of a phone number, without a 00 in front. Text without a digit stays as it is."""
    return digits_of(text).removeprefix("00") or text


def token(value: bytes, key: bytes, *, digits: bool = False) -> str:
    """An id of the same length, alphabet and shape; at least 12 characters, so that it can carry its check.

    digits: only digits, for a value that is written as a number.
    """
    text = value.decode("utf-8", "replace")
    if is_token(text, key):
        return text
    whole = is_uuid(text)
    body = text.replace("-", "") if whole else text
    alphabet = _DIGITS if digits else next((each for each in _ALPHABETS if set(body) <= set(each)), _WORD)
    head = _draw(key, "head", value, alphabet, max(len(body), _SHORTEST) - _CHECK)
    if alphabet is _DIGITS:
        head = "1" + head[1:] if head[0] == "0" else head  # no JSON number begins with 0
    if whole:  # its version and variant say what kind of UUID it is; programs check them
        head = head[:12] + body[12] + head[13:16] + body[16] + head[17:]
    new = head + _draw(key, "check", head.encode(), alphabet, _CHECK)
    return "-".join((new[:8], new[8:12], new[12:16], new[16:20], new[20:])) if whole else new


def is_token(text: str, key: bytes) -> bool:
    """Whether `token` made this text with this key."""
    body = text.replace("-", "") if is_uuid(text) else text
    head, check = body[:-_CHECK], body[-_CHECK:]
    if len(body) < _SHORTEST or not set(body) <= set(_WORD + _UPPER):
        return False
    return any(check == _draw(key, "check", head.encode(), alphabet, _CHECK) for alphabet in _ALPHABETS)


def address(text: str, key: bytes) -> str:
    """An address of a documentation range: 192.0.2.1-254, or 2001:db8:: with four hex digits.

    One of such a range, or of this machine itself, stays as it is.
    """
    found = _parse(text)
    if found and any(found in network for network in _RESERVED if network.version == found.version):
        return text
    drawn = int.from_bytes(_digest(key, "address", text.encode("latin-1")))
    return (
        f"2001:db8::{drawn % 0xFFFF + 1:x}"
        if isinstance(found, IPv6Address)
        else f"192.0.2.{drawn % 254 + 1}"
    )


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _draw(key: bytes, purpose: str, data: bytes, alphabet: str, length: int) -> str:
    if len(data) > _LONG:  # it is hashed again for each 32 characters
        data = _digest(key, "long", data)
    drawn = b""
    while len(drawn) < length:
        drawn += _digest(key, f"{purpose}/{len(alphabet)}{alphabet[-1]}/{len(drawn)}", data)
    return "".join(alphabet[byte % len(alphabet)] for byte in drawn[:length])


def _digest(key: bytes, purpose: str, data: bytes) -> bytes:
    return hmac.digest(key, purpose.encode() + b"\0" + data, "sha256")
