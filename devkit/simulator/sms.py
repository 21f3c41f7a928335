"""The SMS API: takes a send request, answers as Vonage does, and hands the parts to the courier."""

import secrets
from dataclasses import dataclass
from decimal import Decimal
from xml.sax.saxutils import escape

from devkit.message_id import message_id
from devkit.simulator.clock import Clock
from devkit.simulator.courier import Courier
from devkit.simulator.exchange import Reply, Request, credentials, json_reply, xml_reply
from devkit.simulator.fault import SEND_FAULTS
from devkit.simulator.ledger import Message
from devkit.simulator.network import network
from devkit.simulator.option import SimulatorOptions
from devkit.simulator.outcome import Outcome, outcome
from devkit.simulator.part import split
from devkit.simulator.refusal import BOOLEANS, Fields, Refusal, refusal, refuse
from devkit.simulator.state import State
from devkit.simulator.throttle import Throttle

TRIAL_SUFFIX = "[FREE SMS DEMO, TEST MESSAGE]"

Entry = dict[str, str]  # one of `messages` in the answer


@dataclass(frozen=True, slots=True)
class Sms:
    """What a send request is handled with."""

    state: State
    clock: Clock
    throttle: Throttle
    courier: Courier


def send(request: Request, sms: Sms) -> Reply:
    """Answer /sms/json and /sms/xml: HTTP 200 for refusals too, and all values are strings."""
    result = _send(request, sms)
    if isinstance(result, Refusal):
        sms.state.watch(result)
    entries = [_refused(result)] if isinstance(result, Refusal) else result
    if request.wants_xml:
        return xml_reply(_xml(entries))
    return json_reply({"message-count": str(len(entries)), "messages": entries})


def _send(request: Request, sms: Sms) -> list[Entry] | Refusal:
    options, fields = sms.state.options, request.fields
    fault = sms.state.take_fault(SEND_FAULTS)
    if fault is not None:
        return refusal(SEND_FAULTS[fault.name])
    refused = refuse(fields, credentials(request), options)
    if refused is not None:
        return refused
    wait = sms.throttle.wait(options.rate)
    if wait:
        return refusal(1, f"Throughput Rate Exceeded - please wait [ {wait} ] and retry")
    messages = _messages(fields, options, sms.clock.now())
    price = messages[0].network.price
    remaining = sms.state.charge(price * len(messages))
    if remaining is None:
        return refusal(9)
    for message in messages:
        sms.state.ledger.add_message(message)
        sms.courier.take(message)
    return [_entry(message, fields, remaining + price * rest) for rest, message in _counted_down(messages)]


def _messages(fields: Fields, options: SimulatorOptions, now: float) -> list[Message]:
    recipient = fields["to"]
    wanted = BOOLEANS[fields.get("status-report-req", "true").lower()]
    ttl = int(fields["ttl"]) / 1000 if "ttl" in fields else None
    result = Outcome(()) if not wanted else _outcome(recipient, options, ttl)
    return [
        Message(
            message_id=message_id(secrets.randbits(128), options.id_style),
            recipient=recipient,
            sender=fields["from"],
            text=text,
            at=now,
            network=network(recipient),
            outcome=result,
            client_ref=fields.get("client-ref", ""),
            callback_url=fields.get("callback", ""),
        )
        for text in _parts(fields, options)
    ]


def _outcome(recipient: str, options: SimulatorOptions, ttl: float | None) -> Outcome:
    if ttl is None:
        return outcome(recipient, pace=options.pace)
    return outcome(recipient, pace=options.pace, ttl=ttl)


def _parts(fields: Fields, options: SimulatorOptions) -> tuple[str, ...]:
    kind = fields.get("type", "text")
    if kind not in ("text", "unicode"):
        return (fields.get("body", ""),)  # the sender cuts binary messages itself
    text = fields["text"]
    if options.trial:
        text = f"{text} {TRIAL_SUFFIX}"
    return split(text, unicode=kind == "unicode")


def _counted_down(messages: list[Message]) -> list[tuple[int, Message]]:
    return [(len(messages) - number, message) for number, message in enumerate(messages, 1)]


def _refused(refused: Refusal) -> Entry:
    return {"status": str(refused.status), "error-text": refused.text}


def _entry(message: Message, fields: Fields, remaining: Decimal) -> Entry:
    entry = {
        "to": message.recipient,
        "message-id": message.message_id,
        "status": "0",
        "remaining-balance": f"{remaining:.8f}",
        "message-price": str(message.network.price),
        "network": message.network.code,
    }
    return entry | {name: fields[name] for name in ("client-ref", "account-ref") if fields.get(name)}


_XML_NAMES = {
    "message-id": "messageId",
    "remaining-balance": "remainingBalance",
    "message-price": "messagePrice",
    "client-ref": "clientRef",
    "account-ref": "accountRef",
    "error-text": "errorText",
}


def _xml(entries: list[Entry]) -> str:
    messages = "".join(f"<message>{_xml_fields(entry)}</message>" for entry in entries)
    listed = f'<messages count="{len(entries)}">{messages}</messages>'
    return f"<mt-submission-response>{listed}</mt-submission-response>"


def _xml_fields(entry: Entry) -> str:
    named = ((_XML_NAMES.get(name, name), value) for name, value in entry.items())
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in named)
