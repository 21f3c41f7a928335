"""`devkit relay serve`: takes webhooks for the team until Ctrl-C or SIGTERM."""

from ipaddress import ip_address

import click

from devkit.cli.event_printer import Lines, quiet_lines, ready_lines, reporting, session_lines
from devkit.cli.relay.context import allow_plain_option, relay_context
from devkit.cli.terminal import own_foreground
from devkit.errors import UsageError
from devkit.events.relay import RelayReady
from devkit.session.relay import ServeOptions, serve_relay
from devkit.session.signals import stop_on_signals


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise UsageError(
            f"Not an address to listen on: {text!r}.",
            hint="Use 127.0.0.1 for a proxy on this machine, 0.0.0.0 in a container.",
        ) from None


@click.command(name="serve")
@click.option(
    "--host",
    type=_address,
    default="127.0.0.1",
    metavar="ADDRESS",
    show_default=True,
    help="The IP address to listen on.",
)
@click.option("-p", "--port", type=click.IntRange(0, 65535), help="The port; 0 takes a free one.  [3000]")
@click.option(
    "--health-port",
    type=click.IntRange(0, 65535),
    default=3001,
    show_default=True,
    help="The port that answers 200 while receipts are kept, else 503; 0 takes a free one.",
)
@click.option("--no-health", is_flag=True, help="Open no health port.")
@click.option("--require-signature", is_flag=True, help="Refuse webhooks without a valid signature.")
@click.option(
    "--risk-loss", is_flag=True, help="Start also on an engine that loses or evicts what it acknowledged."
)
@allow_plain_option
@click.option(
    "-q", "--quiet", is_flag=True, help="Show no webhooks: only what is ready, notices and the end."
)
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines.")
def command(
    host: str,
    port: int | None,
    health_port: int,
    no_health: bool,
    require_signature: bool,
    risk_loss: bool,
    allow_plain: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Take webhooks for the team: answer 200 when the engine has each on disk, else 503, so that Vonage sends it again.

    Run it on a machine that is always on, behind a reverse proxy with TLS. Any number of receivers can
    use one engine, with the same VONAGE_API_KEY, DEVKIT_CALLBACK_TOKEN and DEVKIT_RELAY_KEY.
    """
    context = relay_context()
    options = ServeOptions(
        host=host,
        port=context.settings.port if port is None else port,
        health_port=None if no_health else health_port,
        require_signature=require_signature,
        risk_loss=risk_loss,
        allow_plain=allow_plain,
    )
    with (
        stop_on_signals(final=True) as stop,
        own_foreground(),
        reporting(
            as_json=as_json, stop=stop, lines=_with_ready(quiet_lines if quiet else session_lines)
        ) as publish,
    ):
        serve_relay(context.settings, context.relay, context.project, options, publish, stop)


def _with_ready(lines: Lines) -> Lines:
    return lambda event, width, at: (
        _ready(event) if isinstance(event, RelayReady) else lines(event, width, at)
    )


def _ready(event: RelayReady) -> list[str]:
    rows = [
        ("engine", event.engine),
        ("receiver", event.local_url),
        ("health", event.health_url),
        ("callback", event.callback_url),
        ("payload", "encrypted" if event.encrypted else "in clear"),
    ]
    return ready_lines("taking webhooks for the relay; Ctrl-C stops", rows)
