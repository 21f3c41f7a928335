"""`devkit simulate`: runs the simulator alone, for programs in any language."""

import os
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from devkit.cli.event_printer import labeled, ready_lines, reporting, session_lines
from devkit.cli.params import TransportChoice
from devkit.cli.receipt_line import Cell, answer_color, fit, id_cell, reason, status_cell, time_of_day
from devkit.cli.terminal import own_foreground
from devkit.errors import UsageError
from devkit.events import Event
from devkit.http.connect import why_not_allowed
from devkit.http.response import SENT_AGAIN
from devkit.replay.schedule import parse_speed
from devkit.session.project import project_in
from devkit.session.settings import project_directory
from devkit.session.signals import stop_on_signals
from devkit.simulator import Simulator
from devkit.simulator.events import (
    DeliveryTried,
    MessageTaken,
    RequestRefused,
    SettingsChanged,
    SimulatorReady,
    SimulatorStopped,
    event_of,
)
from devkit.simulator.options import SimulatorOptions, callback_address
from devkit.simulator.run import listen_for, run_simulator
from devkit.simulator.tls import Trust, trust_in
from devkit.webhook.callback import Transport
from devkit.webhook.masking import counted
from devkit.webhook.signature import METHODS, Method

_DEFAULTS = SimulatorOptions()


def lines(event: Event, width: int | None = None) -> Sequence[str]:
    """An event as lines for a terminal. The ready lines are commands to copy."""
    match event:
        case SimulatorReady():
            head = "a simulator of Vonage; no SMS leaves this machine; Ctrl-C stops it"
            return ready_lines(head, [*_place(event), *_commands(event), *_programs(event)])
        case MessageTaken():
            return [_message(event, width)]
        case DeliveryTried():
            return [_delivery(event, width)]
        case SettingsChanged():
            text = f"receipts go to {event.callback_url or 'nowhere'} as {event.method}"
            return [labeled("settings", f"{text}. {event.note}" if event.note else text, fg="cyan")]
        case RequestRefused():
            return [labeled("refused", f"{event.api} {event.status}: {event.reason}", fg="magenta")]
        case SimulatorStopped():
            tried = counted(event.deliveries, "attempt")
            counts = f"{counted(event.messages, 'message part')} accepted, {tried} to push a receipt"
            return [labeled("stopped", counts, bold=True)]
    return session_lines(event, width)


def _message(event: MessageTaken, width: int | None) -> str:
    promised = ", ".join(event.promised) or "no receipt"
    addresses = Cell(event.to, 1, width=12), Cell(f"from {event.sender}", 2)
    cells = (time_of_day(), Cell("message", fg="cyan", width=10), id_cell(event.message_id), *addresses)
    return fit(cells, promised, width)


