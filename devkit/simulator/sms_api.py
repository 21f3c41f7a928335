"""The SMS API: checks a send request, answers as Vonage does, and has its receipts scheduled."""

import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from devkit.simulator.delivery import DeliveryWorker
from devkit.simulator.exchange import (
    MAX_CLIENT_REF,
    SENDER,
    ApiRequest,
    ApiResponse,
    credentials,
    is_http_url,
    is_owner,
    xml_elements,
)
from devkit.simulator.occurrences import Message, Refusal
from devkit.simulator.options import SEND_FAULTS, SimulatorOptions
from devkit.simulator.outcomes import EXPIRY, Outcome, network, outcome, outcome_of_messages
from devkit.simulator.state import Simulator
from devkit.webhook.receipt import make_message_id
from devkit.webhook.signature import verify
from devkit.webhook.sms_text import MAX_TEXT, split

_TRIAL_SUFFIX = "[FREE SMS DEMO, TEST MESSAGE]"

_Fields = Mapping[str, str]
_Entry = dict[str, str]  # one of `messages` in the answer


def send(request: ApiRequest, simulator: Simulator) -> ApiResponse:
    """Answer /sms/json and /sms/xml. The HTTP status is 200 for refusals too, and all values are strings."""
    result = _send(request, simulator)
    if isinstance(result, Refusal):
        simulator.watch(result)
        result = [_refused_entry(result, request.fields, simulator)]
    return _xml(result) if request.wants_xml else _json(result)


def _send(request: ApiRequest, simulator: Simulator) -> list[_Entry] | Refusal:
    options, fields = simulator.options, request.fields
    fault = simulator.take_fault(SEND_FAULTS)
    if fault is not None:
        return _refusal(SEND_FAULTS[fault.name])
    refused = next(_problems(request, options), None)
    if refused is not None:
        return refused
    wait = simulator.throttle.wait(options.rate)
    if wait:
        return _refusal(1, f"Throughput Rate Exceeded - please wait [ {wait} ] and retry")
    messages = _messages(fields, options, simulator.clock.now())
    remaining = simulator.charge(messages[0].network.price * len(messages))
    if remaining is None:
        return _refusal(9)
    worker = DeliveryWorker(simulator)
    for message in messages:
        simulator.history.messages.append(message)
        simulator.watch(message)
        worker.schedule(message)
    balance = f"{remaining:.8f}"  # the same in all parts: one call is one charge
    return [_accepted_entry(message, fields, balance) for message in messages]


def _messages(fields: _Fields, options: SimulatorOptions, now: float) -> list[Message]:
    recipient = fields["to"]
    ttl = int(fields["ttl"]) / 1000 if "ttl" in fields else EXPIRY
    wants_receipts = _BOOLEANS[fields.get("status-report-req", "true").lower()]
    # Assumed: the type of the account decides on the form of these, too.
    is_messages = options.messaging_api == "messages"
    outcome_of = outcome_of_messages if is_messages else outcome
    return [
        Message(
            message_id=make_message_id(secrets.randbits(128), options.id_style),
            recipient=recipient,
            sender=_sender(fields),
            text=text,
            at=now,
            network=network(recipient),
            outcome=outcome_of(recipient, options.delays, ttl) if wants_receipts else Outcome(()),
            client_ref=fields.get("client-ref", ""),
            callback_url=fields.get("callback", ""),
            kind="messages-status" if is_messages else "sms-receipt",
        )
        for text in _parts(fields, options)
    ]


def _parts(fields: _Fields, options: SimulatorOptions) -> tuple[str, ...]:
    kind = fields.get("type", "text")
    if kind not in ("text", "unicode"):
        return (fields.get("body", ""),)  # the sender splits binary messages
    text = f"{fields['text']} {_TRIAL_SUFFIX}" if options.trial else fields["text"]
    return split(text, unicode=kind == "unicode")


def _sender(fields: _Fields) -> str:
    # "if alphanumeric, spaces will be ignored" (OpenAPI document of the SMS API)
    return fields["from"].replace(" ", "")


def _accepted_entry(message: Message, fields: _Fields, balance: str) -> _Entry:
    entry = {
        "to": message.recipient,
        "message-id": message.message_id,
        "status": "0",
        "remaining-balance": balance,
        "message-price": str(message.network.price),
        "network": message.network.code,
    }
    return entry | {name: fields[name] for name in ("client-ref", "account-ref") if fields.get(name)}


def _refused_entry(refused: Refusal, fields: _Fields, simulator: Simulator) -> _Entry:
    known = {"remaining-balance": f"{simulator.account.balance:.8f}"}
    if recipient := fields.get("to"):
        of_recipient = network(recipient)
        known |= {"to": recipient, "network": of_recipient.code, "message-price": str(of_recipient.price)}
    shown = {name: known[name] for name in _ERRORS[refused.status].fields if name in known}
    to = {"to": shown.pop("to")} if "to" in shown else {}
    return {**to, "status": str(refused.status), "error-text": refused.reason, **shown}


def _json(entries: Sequence[_Entry]) -> ApiResponse:
    # As captured since 2022: no spaces, and `message-count`, a string, after `messages`.
    document = {"messages": entries, "message-count": str(len(entries))}
    body = json.dumps(document, separators=(",", ":")).encode("ascii")
    return ApiResponse(200, body, headers=(("Content-Disposition", 'attachment; filename="api.txt"'),))


_XML_DECLARATION = "<?xml version='1.0' encoding='UTF-8' ?>"  # as the tests of Vonage's gateway expect it
_XML_NAMES = {
    "message-id": "messageId",
    "remaining-balance": "remainingBalance",
    "message-price": "messagePrice",
    "client-ref": "clientRef",
    "account-ref": "accountRef",
    "error-text": "errorText",
}


