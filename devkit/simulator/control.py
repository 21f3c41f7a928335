"""The /simulator paths: describe a running simulator, and change its options."""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from decimal import Decimal
from types import NoneType
from typing import Any, get_args

from devkit.errors import ConfigurationError
from devkit.simulator.occurrences import Delivery, InboundMessage, InboundText, Message
from devkit.simulator.options import Fault, MessagingApi, SimulatorOptions
from devkit.simulator.outcomes import Delays
from devkit.simulator.resources import Application, Number, messages_url
from devkit.simulator.scheduler import time_of
from devkit.simulator.state import Simulator

_Reader = Callable[[object], Any]


def _document(body: bytes, example: str) -> dict[str, object]:
    try:
        document = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ConfigurationError("The body is not a JSON object.", hint=f"For example {example}.")
    return document


def change(options: SimulatorOptions, body: bytes) -> SimulatorOptions:
    """The options with the changes in a JSON object. Raises ConfigurationError, which names the wrong value."""
    document = _document(body, '{"method": "json"}')
    return replace(
        options,
        **{
            name: _read(_READERS, "an option that can be changed", name, value)
            for name, value in document.items()
        },
    )


def inbound_text(body: bytes) -> InboundText:
    """The inbound message in a JSON object. Raises ConfigurationError, which names the wrong value."""
    document = _document(body, '{"text": "STOP"}') if body else {}
    names = {"from": "sender", "to": "recipient"}
    values = {
        names.get(name, name): _read(_INBOUND_READERS, "a field of an inbound message", name, value)
        for name, value in document.items()
    }
    return InboundText(**values)


def _read(readers: Mapping[str, _Reader], what: str, name: str, value: object) -> Any:
    if name not in readers:
        raise ConfigurationError(f"{name!r} is not {what}.", hint=f"Choose one of: {', '.join(readers)}.")
    try:
        return readers[name](value)
    except (
        ValueError,
        TypeError,
        ArithmeticError,
    ):  # the last one: of Decimal, and a number too large for float
        hint = _HINTS.get(name, "They are explained by: python -m pydoc devkit.simulator.options")
        raise ConfigurationError(f"The value of {name!r} is not valid.", hint=hint) from None


def _only(*kinds: type) -> _Reader:
    def read(value: object) -> Any:
        if type(value) not in kinds:  # isinstance() regards true as a number
            raise TypeError
        return value

    return read


_text, _flag, _count, _number = _only(str), _only(bool), _only(int), _only(int, float)
_items, _fields = _only(list), _only(dict)


def _speed(value: object) -> float:
    return math.inf if value == "max" else float(_number(value))


def _fault(value: object) -> Fault:
    given = _fields({"name": value} if isinstance(value, str) else value)
    readers = {"name": _text, "times": _only(int, NoneType), "seconds": _number}
    return Fault(**{name: readers.get(name, _only())(inner) for name, inner in given.items()})


def _delays(value: object) -> Delays:
    return Delays(**{name: float(_number(after)) for name, after in _fields(value).items()})


def _form(pattern: str) -> _Reader:
    def read(value: object) -> str:
        if not re.fullmatch(pattern, _text(value), re.ASCII):
            raise ValueError
        return str(value)

    return read


_hex = _form(r"(?:[0-9a-fA-F]{2}){1,140}")  # the bytes of one SMS


_READERS: dict[str, _Reader] = {
    "method": _text,
    "sign_receipts": _flag,
    "signature_method": _text,
    "signature_secret": _text,
    "id_style": _text,
    "lenient": _flag,
    "unset_value": _text,
    "speed": _speed,
    "delays": _delays,
    "retry": _text,
    "rate": _count,
    "balance": lambda value: Decimal(_only(str, int)(value)),
    "trial": _flag,
    "verified": lambda value: tuple(_text(number) for number in _items(value)),
    "faults": lambda value: tuple(_fault(fault) for fault in _items(value)),
    "messaging_api": _text,
    "omitted_keys": _text,
    "messages_retry": _text,
    "token": _text,
    "token_skew": _number,
    "fresh_token": _flag,
    "error_form": _text,
    "status_details": _flag,
}