def _delivery(event: DeliveryTried, width: int | None) -> str:
    why = reason(event.err_code, event.meaning, event.status)
    receipt = time_of_day(), status_cell(event.status, width), id_cell(event.message_id)
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
    return [
        ("platform", f"{event.url}{secure}"),
        ("page", f"{event.url}/simulator"),
        ("account", f"key {event.api_key}, secret {event.api_secret or 'the one you chose'}"),
        ("receipts", f"as {event.method}, {signed}, to {goal}"),
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
            ("Python", "its SDK needs https: start the simulator with --tls"),
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


def _speed(text: str) -> float:
    try:
        return parse_speed(text)
    except UsageError as error:
        hint = "Use --speed 1x, --speed 60x (a minute in a second), or --speed max."
        raise UsageError(error.message, hint=hint) from None


def _check_callback_url(options: SimulatorOptions) -> None:
    if not options.callback_url:
        return
    address = callback_address(options.callback_url, options)
    if reason := why_not_allowed(address):
        raise UsageError(
            f"The simulator cannot send receipts to {address}: {reason}.",
            hint="Name your own program: --callback-url http://127.0.0.1:5000/your/path. "
            "For one in another container, add --private-network.",
        )


@click.command(name="simulate")
@click.option(
    "-p",
    "--port",
    type=click.IntRange(0, 65535),
    default=3050,
    show_default=True,
    help="The port on 127.0.0.1; 0 takes a free port.",
)
@click.option(
    "--tls", is_flag=True, help="Accept https on the same port, with a certificate for this project."
)
@click.option(
    "--callback-url",
    default="",
    metavar="URL",
    help="The account's callback URL at the start, on this machine. It is not probed.",
)
@click.option(
    "--private-network",
    is_flag=True,
    help="Listen on all addresses, for programs in private networks, as other containers; send receipts there too.",
)
@click.option(
    "--method",
    type=TransportChoice(),
    default="get",
    show_default=True,
    help=f"The transport of receipts at the start. {TransportChoice.help}",
)
@click.option(
    "--signature",
    type=click.Choice(METHODS, case_sensitive=False),
    metavar="METHOD",
    help=f"Sign receipts: {', '.join(METHODS)}.",
)
@click.option(
    "--signature-secret",
    default=_DEFAULTS.signature_secret,
    metavar="SECRET",
    show_default=True,
    help="The secret for their signatures.",
)
@click.option(
    "--speed",
    type=_speed,
    default="1x",
    metavar="SPEED",
    show_default=True,
    help="The speed of simulated time: 60x is a minute in a second, max never waits.",
)
@click.option(
    "--api-key", default=_DEFAULTS.api_key, metavar="KEY", show_default=True, help="The account's key."
)
@click.option(
    "--api-secret", default=_DEFAULTS.api_secret, metavar="SECRET", show_default=True, help="Its secret."
)
@click.option("--lenient", is_flag=True, help="Accept drCallbackUrl too, the spelling of the Python SDK.")
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines.")
def command(
    port: int,
    tls: bool,
    callback_url: str,
    private_network: bool,
    method: Transport,
    signature: Method | None,
    signature_secret: str,
    speed: float,
    api_key: str,
    api_secret: str,
    lenient: bool,
    as_json: bool,
) -> None:
    """Simulate Vonage for programs on this machine: settings API, SMS API, delivery receipts."""
    options = SimulatorOptions(
        api_key=api_key,
        api_secret=api_secret,
        method=method,
        callback_url=callback_url,
        sign_receipts=signature is not None,
        signature_method=signature or _DEFAULTS.signature_method,
        signature_secret=signature_secret,
        speed=speed,
        lenient=lenient,
        private_network=private_network,
    )
    _check_callback_url(options)
    with (
        stop_on_signals() as stop,
        own_foreground(),
        reporting(as_json=as_json, stop=stop, lines=lines) as publish,
    ):
        trust = _trust() if tls else None
        with run_simulator(
            options,
            listener=listen_for(options, port),
            tls=trust.context() if trust else None,
            watch=lambda occurrence: publish(event_of(occurrence)),
        ) as simulator:
            publish(_ready_event(simulator, trust))
            stop.wait()
            publish(SimulatorStopped(len(simulator.messages), len(simulator.deliveries)))


def _trust() -> Trust:
    project = project_in(project_directory(Path.cwd()))
    project.prepare()
    return trust_in(project.private / "ca", datetime.now(UTC))


def _ready_event(simulator: Simulator, trust: Trust | None) -> SimulatorReady:
    options = simulator.options
    is_signed = options.sign_receipts
    return SimulatorReady(
        url=simulator.url,
        host=simulator.host,
        api_key=options.api_key,
        # The default secrets are public and shown; chosen ones may be real.
        api_secret=_if_default(options.api_secret, _DEFAULTS.api_secret),
        method=options.method,
        signature=options.signature_method if is_signed else "",
        signature_secret=_if_default(options.signature_secret, _DEFAULTS.signature_secret)
        if is_signed
        else "",
        callback_url=options.callback_url,
        authority=str(trust.authority) if trust else "",
        bundle=str(trust.bundle) if trust else "",
        pid=os.getpid(),
    )


def _if_default(secret: str, default: str) -> str:
    return secret if secret == default else ""
