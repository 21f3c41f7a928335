"""The lines of `devkit simulate` on a terminal."""

import shlex
from datetime import UTC, datetime

from rich.text import Text

from devkit.answer import SENT_AGAIN
from devkit.colour import colour
from devkit.event import Event, Notice
from devkit.message_id import short_id
from devkit.simulator.event import (
    DeliveryTried,
    MessageTaken,
    RequestRefused,
    SettingsChanged,
    SimulatorReady,
    SimulatorStopped,
)
from devkit.vocabulary import WITHOUT_ERROR

_METHODS = {"get": "GET", "form": "POST", "json": "POST-JSON"}


def lines(event: Event) -> list[Text]:
    """An event as lines; the first words of the ready lines are what to type next."""
    match event:
        case SimulatorReady():
            return _ready(event)
        case MessageTaken():
            return [_message(event)]
        case DeliveryTried():
            return [_delivery(event)]
        case SettingsChanged():
            words = f"receipts go to {event.callback_url or 'nowhere'} by {_METHODS[event.method]}"
            return [_line("settings", "cyan", f"{words}. {event.note}" if event.note else words)]
        case RequestRefused():
            return [_line("refused", "magenta", f"{event.api} {event.status}: {event.reason}")]
        case Notice():
            return [_line("notice", "cyan", event.text)]
        case SimulatorStopped():
            counts = f"{event.messages} message part(s) taken, receipts pushed {event.deliveries} time(s)"
            return [_line("stopped", "bold", counts)]
    return []


def _line(label: str, style: str, words: str) -> Text:
    return Text.assemble((f"{label:<12}", style), words)


def _time() -> tuple[str, str]:
    return (f"{datetime.now(UTC).astimezone():%H:%M:%S}    ", "bright_black")


def _message(event: MessageTaken) -> Text:
    promised = ", ".join(event.promised) or "no receipt"
    words = f"{event.to:<13} from {event.sender:<13} "
    return Text.assemble(
        _time(),
        ("message    ", "cyan"),
        words,
        (f"{short_id(event.message_id):<9} ", "bright_black"),
        promised,
    )


def _delivery(event: DeliveryTried) -> Text:
    silent = event.err_code == "0" and event.status in WITHOUT_ERROR
    words = event.err_code if silent else f"{event.err_code} {event.meaning}"
    return Text.assemble(
        _time(),
        (f"{event.status:<10} ", colour(event.status)),
        f"{words:<32} ",
        (f"{short_id(event.message_id):<9} ", "bright_black"),
        _answer(event),
    )


def _answer(event: DeliveryTried) -> tuple[str, str]:
    answer = event.problem if event.answer is None else str(event.answer)
    notes = [f"attempt {event.attempt}"] * (event.attempt > 1) + [SENT_AGAIN] * event.sent_again
    noted = f" ({', '.join(notes)})" if notes else ""
    retry = "" if event.retry_after is None else f", again after {event.retry_after:g} s"
    taken = event.answer is not None and 200 <= event.answer < 300
    return f"-> {answer}{noted}{retry}", "green" if taken else "red"


def _ready(event: SimulatorReady) -> list[Text]:
    head = _line("ready", "bold green", "a stand-in for Vonage; no SMS leaves this machine; Ctrl-C ends it")
    rows = [*_place(event), *_commands(event), *_programs(event)]
    return [head, *(_line("", "", f"{name:<10} {value}") for name, value in rows)]


def _place(event: SimulatorReady) -> list[tuple[str, str]]:
    secure = f" and https://{event.host}" if event.authority else ""
    signed = f"signed with {event.signature}" if event.signature else "unsigned"
    goal = event.callback_url or "the callback URL that a message names, or the account's once it is set"
    return [
        ("platform", f"{event.url}{secure}"),
        ("to look", f"{event.url}/simulator"),
        ("account", f"key {event.api_key}, secret {event.api_secret or 'as you chose'}"),
        ("receipts", f"by {_METHODS[event.method]}, {signed}, to {goal}"),
    ]


def _commands(event: SimulatorReady) -> list[tuple[str, str]]:
    secret = shlex.quote(event.api_secret) if event.api_secret else '"$VONAGE_API_SECRET"'
    key = shlex.quote(event.api_key)
    message = "-d from=AcmeInc -d to=447700900000 -d text=Hello"
    url = "drCallBackUrl=http://127.0.0.1:5000/your/path"
    settings = f"VONAGE_API_KEY={key} VONAGE_API_SECRET={secret} VONAGE_REST_HOST={event.host}"
    if event.signature_secret:
        signature = f"VONAGE_SIGNATURE_METHOD={event.signature}"
        settings += f" {signature} VONAGE_SIGNATURE_SECRET={event.signature_secret}"
    return [
        ("set URL", f"curl -u {key}:{secret} -d {url} {event.url}/account/settings"),
        ("send", f"curl -d api_key={key} -d api_secret={secret} {message} {event.url}/sms/json"),
        ("devkit", f"{settings} devkit dev --public-url http://127.0.0.1:3000"),
    ]


def _programs(event: SimulatorReady) -> list[tuple[str, str]]:
    if not event.authority:
        return [
            ("Python", "its SDK knows https only: start this with --tls"),
            ("Node", f"new Vonage(auth, {{restHost: '{event.url}'}})"),
        ]
    bundle, authority = shlex.quote(event.bundle), shlex.quote(event.authority)
    return [
        ("Python", f"export REQUESTS_CA_BUNDLE={bundle}"),
        ("", f"HttpClientOptions(rest_host='{event.host}')"),
        ("Node", f"export NODE_EXTRA_CA_CERTS={authority}"),
        ("", f"new Vonage(auth, {{restHost: 'https://{event.host}'}})"),
        ("curl", f"curl --cacert {authority} https://{event.host}/..."),
        ("others", f"export SSL_CERT_FILE={bundle}"),
    ]