_INBOUND_READERS: dict[str, _Reader] = {
    "text": _text,
    "from": _form(r"\d{1,15}|[ -~]{1,11}"),
    "to": _text,
    "unicode": _flag,
    "data": _hex,
    "udh": _hex,
    "api": _form("|".join(get_args(MessagingApi))),
    "parts": lambda value: tuple(_count(number) for number in _items(value)),
    "pause": lambda value: float(_number(value)),
    "concat": _flag,
}

_HINTS = {
    "speed": 'A number above 0, or "max".',
    "faults": 'A list: ["hang-up", {"name": "slow", "times": 1, "seconds": 2}]',
    "delays": 'Seconds: {"accepted": 0.3, "buffered": 1, "final": 2}',
    "balance": 'EUR, as text: "12.50"',
    "from": 'A number or a name, as text: "447700900001"',
    "data": 'Hexadecimal digits, two for each byte: "48656C6C6F"',
    "udh": 'Hexadecimal digits, two for each byte: "0605040B8423F0"',
    "api": 'One of "sms" and "messages".',
    "parts": "The numbers of the parts to push, from 1, in their order: [2, 1]",
}

_SHOWN = 100  # of the messages and of the deliveries, the newest


def describe(simulator: Simulator) -> dict[str, object]:
    """Time, account, options, messages and deliveries, without secrets."""
    account, messages, deliveries = simulator.account, simulator.messages, simulator.deliveries
    return {
        "url": simulator.url,
        "now": _time_text(simulator.clock.now()),
        "account": {**asdict(account), "api_key": simulator.api_key, "balance": str(account.balance)},
        "options": _options(simulator.options),
        "counts": {"messages": len(messages), "deliveries": len(deliveries), "due": simulator.due},
        "messages": [_message(message) for message in messages[-_SHOWN:]],
        "deliveries": [_delivery(delivery) for delivery in deliveries[-_SHOWN:]],
        "inbound": [described_inbound(message) for message in simulator.inbound[-_SHOWN:]],
        "applications": [_application(application) for application in simulator.applications],
        "numbers": [_account_number(number) for number in simulator.resources.numbers],
    }


def _time_text(moment: float) -> str:
    """A moment as UTC text, to the second."""
    return time_of(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def _options(options: SimulatorOptions) -> dict[str, object]:
    shown = {name: getattr(options, name) for name in _READERS if name != "signature_secret"}
    return shown | {
        "speed": "max" if math.isinf(options.speed) else options.speed,
        "balance": str(options.balance),
        "delays": asdict(options.delays),
        "faults": [asdict(fault) for fault in options.faults],
    }


def _message(message: Message) -> dict[str, object]:
    return {
        "message_id": message.message_id,
        "recipient": message.recipient,
        "sender": message.sender,
        "text": message.text,
        "client_ref": message.client_ref,
        "callback_url": message.callback_url,
        "network": message.network.code,
        "at": _time_text(message.at),
        "promised": [f"{step.status} {step.err_code}".rstrip() for step in message.outcome.steps],
        "kind": message.kind,
        "parts": message.parts,
        "application_id": message.application_id,
    }


def described_inbound(message: InboundMessage) -> dict[str, object]:
    return {**asdict(message), "at": _time_text(message.at)}


def _application(application: Application) -> dict[str, object]:
    urls = {name: messages_url(application, name) for name in ("inbound_url", "status_url")}
    return {"id": application["id"], "name": str(application["name"]), **urls}


def _account_number(number: Number) -> dict[str, object]:
    return {name: number.get(name, "") for name in ("country", "msisdn", "app_id", "moHttpUrl")}


def _delivery(delivery: Delivery) -> dict[str, object]:
    retry_at = None if delivery.retry_at is None else _time_text(delivery.retry_at)
    return {**asdict(delivery), "at": _time_text(delivery.at), "retry_at": retry_at}