def _xml(entries: Sequence[_Entry]) -> ApiResponse:
    named = ({_XML_NAMES.get(name, name): value for name, value in entry.items()} for entry in entries)
    messages = "".join(f"<message>{xml_elements(fields)}</message>" for fields in named)
    listed = f"<messages count='{len(entries)}'>{messages}</messages>"
    document = f"{_XML_DECLARATION}<mt-submission-response>{listed}</mt-submission-response>"
    return ApiResponse(200, document.encode("utf-8"), "text/xml; charset=UTF-8")


@dataclass(frozen=True, slots=True)
class _Error:
    """An error of the SMS API. fields: those in its answer beside status and text; programs read them."""

    text: str
    fields: tuple[str, ...] = ()


# Programs match these texts. docs/vonage.md has the source of each one that was seen in a real answer.
_ERRORS: dict[int, _Error] = {
    1: _Error("Throughput Rate Exceeded - please wait [ 1000 ] and retry", ("to", "network")),
    2: _Error("Missing to param"),
    4: _Error("Bad Credentials"),
    6: _Error("Unroutable message - rejected", ("to",)),
    9: _Error("Quota Exceeded - rejected", ("to", "remaining-balance", "message-price", "network")),
    14: _Error("Invalid Signature"),
    15: _Error("Illegal Sender Address - rejected", ("to", "network")),
    29: _Error("Non White-listed Destination - rejected", ("to",)),
    # Never seen: the name of the status in Vonage's table.
    3: _Error("Invalid Parameters"),
    5: _Error("Internal Error"),
    7: _Error("Number Barred"),
    8: _Error("Partner Account Barred"),
    10: _Error("Too Many Existing Binds"),
    11: _Error("Account Not Enabled For HTTP"),
    12: _Error("Message Too Long"),
    22: _Error("Invalid Network Code"),
    23: _Error("Invalid Callback URL"),
    32: _Error("Signature And API Secret Disallowed"),
    33: _Error("Number De-activated"),
}

# Also seen: texts of status 2 and 3 that do not have the form `Missing NAME param`.
_NO_KEY = "Missing api_key"
_NO_SECRET = "Your request is incomplete and missing some mandatory parameters"
_NO_TEXT = "Missing Message Text"
_NO_NUMBER = "to address is not numeric"

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
_MAX_CALLBACK = 100
_MIN_TTL, _MAX_TTL = 20_000, 604_800_000  # milliseconds
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}

_RECIPIENT = re.compile(r"\d{7,15}", re.ASCII)


def _refusal(status: int, text: str = "") -> Refusal:
    return Refusal("sms", status, text or _ERRORS[status].text)


def _problems(request: ApiRequest, options: SimulatorOptions) -> Iterator[Refusal]:
    """What is wrong with a send request, in the order in which it is checked."""
    fields = request.fields
    yield from _access_problems(request, options)
    yield from _missing_fields(fields)
    if not (fields["to"].isascii() and fields["to"].isdecimal()):
        yield _refusal(3, _NO_NUMBER)
    for name, is_valid in _VALID.items():
        if name in fields and not is_valid(fields[name]):
            yield _refusal(3, f"Invalid {name} param")
    if fields["to"].startswith("0"):  # no country code begins with 0
        yield _refusal(6)
    if not SENDER.fullmatch(_sender(fields)):
        yield _refusal(15)
    if len(fields.get("text", "")) > MAX_TEXT:
        yield _refusal(12)
    callback = fields.get("callback", "")
    if callback and not (len(callback) <= _MAX_CALLBACK and is_http_url(callback)):
        yield _refusal(23)
    if options.trial and fields["to"] not in options.verified:
        yield _refusal(29)


def _access_problems(request: ApiRequest, options: SimulatorOptions) -> Iterator[Refusal]:
    given, fields = credentials(request), request.fields
    if not given.api_key:
        yield _refusal(2, _NO_KEY)
    if "sig" not in fields:
        if not given.api_secret:
            yield _refusal(2, _NO_SECRET)
        if not is_owner(request, options):
            yield _refusal(4)
        return
    if given.api_secret:
        yield _refusal(32)
    if given.api_key != options.api_key:
        yield _refusal(4)
    if verify(fields, options.signature_secret, options.signature_method) != "valid":
        yield _refusal(14)


def _missing_fields(fields: _Fields) -> Iterator[Refusal]:
    for name in ("from", "to", *_CONTENT.get(fields.get("type", "text"), ())):
        if not fields.get(name):
            yield _refusal(2, _NO_TEXT if name == "text" else f"Missing {name} param")


def _between(low: int, high: int) -> Callable[[str], bool]:
    return lambda value: bool(re.fullmatch("[0-9]{1,11}", value)) and low <= int(value) <= high


def _is_hex(value: str) -> bool:
    return bool(re.fullmatch(r"(?:[0-9a-fA-F]{2})*", value))


_VALID: dict[str, Callable[[str], bool]] = {
    "to": lambda value: bool(_RECIPIENT.fullmatch(value)),
    "type": lambda value: value in _CONTENT,
    "ttl": _between(_MIN_TTL, _MAX_TTL),
    "message-class": _between(0, 3),
    "protocol-id": _between(0, 255),
    "status-report-req": lambda value: value.lower() in _BOOLEANS,
    "client-ref": lambda value: len(value) <= MAX_CLIENT_REF,
    "body": _is_hex,
    "udh": _is_hex,
}
