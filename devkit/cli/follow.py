"""`devkit follow`: records what a relay took for you, from where the last run stopped."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from devkit.cli.event_printer import reporting, session_lines
from devkit.cli.params import MORE_THAN_0
from devkit.cli.relay.context import allow_plain_option
from devkit.cli.relay_lines import with_relay
from devkit.cli.relay_wait import wait_in_relay
from devkit.cli.terminal import own_foreground
from devkit.errors import UsageError
from devkit.fixture.send_log import read_sends
from devkit.fixture.store import Store
from devkit.session.follow import follow, follow_options
from devkit.session.project import project_in
from devkit.session.settings import project_directory, read_settings
from devkit.session.signals import stop_on_signals
from devkit.session.wait import find_message
from devkit.webhook.vocabulary import STATUSES


@click.command(name="follow")
@click.option("--relay", "url", metavar="URL", help="The relay's engine.  [DEVKIT_RELAY]")
@click.option("--who", metavar="NAME", help="Your name at the relay.  [DEVKIT_WHO]")
@click.option("--mine", is_flag=True, help="Only yours: not those that nobody claims.")
@click.option("--all", "everybody", is_flag=True, help="Everybody's.")
@click.option(
    "--since",
    metavar="WHEN",
    help="Begin at `start`, `now`, 2h ago, or after the entry with this id.  [where the last run stopped]",
)
@click.option(
    "-f",
    "--forward-to",
    metavar="URL",
    help="Forward each new receipt to your application: a URL, or a port as in 5000/your/path.",
)
@click.option(
    "--message",
    "ids",
    multiple=True,
    metavar="ID",
    help="Wait for the receipts of this message, also of another member's, and end. Repeat it for parts.",
)
@click.option(
    "--until",
    type=click.Choice(["final", "any", *STATUSES], case_sensitive=False),
    help="With --message: wait for a final status, any receipt, or this status.  [final]",
)
@click.option(
    "--timeout",
    type=MORE_THAN_0,
    metavar="SECONDS",
    help="With --message: do not wait longer.  [60]",
)
@click.option("--skip", is_flag=True, help="Leave out what cannot be read, such as with an unknown key.")
@allow_plain_option
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines.")
@click.pass_context
def command(
    ctx: click.Context,
    url: str | None,
    who: str | None,
    mine: bool,
    everybody: bool,
    since: str | None,
    forward_to: str | None,
    ids: tuple[str, ...],
    until: str | None,
    timeout: float | None,
    skip: bool,
    allow_plain: bool,
    as_json: bool,
) -> None:
    """Record the receipts that a relay took: yours and those that nobody claims. It catches up first.

    Exit code: 0 after Ctrl-C; with --message 0 delivered, or the status that --until names, 1 another result or none
    in time; 2 usage; 3 configuration; 4 the relay is unreachable, or an entry cannot be read; 6 another process follows
    it in this project.
    """
    if mine and everybody:
        raise UsageError("--mine and --all exclude each other.", hint="devkit follow --mine")
    if (until or timeout) and not ids:
        raise UsageError(
            "--until and --timeout are for --message.", hint="devkit follow --message ID --until final"
        )
    directory = project_directory(Path.cwd())
    settings = read_settings(os.environ, directory)
    settings = replace(settings, forward_to=settings.forward_to if forward_to is None else forward_to)
    options = follow_options(
        settings,
        os.environ,
        url=url,
        who=who,
        choice="all" if everybody else "mine" if mine else "mine-and-unclaimed",
        since=since or "",
        skip=skip,
        allow_plain=allow_plain,
    )
    project = project_in(directory)
    if ids:
        message = partial(
            find_message,
            Store(settings.fixtures),
            ids,
            until or "final",
            datetime.now(UTC),
            read_sends=partial(read_sends, project.private),
            session_runs=True,
        )
        end = wait_in_relay(settings, options, message, timeout or 60.0, as_json=as_json)
        ctx.exit(0 if end.reached else 1)
    with (
        stop_on_signals(final=True) as stop,
        own_foreground(),
        reporting(as_json=as_json, stop=stop, lines=with_relay(session_lines)) as publish,
    ):
        follow(settings, options, project, publish, stop)
