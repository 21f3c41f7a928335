"""Why a send request is refused: the statuses of the SMS API, their words, and the checks in their order."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from devkit.errors import UsageError
from devkit.push import parse_address
from devkit.signature import verify
from devkit.simulator.account import is_owner
from devkit.simulator.exchange import Credentials
from devkit.simulator.option import SimulatorOptions
from devkit.simulator.part import MAX_TEXT

# The name of each status in Vonage's table, unless the real text was seen: those of 2 and 4 were.
TEXTS: dict[int, str] = {
    1: "Throughput Rate Exceeded - please wait [ 1000 ] and retry",
    2: "Missing to param",
    3: "Invalid Parameters",
    4: "Bad Credentials",
    5: "Internal Error",
    6: "Invalid Message",
    7: "Number Barred",
    8: "Partner Account Barred",
    9: "Partner Quota Violation",
    10: "Too Many Existing Binds",
    11: "Account Not Enabled For HTTP",
    12: "Message Too Long",
    14: "Invalid Signature",
    15: "Invalid Sender Address",
    22: "Invalid Network Code",
    23: "Invalid Callback URL",
    29: "Non-Whitelisted Destination",
    32: "Signature And API Secret Disallowed",
    33: "Number De-activated",
}

TYPES = ("text", "binary", "wappush", "unicode", "vcal", "vcard")
MAX_CALLBACK = 100  # characters; the SDK has the same limit
MIN_TTL, MAX_TTL = 20_000, 604_800_000  # milliseconds
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}

_RECIPIENT = re.compile(r"\d{7,15}", re.ASCII)
_SENDER = re.compile(r"\+?\d{1,15}|[ -~]{1,11}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Refusal:
    """status: of the SMS API's table, or the HTTP status of the settings API. text: what the answer says."""

    status: int
    text: str
    api: Literal["sms", "settings"] = "sms"


Fields = Mapping[str, str]


def refusal(status: int, text: str = "") -> Refusal:
    return Refusal(status, text or TEXTS[status])


def refuse(fields: Fields, given: Credentials, options: SimulatorOptions) -> Refusal | None:
    """The first thing wrong with a send request, None when it can be sent."""
    return next(_wrongs(fields, given, options), None)


def _wrongs(fields: Fields, given: Credentials, options: SimulatorOptions) -> Iterator[Refusal]:
    yield from _access(fields, given, options)
    yield from (refusal(2, f"Missing {name} param") for name in _missing(fields))
    yield from (refusal(3, f"Invalid {name} param") for name in _VALID if not _is_valid(fields, name))
    if not _SENDER.fullmatch(fields["from"]):
        yield refusal(15)
    if len(fields.get("text", "")) > MAX_TEXT:
        yield refusal(12)
    if not _is_callback(fields.get("callback", "")):
        yield refusal(23)
    if options.trial and fields["to"] not in options.verified:
        yield refusal(29)


def _access(fields: Fields, given: Credentials, options: SimulatorOptions) -> Iterator[Refusal]:
    if not given.api_key:
        yield refusal(2, "Missing api_key param")
    if "sig" not in fields:
        if not given.api_secret:
            yield refusal(2, "Missing api_secret param")
        if not is_owner(given, options):
            yield refusal(4)
        return
    if given.api_secret:
        yield refusal(32)
    if given.api_key != options.api_key:
        yield refusal(4)
    if verify(fields, options.signature_secret, options.signature_method) != "valid":
        yield refusal(14)


def _missing(fields: Fields) -> Iterator[str]:
    yield from (name for name in ("from", "to") if not fields.get(name))
    needed = {"text": "text", "unicode": "text", "binary": "body", "vcard": "vcard", "vcal": "vcal"}
    name = needed.get(fields.get("type", "text"))
    if name is not None and name not in fields:
        yield name


def _is_valid(fields: Fields, name: str) -> bool:
    return name not in fields or _VALID[name](fields[name])


def _between(low: int, high: int) -> Callable[[str], bool]:
    return lambda value: bool(re.fullmatch("[0-9]{1,11}", value)) and low <= int(value) <= high


def _is_hex(value: str) -> bool:
    return bool(re.fullmatch(r"(?:[0-9a-fA-F]{2})*", value))


_VALID: dict[str, Callable[[str], bool]] = {
    "to": lambda value: bool(_RECIPIENT.fullmatch(value)),
    "type": lambda value: value in TYPES,
    "ttl": _between(MIN_TTL, MAX_TTL),
    "message-class": _between(0, 3),
    "protocol-id": _between(0, 255),
    "status-report-req": lambda value: value.lower() in BOOLEANS,
    # The documentation says 40 characters, the SDK allows 100.
    "client-ref": lambda value: len(value) <= 100,
    "body": _is_hex,
    "udh": _is_hex,
}


def _is_callback(url: str) -> bool:
    if not url:
        return True
    try:
        parse_address(url)
    except UsageError:
        return False
    return len(url) <= MAX_CALLBACK and url.startswith(("http://", "https://"))
