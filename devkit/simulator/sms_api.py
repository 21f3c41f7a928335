"""The SMS API: takes a send request, answers as Vonage does, and hands the parts to the courier."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from devkit.simulator.delivery import DeliveryWorker
from devkit.simulator.exchange import ApiRequest, ApiResponse, credentials
from devkit.simulator.options import SEND_FAULTS, SimulatorOptions
from devkit.simulator.outcomes import Outcome, network, outcome
from devkit.simulator.refusals import BOOLEANS, WORDS, RequestFields, refusal, refuse, sender
from devkit.simulator.scheduler import Clock
from devkit.simulator.state import Message, Refusal, SimulatorState, Throttle
from devkit.webhook.message_id import message_id
from devkit.webhook.sms_text import split

TRIAL_SUFFIX = "[FREE SMS DEMO, TEST MESSAGE]"

_XML_DECLARATION = "<?xml version='1.0' encoding='UTF-8' ?>"  # as the tests of Vonage's gateway expect it

AnswerEntry = dict[str, str]  # one of `messages` in the answer


@dataclass(frozen=True, slots=True)
class Sms:
    """What a send request is handled with."""

    state: SimulatorState
    clock: Clock
    throttle: Throttle
    worker: DeliveryWorker


def send(request: ApiRequest, sms: Sms) -> ApiResponse:
    """Answer /sms/json and /sms/xml: HTTP 200 for refusals too, and all values are strings."""
    result = _send(request, sms)
    if isinstance(result, Refusal):
        sms.state.watch(result)
        result = [_refused(result, request.fields, sms.state)]
    return _xml(result) if request.wants_xml else _json(result)


def _send(request: ApiRequest, sms: Sms) -> list[AnswerEntry] | Refusal:
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
    balance = f"{remaining:.8f}"  # one call is one charge: all its parts say what is left after it
    for message in messages:
        sms.state.history.add_message(message)
        sms.worker.take(message)
    return [_entry(message, fields, balance) for message in messages]


def _messages(fields: RequestFields, options: SimulatorOptions, now: float) -> list[Message]:
    recipient = fields["to"]
    wanted = BOOLEANS[fields.get("status-report-req", "true").lower()]
    ttl = int(fields["ttl"]) / 1000 if "ttl" in fields else None
    result = Outcome(()) if not wanted else _outcome(recipient, options, ttl)
    return [
        Message(
            message_id=message_id(secrets.randbits(128), options.id_style),
            recipient=recipient,
            sender=sender(fields),
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


def _parts(fields: RequestFields, options: SimulatorOptions) -> tuple[str, ...]:
    kind = fields.get("type", "text")
    if kind not in ("text", "unicode"):
        return (fields.get("body", ""),)  # the sender cuts binary messages itself
    text = fields["text"]
    if options.trial:
        text = f"{text} {TRIAL_SUFFIX}"
    return split(text, unicode=kind == "unicode")


def _refused(refused: Refusal, fields: RequestFields, state: SimulatorState) -> AnswerEntry:
    known = {"remaining-balance": f"{state.account.balance:.8f}"}
    if recipient := fields.get("to"):
        on = network(recipient)
        known |= {"to": recipient, "network": on.code, "message-price": str(on.price)}
    said = WORDS[refused.status].fields
    to = {"to": known["to"]} if "to" in said and "to" in known else {}
    rest = {name: known[name] for name in said if name in known}
    return {**to, "status": str(refused.status), "error-text": refused.text, **rest}


def _entry(message: Message, fields: RequestFields, balance: str) -> AnswerEntry:
    entry = {
        "to": message.recipient,
        "message-id": message.message_id,
        "status": "0",
        "remaining-balance": balance,
        "message-price": str(message.network.price),
        "network": message.network.code,
    }
    return entry | {name: fields[name] for name in ("client-ref", "account-ref") if fields.get(name)}


def _json(entries: Sequence[AnswerEntry]) -> ApiResponse:
    # As captured since 2022: no spaces, and the count, a string, after what it counts.
    document = {"messages": entries, "message-count": str(len(entries))}
    body = json.dumps(document, separators=(",", ":")).encode("ascii")
    return ApiResponse(200, body, headers=(("Content-Disposition", 'attachment; filename="api.txt"'),))


_XML_NAMES = {
    "message-id": "messageId",
    "remaining-balance": "remainingBalance",
    "message-price": "messagePrice",
    "client-ref": "clientRef",
    "account-ref": "accountRef",
    "error-text": "errorText",
}


def _xml(entries: Sequence[AnswerEntry]) -> ApiResponse:
    messages = "".join(f"<message>{_xml_fields(entry)}</message>" for entry in entries)
    listed = f"<messages count='{len(entries)}'>{messages}</messages>"
    document = f"{_XML_DECLARATION}<mt-submission-response>{listed}</mt-submission-response>"
    return ApiResponse(200, document.encode("utf-8"), "text/xml; charset=UTF-8")


def _xml_fields(entry: AnswerEntry) -> str:
    named = ((_XML_NAMES.get(name, name), value) for name, value in entry.items())
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in named)
