"""`devkit relay register`: sets the account's callback to the relay."""

from datetime import UTC, datetime

import click

from devkit.cli.event_printer import session_lines
from devkit.cli.output import echo_event, hint
from devkit.cli.relay.context import json_option, relay_context
from devkit.cli.terminal import confirm
from devkit.events import Event
from devkit.session.relay import register_relay
from devkit.session.signals import stop_on_signals


@click.command(name="register")
@click.argument("url")
@click.option("--inbound", is_flag=True, help="Also set the account's URL for inbound messages.")
@click.option("--force", is_flag=True, help="Take the callback over from another devkit.")
@json_option
def command(url: str, inbound: bool, force: bool, as_json: bool) -> None:
    """Set the account's callback to the relay at URL, such as https://dlr.example.com.

    Vonage requests the URL before it saves it, so a receiver must be running. The former callback is written to a
    journal first; `devkit restore --relay` restores it.
    """
    context = relay_context()

    def publish(event: Event) -> None:
        echo_event(event, "\n".join(session_lines(event)), as_json=as_json)

    with stop_on_signals() as stop:
        register_relay(
            context.settings,
            context.project,
            url,
            inbound=inbound,
            force=force,
            now=datetime.now(UTC).isoformat(timespec="seconds"),
            publish=publish,
            confirm=lambda question: confirm(question, stop),
        )
    if not as_json:
        hint("To restore what was there before: devkit restore --relay")
