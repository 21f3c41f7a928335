"""`devkit simulate`: runs the simulator alone, for programs in any language."""

import os
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import click

from devkit.cli.event_printer import reporting
from devkit.cli.params import TransportChoice
from devkit.cli.simulator_lines import lines
from devkit.cli.terminal import own_foreground
from devkit.errors import ConfigurationError, UsageError
from devkit.http.address import why_not_allowed
from devkit.replay.schedule import parse_speed
from devkit.session.project import project_in
from devkit.session.settings import project_directory
from devkit.session.signals import stop_on_signals
from devkit.simulator import Simulator
from devkit.simulator.application_key import public_key_of, temporary_private_key
from devkit.simulator.events import SimulatorReady, SimulatorStopped, event_of
from devkit.simulator.options import MessagingApi, SimulatorOptions, callback_address
from devkit.simulator.run import listen_for, run_simulator
from devkit.simulator.tls import Trust, trust_in
from devkit.webhook.signature import METHODS, Method

_DEFAULTS = SimulatorOptions()


def _speed(text: str) -> float:
    try:
        return parse_speed(text)
    except UsageError as error:
        hint = "Use --speed 1x, --speed 60x (a minute in a second), or --speed max."
        raise UsageError(error.message, hint=hint) from None


def _check_urls(options: SimulatorOptions) -> None:
    for name in ("callback-url", "inbound-url"):
        url = getattr(options, name.replace("-", "_"))
        if not url:
            continue
        address = callback_address(url, options)
        if reason := why_not_allowed(address):
            raise UsageError(
                f"The simulator cannot send webhooks to {address}: {reason}.",
                hint=f"Name your own program: --{name} http://127.0.0.1:5000/your/path. "
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
    "--inbound-url",
    default="",
    metavar="URL",
    help="The same for inbound messages. Both are also those of the application.",
)
@click.option(
    "--messaging-api",
    type=click.Choice(get_args(MessagingApi)),
    default="sms",
    show_default=True,
    help="The API whose webhooks are pushed: the Messaging API type in the dashboard.",
)
@click.option(
    "--private-key",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The private key of the application; otherwise a new one, removed at the end.",
)
@click.option(
    "--private-network",
    is_flag=True,
    help="Listen on all addresses, for programs in private networks, such as other containers; send receipts there, "
    "too.",
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
    port: int, tls: bool, private_key: Path | None, signature: Method | None, as_json: bool, **given: Any
) -> None:
    """Simulate Vonage for programs on this machine: its APIs and its webhooks."""
    options = SimulatorOptions(  # `given`: options of the simulator with the same names
        **given,
        sign_receipts=signature is not None,
        signature_method=signature or _DEFAULTS.signature_method,
    )
    _check_urls(options)
    with (
        stop_on_signals() as stop,
        own_foreground(),
        reporting(as_json=as_json, stop=stop, lines=lines) as publish,
        nullcontext(private_key) if private_key else temporary_private_key() as key_file,
    ):
        options = replace(options, private_key=_read_key(key_file))
        trust = _trust() if tls else None
        with run_simulator(
            options,
            listener=listen_for(options, port),
            tls=trust.context() if trust else None,
            watch=lambda occurrence: publish(event_of(occurrence)),
        ) as simulator:
            publish(_ready_event(simulator, trust, key_file))
            stop.wait()
            publish(SimulatorStopped(len(simulator.messages), len(simulator.deliveries)))


def _trust() -> Trust:
    project = project_in(project_directory(Path.cwd()))
    project.prepare()
    return trust_in(project.private / "ca", datetime.now(UTC))


def _read_key(file: Path) -> str:
    hint = "Make one: openssl genpkey -algorithm RSA -out private.key. Or leave out --private-key."
    try:
        key = file.read_text("ascii")
        public_key_of(key)
    except OSError as error:
        raise ConfigurationError(
            f"The private key {file} cannot be read: {error.strerror}.", hint=hint
        ) from error
    except ValueError as error:
        raise ConfigurationError(f"{file} is no private key in PEM without a password.", hint=hint) from error
    return key


def _ready_event(simulator: Simulator, trust: Trust | None, key_file: Path) -> SimulatorReady:
    options = simulator.options
    return SimulatorReady(
        url=simulator.url,
        host=simulator.host,
        api_key=options.api_key,
        # The default secrets are public and shown; chosen ones may be real.
        api_secret=_if_default(options.api_secret, _DEFAULTS.api_secret),
        method=options.method,
        signature=options.signature_method if options.sign_receipts else "",
        signature_secret=_if_default(options.signature_secret, _DEFAULTS.signature_secret),
        callback_url=options.callback_url,
        authority=str(trust.authority) if trust else "",
        bundle=str(trust.bundle) if trust else "",
        pid=os.getpid(),
        application_id=simulator.application_id,
        private_key=str(key_file),
        number=next(iter(options.numbers), ""),
        inbound_url=options.inbound_url,
        messaging_api=options.messaging_api,
        private_network=options.private_network,
    )


def _if_default(secret: str, default: str) -> str:
    return secret if secret == default else ""
