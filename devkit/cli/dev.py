"""`devkit dev`: runs a session until Ctrl-C."""

import os
from dataclasses import replace
from pathlib import Path

import click

from devkit.cli.event_printer import Lines, quiet_lines, reporting, session_lines
from devkit.cli.keys import taking_keys
from devkit.cli.terminal import confirm, own_foreground
from devkit.errors import UsageError
from devkit.events import Notice
from devkit.session.credentials import parse_application_id
from devkit.session.platform import DEMOS, Demo
from devkit.session.run import SessionOptions, run
from devkit.session.settings import TUNNELS, project_directory, read_settings
from devkit.session.signals import stop_on_signals
from devkit.session.status_commands import parse_command
from devkit.session.tunnel_choice import with_tunnel


@click.command(name="dev")
@click.option("--offline", is_flag=True, help="Use the simulator even when there are Vonage credentials.")
@click.option(
    "-p", "--port", type=click.IntRange(0, 65535), help="Port of the receiver; 0 takes a free one.  [3000]"
)
@click.option(
    "--inspector-port", type=click.IntRange(0, 65535), help="Port of the inspector, a private page.  [3040]"
)
@click.option(
    "-f",
    "--forward-to",
    metavar="URL",
    help="Forward each recorded receipt to your application: a URL, or a port as in 5000/your/path.",
)
@click.option(
    "--on",
    "commands",
    type=(str, str),
    multiple=True,
    metavar="STATUS COMMAND",
    help="Run a command for each receipt with this status, or with `any`; it gets the receipt as JSON on its "
    "standard input. Repeatable.",
)
@click.option("--public-url", metavar="URL", help="The URL of a tunnel of your own to the port.")
@click.option(
    "--tunnel",
    type=click.Choice(TUNNELS, case_sensitive=False),
    help="The tunnel to open; `auto` takes what is there.  [auto]",
)
@click.option("--inbound", is_flag=True, help="Also set the account's URL for inbound messages.")
@click.option(
    "--application",
    metavar="ID",
    help="Also set the status URL and the inbound URL of a Vonage application.  [VONAGE_APPLICATION_ID]",
)
@click.option(
    "--relay", metavar="URL", help="Follow a relay, without a tunnel and a registration.  [DEVKIT_RELAY]"
)
@click.option("--no-register", is_flag=True, help="Change no URL at Vonage.")
@click.option(
    "--demo",
    type=click.Choice(DEMOS),
    help="Offline: what the simulator sends at the start; all is one webhook of each kind.  [sms]",
)
@click.option("--no-demo", is_flag=True, help="Offline: send no demo message.")
@click.option("--require-signature", is_flag=True, help="Refuse receipts without a valid signature.")
@click.option("--force", is_flag=True, help="Take the callback over from another session.")
@click.option("--open", "open_page", is_flag=True, help="Open the inspector in a browser.")
@click.option(
    "-q", "--quiet", is_flag=True, help="Show no receipts: only what is ready, notices and the end."
)
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines.")
def command(
    offline: bool,
    port: int | None,
    inspector_port: int | None,
    forward_to: str | None,
    commands: tuple[tuple[str, str], ...],
    public_url: str | None,
    tunnel: str | None,
    inbound: bool,
    application: str | None,
    relay: str | None,
    no_register: bool,
    demo: Demo | None,
    no_demo: bool,
    require_signature: bool,
    force: bool,
    open_page: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Start the receiver and a tunnel, register the callback, record every receipt, restore everything at the end."""
    url_option = "--inbound" if inbound else "--application" if application else ""
    contradictions = {
        f"{url_option} and --no-register": url_option and no_register,
        "--relay and --offline": relay and offline,
        "--demo and --no-demo": demo and no_demo,
    }
    for options_given in filter(contradictions.get, contradictions):
        raise UsageError(f"{options_given} exclude each other.", hint="Choose one of them.")
    here = Path.cwd()
    directory = project_directory(here)
    settings = read_settings(os.environ, directory)
    settings = replace(
        settings,
        offline=offline or settings.offline,
        port=settings.port if port is None else port,
        inspector_port=settings.inspector_port if inspector_port is None else inspector_port,
        forward_to=settings.forward_to if forward_to is None else forward_to,
        application_id=settings.application_id if application is None else parse_application_id(application),
    )
    settings = with_tunnel(settings, tunnel, public_url)
    options = SessionOptions(
        register=not no_register,
        demo=None if no_demo else demo or "sms",
        require_signature=require_signature,
        force=force,
        commands=tuple(parse_command(status, text, here) for status, text in commands),
        inbound=inbound,
    )
    lines: Lines = quiet_lines if quiet else session_lines
    if not settings.offline and (settings.relay.get("DEVKIT_RELAY") if relay is None else relay):
        if url_option:
            raise UsageError(
                f"{url_option} sets a URL of this session, and a session with a relay has none of its own.",
                hint=f"To work without the relay, leave out --relay: DEVKIT_RELAY= devkit dev {url_option}",
            )
        from devkit.cli.relay_lines import with_relay  # here: a session without a relay imports nothing of it
        from devkit.session.follow import follow_options

        options = replace(options, relay=follow_options(settings, os.environ, url=relay))
        lines = with_relay(lines)
    with (
        stop_on_signals(final=True) as stop,
        own_foreground(),
        reporting(as_json=as_json, stop=stop, lines=lines) as report,
        taking_keys(report, stop, open_page=open_page, with_keys=not as_json) as publish,
    ):
        if directory != here:
            publish(
                Notice(f"This is the project of {directory}. For one of its own in {here}: mkdir .devkit")
            )
        run(settings, options, directory, publish, stop, lambda question: confirm(question, stop))
