"""`devkit simulate`: the simulator alone, for any program in any language."""

from datetime import UTC, datetime
from pathlib import Path

import click

from devkit.callback import Transport
from devkit.errors import UsageError
from devkit.push import parse_address
from devkit.replay.pace import parse_speed
from devkit.report import reporting
from devkit.server import listen
from devkit.session import project_in
from devkit.signature import METHODS, Method
from devkit.simulate import run
from devkit.simulator import SimulatorOptions
from devkit.simulator.screen import lines
from devkit.simulator.trust import trust_in
from devkit.stop import stop_on_signals
from devkit.terminal import own_foreground

# The names in Vonage's dashboard.
_TRANSPORTS: dict[str, Transport] = {"get": "get", "post": "form", "post-json": "json"}

_DEFAULTS = SimulatorOptions()


def _speed(text: str) -> float:
    try:
        return parse_speed(text)
    except UsageError as error:
        hint = "Use --speed 1x, --speed 60x (a minute in a second), or --speed max."
        raise UsageError(error.message, hint=hint) from None


def _callback_url(text: str) -> str:
    if text:
        parse_address(text)
    return text


@click.command(name="simulate")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=3050, show_default=True, help="0 takes a free one."
)
@click.option(
    "--tls", is_flag=True, help="Take https on the same port, with a certificate made for this project."
)
@click.option(
    "--callback-url",
    type=_callback_url,
    default="",
    metavar="URL",
    help="Where receipts go at first, on this machine. It is not probed; your program may start later.",
)
@click.option(
    "--method",
    type=click.Choice(tuple(_TRANSPORTS), case_sensitive=False),
    default="get",
    show_default=True,
    help="How receipts travel at first.",
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
    help="What they are signed with.",
)
@click.option(
    "--speed",
    type=_speed,
    default="1x",
    metavar="SPEED",
    show_default=True,
    help="Of simulated time: 60x is a minute in a second, max waits for nothing.",
)
@click.option(
    "--api-key", default=_DEFAULTS.api_key, metavar="KEY", show_default=True, help="The account's key."
)
@click.option(
    "--api-secret", default=_DEFAULTS.api_secret, metavar="SECRET", show_default=True, help="Its secret."
)
@click.option("--lenient", is_flag=True, help="Take drCallbackUrl too, as the Python SDK spells it.")
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines.")
def command(
    port: int,
    tls: bool,
    callback_url: str,
    method: str,
    signature: Method | None,
    signature_secret: str,
    speed: float,
    api_key: str,
    api_secret: str,
    lenient: bool,
    as_json: bool,
) -> None:
    """Stand in for Vonage on this machine: settings API, SMS API, delivery receipts. For any program."""
    options = SimulatorOptions(
        api_key=api_key,
        api_secret=api_secret,
        method=_TRANSPORTS[method],
        callback_url=callback_url,
        sign_receipts=signature is not None,
        signature_method=signature or _DEFAULTS.signature_method,
        signature_secret=signature_secret,
        speed=speed,
        lenient=lenient,
    )
    with (
        stop_on_signals() as stop,
        own_foreground(),
        reporting(as_json=as_json, stop=stop, lines=lines) as emit,
    ):
        trust = trust_in(project_in(Path.cwd()).private / "ca", datetime.now(UTC)) if tls else None
        run(options, listen("127.0.0.1", port), trust, emit, stop)
