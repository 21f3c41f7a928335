"""Why a send request is refused: the statuses of the SMS API, their words, and the checks in their order."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from devkit.errors import UsageError
from devkit.http.address import parse_address
from devkit.simulator.exchange import GivenCredentials
from devkit.simulator.options import SimulatorOptions
from devkit.simulator.state import Refusal, is_owner
from devkit.webhook.signature import verify
from devkit.webhook.sms_text import MAX_TEXT


@dataclass(frozen=True, slots=True)
class Words:
    """What the answer says. fields: those that come with the text, beside the status; programs read them."""

    text: str
    fields: tuple[str, ...] = ()


# Programs match these texts. docs/vonage.md has the source of each one that was seen in a real answer.
WORDS: dict[int, Words] = {
    1: Words("Throughput Rate Exceeded - please wait [ 1000 ] and retry", ("to", "network")),
    2: Words("Missing to param"),
    4: Words("Bad Credentials"),
    6: Words("Unroutable message - rejected", ("to",)),
    9: Words("Quota Exceeded - rejected", ("to", "remaining-balance", "message-price", "network")),
    14: Words("Invalid Signature"),
    15: Words("Illegal Sender Address - rejected", ("to", "network")),
    29: Words("Non White-listed Destination - rejected", ("to",)),
    # Never seen: the name of the status in Vonage's table.
    3: Words("Invalid Parameters"),
    5: Words("Internal Error"),
    7: Words("Number Barred"),
    8: Words("Partner Account Barred"),
    10: Words("Too Many Existing Binds"),
    11: Words("Account Not Enabled For HTTP"),
    12: Words("Message Too Long"),
    22: Words("Invalid Network Code"),
    23: Words("Invalid Callback URL"),
    32: Words("Signature And API Secret Disallowed"),
    33: Words("Number De-activated"),
}

# Seen too: texts of status 2 and 3 that name no parameter.
NO_KEY = "Missing api_key"
NO_SECRET = "Your request is incomplete and missing some mandatory parameters"
NO_TEXT = "Missing Message Text"
NO_NUMBER = "to address is not numeric"

# The types of a message, and the fields that each needs.
_CONTENT: dict[str, tuple[str, ...]] = {
    "text": ("text",),
    "binary": ("body",),
    "wappush": ("title", "url"),
    "unicode": ("text",),
    "vcal": ("vcal",),
    "vcard": ("vcard",),
}
# Characters, as the OpenAPI document of the SMS API (1.0.11) and the SDK say.
MAX_CALLBACK = MAX_CLIENT_REF = 100
MIN_TTL, MAX_TTL = 20_000, 604_800_000  # milliseconds
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}

_RECIPIENT = re.compile(r"\d{7,15}", re.ASCII)
_SENDER = re.compile(r"\+?\d{1,15}|[ -~]{1,11}", re.ASCII)

RequestFields = Mapping[str, str]


def refusal(status: int, text: str = "") -> Refusal:
    return Refusal(status, text or WORDS[status].text)


def refuse(fields: RequestFields, given: GivenCredentials, options: SimulatorOptions) -> Refusal | None:
    """The first thing wrong with a send request, None when it can be sent."""
    return next(_wrongs(fields, given, options), None)


def _wrongs(fields: RequestFields, given: GivenCredentials, options: SimulatorOptions) -> Iterator[Refusal]:
    yield from _access(fields, given, options)
    yield from _missing(fields)
    if not (fields["to"].isascii() and fields["to"].isdecimal()):
        yield refusal(3, NO_NUMBER)
    yield from (refusal(3, f"Invalid {name} param") for name in _VALID if not _is_valid(fields, name))
    if fields["to"].startswith("0"):  # no country's prefix begins so
        yield refusal(6)
    if not _SENDER.fullmatch(sender(fields)):
        yield refusal(15)
    if len(fields.get("text", "")) > MAX_TEXT:
        yield refusal(12)
    if not _is_callback(fields.get("callback", "")):
        yield refusal(23)
    if options.trial and fields["to"] not in options.verified:
        yield refusal(29)


def sender(fields: RequestFields) -> str:
    """Who the message comes from: "if alphanumeric, spaces will be ignored" (OpenAPI document of the SMS API)."""
    return fields["from"].replace(" ", "")


def _access(fields: RequestFields, given: GivenCredentials, options: SimulatorOptions) -> Iterator[Refusal]:
    if not given.api_key:
        yield refusal(2, NO_KEY)
    if "sig" not in fields:
        if not given.api_secret:
            yield refusal(2, NO_SECRET)
        if not is_owner(given, options):
            yield refusal(4)
        return
    if given.api_secret:
        yield refusal(32)
    if given.api_key != options.api_key:
        yield refusal(4)
    if verify(fields, options.signature_secret, options.signature_method) != "valid":
        yield refusal(14)


def _missing(fields: RequestFields) -> Iterator[Refusal]:
    names = ("from", "to", *_CONTENT.get(fields.get("type", "text"), ()))
    missing = (name for name in names if not fields.get(name))
    yield from (refusal(2, NO_TEXT if name == "text" else f"Missing {name} param") for name in missing)


def _is_valid(fields: RequestFields, name: str) -> bool:
    return name not in fields or _VALID[name](fields[name])


def _between(low: int, high: int) -> Callable[[str], bool]:
    return lambda value: bool(re.fullmatch("[0-9]{1,11}", value)) and low <= int(value) <= high


def _is_hex(value: str) -> bool:
    return bool(re.fullmatch(r"(?:[0-9a-fA-F]{2})*", value))


_VALID: dict[str, Callable[[str], bool]] = {
    "to": lambda value: bool(_RECIPIENT.fullmatch(value)),
    "type": lambda value: value in _CONTENT,
    "ttl": _between(MIN_TTL, MAX_TTL),
    "message-class": _between(0, 3),
    "protocol-id": _between(0, 255),
    "status-report-req": lambda value: value.lower() in BOOLEANS,
    "client-ref": lambda value: len(value) <= MAX_CLIENT_REF,
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
