"""The events of `devkit simulate` as lines for a terminal. Its ready lines are commands to copy."""

import shlex
from collections.abc import Sequence
from datetime import datetime

from devkit.cli.event_printer import labeled, ready_lines, session_lines
from devkit.cli.receipt_line import (
    SENT_AGAIN,
    Cell,
    answer_color,
    fit,
    id_cell,
    numbered_reason,
    status_cell,
    time_of_day,
)
from devkit.events import Event
from devkit.simulator.events import (
    DeliveryTried,
    InboundTaken,
    MessageTaken,
    SettingsChanged,
    SimulatorReady,
    SimulatorStopped,
)
from devkit.simulator.occurrences import ApplicationChanged, NumberChanged, Refusal
from devkit.webhook.masking import counted


def lines(event: Event, width: int | None = None, at: datetime | None = None) -> Sequence[str]:
    """An event as lines for a terminal. The ready lines are commands to copy."""
    match event:
        case SimulatorReady():
            head = "a simulator of Vonage; no SMS leaves this machine; Ctrl-C stops it"
            return ready_lines(head, [*_place(event), *_commands(event), *_programs(event)])
        case MessageTaken():
            return _taken(event, event.message_id, ", ".join(event.promised) or "no receipt", width, at)
        case InboundTaken():
            count = len(event.message_ids)
            parts = "an inbound message" if count == 1 else f"in {count} parts"
            return _taken(event, event.message_ids[0], parts, width, at)
        case DeliveryTried():
            return [_delivery(event, width, at)]
        case SettingsChanged():
            text = f"receipts go to {event.callback_url or 'nowhere'} as {event.method}"
            text += f", inbound messages to {event.inbound_url}" if event.inbound_url else ""
            return [labeled("settings", f"{text}. {event.note}" if event.note else text, fg="cyan")]
        case ApplicationChanged() | NumberChanged():
            return [labeled("settings", _saved(event), fg="cyan")]
        case Refusal():
            return [labeled("refused", f"{event.api} {event.status}: {event.reason}", fg="magenta")]
        case SimulatorStopped():
            tried = counted(event.deliveries, "attempt")
            counts = f"{counted(event.messages, 'message part')} accepted, {tried} to push a webhook"
            return [labeled("stopped", counts, bold=True)]
    return session_lines(event, width, at)


def _taken(
    event: MessageTaken | InboundTaken, message_id: str, follows: str, width: int | None, at: datetime | None
) -> Sequence[str]:
    """A message to the simulator or from it. follows: what the simulator does then."""
    addresses = Cell(event.to, 1, width=12), Cell(f"from {event.sender}", 2)
    cells = time_of_day(at), Cell(event.name, fg="cyan", width=10), id_cell(message_id), *addresses
    return [fit(cells, follows, width)]


def _saved(event: ApplicationChanged | NumberChanged) -> str:
    if isinstance(event, NumberChanged):
        goal = f"application {event.application_id}" if event.application_id else "no application"
        own = f", its own inbound URL is {event.inbound_url}" if event.inbound_url else ""
        return f"number {event.number} is linked to {goal}{own}"
    if event.deleted:
        return f"application {event.application_id} was deleted"
    statuses, inbound = event.status_url or "nowhere", event.inbound_url or "nowhere"
    return f"application {event.application_id} sends statuses to {statuses}, inbound messages to {inbound}"


def _delivery(event: DeliveryTried, width: int | None, at: datetime | None) -> str:
    why = numbered_reason(event.err_code, event.meaning, event.status)
    receipt = time_of_day(at), status_cell(event.status, width), id_cell(event.message_id)
    return fit([*receipt, Cell(_answer(event), 1, answer_color(event.answer))], why, width)


def _answer(event: DeliveryTried) -> str:
    answer = event.problem if event.answer is None else str(event.answer)
    notes = [f"attempt {event.attempt}"] * (event.attempt > 1) + [SENT_AGAIN] * event.sent_again
    noted = f" ({', '.join(notes)})" if notes else ""
    retry = "" if event.retry_after is None else f", again after {event.retry_after:g} s"
    return f"-> {answer}{noted}{retry}"


def _place(event: SimulatorReady) -> list[tuple[str, str]]:
    secure = f" and https://{event.host}" if event.authority else ""
    signed = f"signed with {event.signature}" if event.signature else "unsigned"
    goal = event.callback_url or "the callback URL of the message, else of the account"
    inbound = event.inbound_url or "the URL of the number, else of the account"
    if event.messaging_api == "messages":
        inbound = "the inbound_url of the application, else the URL of the account"
    return [
        ("platform", f"{event.url}{secure}"),
        *([("network", "programs in private networks too")] if event.private_network else []),
        ("page", f"{event.url}/simulator"),
        ("account", f"key {event.api_key}, secret {event.api_secret or 'the one you chose'}"),
        ("app", f"id {event.application_id}, private key {event.private_key}"),
        ("receipts", f"as {event.method}, {signed}, to {goal}"),
        ("inbound", f"texts to {event.number} go to {inbound}"),
    ]


def _commands(event: SimulatorReady) -> list[tuple[str, str]]:
    secret = shlex.quote(event.api_secret) if event.api_secret else '"$VONAGE_API_SECRET"'
    key = shlex.quote(event.api_key)
    message = "-d from=AcmeInc -d to=447700900000 -d text=Hello"
    url = "drCallBackUrl=http://127.0.0.1:5000/your/path"
    settings = f"VONAGE_API_KEY={key} VONAGE_API_SECRET={secret} VONAGE_REST_HOST={event.host}"
    if event.signature:
        settings += f" VONAGE_SIGNATURE_METHOD={event.signature}"
    if event.signature_secret:  # also of unsigned receipts: webhooks of the Messages API always have a token
        settings += f" VONAGE_SIGNATURE_SECRET={event.signature_secret}"
    text = shlex.quote('{"text": "STOP"}')
    return [
        ("set URL", f"curl -u {key}:{secret} -d {url} {event.url}/account/settings"),
        ("send", f"curl -d api_key={key} -d api_secret={secret} {message} {event.url}/sms/json"),
        ("get", f"curl -d {text} {event.url}/simulator/inbound"),
        ("devkit", f"{settings} devkit dev --public-url http://127.0.0.1:3000"),
    ]


def _programs(event: SimulatorReady) -> list[tuple[str, str]]:
    if not event.authority:
        return [
            ("Python", "its SDK needs https: start the simulator with --tls"),
            ("Node", f"new Vonage(auth, {{apiHost: '{event.url}', restHost: '{event.url}'}})"),
        ]
    bundle, authority = shlex.quote(event.bundle), shlex.quote(event.authority)
    return [
        ("Python", f"export REQUESTS_CA_BUNDLE={bundle}"),
        ("", f"HttpClientOptions(api_host='{event.host}', rest_host='{event.host}')"),
        ("Node", f"export NODE_EXTRA_CA_CERTS={authority}"),
        ("", f"new Vonage(auth, {{apiHost: 'https://{event.host}', restHost: 'https://{event.host}'}})"),
        ("curl", f"curl --cacert {authority} https://{event.host}/..."),
        ("others", f"export SSL_CERT_FILE={bundle}"),
    ]
