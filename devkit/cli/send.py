"""`devkit send`: sends one test message, and shows its receipts as they arrive."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from devkit.cli.output import echo_event, notice, style
from devkit.cli.params import wait_limit_option
from devkit.cli.wait import endings_of, print_wait
from devkit.errors import ConfigurationError, UsageError
from devkit.events.session import SendApi, Sent
from devkit.fixture.send_log import SendLog
from devkit.fixture.store import Store
from devkit.session.credentials import application_key, simulator_application
from devkit.session.project import Project, Session, is_followed, is_recording, project_in
from devkit.session.send import choose_recipient, choose_route, require_receiver, send_by
from devkit.session.settings import Settings, project_directory, read_settings
from devkit.session.signals import stop_on_signals
from devkit.session.wait import (
    CLOCK_TOLERANCE,
    RELAY_TOLERANCE,
    PendingMessage,
    WaitFinished,
    wait_for_receipts,
)
from devkit.vonage.client import ApplicationKey
from devkit.webhook.masking import counted
from devkit.webhook.timeline import SentMessage

if TYPE_CHECKING:  # only a type: without a relay nothing of it is imported
    from devkit.session.follow import FollowOptions

_IN_RELAY = "The relay gets the receipts. To see them here: devkit follow"


@click.command(name="send")
@click.option(
    "--to",
    default="",
    metavar="NUMBER",
    help="The recipient, country code first.  [offline: 447700900000; live: needed]",
)
@click.option(
    "--from",
    "sender",
    default="devkit",
    show_default=True,
    metavar="NAME",
    help="The sender, a name or a number.",
)
@click.option("--text", default="Hello from devkit", show_default=True, help="The text of the message.")
@click.option(
    "--client-ref",
    default="",
    metavar="TEXT",
    help="Your own reference, repeated in the receipts; at most 100 characters.",
)
@click.option(
    "--api",
    type=click.Choice(["sms", "messages"]),
    default="sms",
    show_default=True,
    help="The API to send through. `messages` signs with VONAGE_APPLICATION_ID and VONAGE_PRIVATE_KEY if they are "
    "set, else it uses the API key and secret.",
)
@click.option(
    "--wait", is_flag=True, help="Show the receipts until each part of the message has a final one."
)
@wait_limit_option
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines.")
@click.pass_context
def command(
    ctx: click.Context,
    to: str,
    sender: str,
    text: str,
    client_ref: str,
    api: SendApi,
    wait: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Send one SMS, and have its receipts sent to the session of this project, or to the relay in DEVKIT_RELAY.

    In a live session the SMS is real; in an offline session it goes to the simulator. With a relay, --wait needs no
    session and no public address. Exit code: 0 sent, and with --wait delivered or ended by Ctrl-C; 1 with --wait when a
    part was not delivered or has no final receipt in time; 2 usage; 3 configuration; 4 Vonage or the relay refused or
    unreachable.
    """
    if timeout is not None and not wait:
        raise UsageError("--timeout is for --wait.", hint="devkit send --wait --timeout 60")
    directory = project_directory(Path.cwd())
    settings, project = read_settings(os.environ, directory), project_in(directory)
    session = project.session()
    route = choose_route(settings, session)
    relay = None if session else _relay_options(settings)
    if relay:
        route = replace(route, callback=relay.callback_url, who=relay.relay.name())
    number = choose_recipient(to, route.mode)
    application = _application(settings, directory, session) if api == "messages" else None
    _check_receiver(session, relay, wait=wait, otherwise=_without_session(api, application))

    def send() -> PendingMessage:
        sent = send_by(
            route, number, sender=sender, text=text, client_ref=client_ref, api=api, application=application
        )
        sent_at = datetime.fromisoformat(sent.at)
        if session or relay:
            _announce(SentMessage(sent_at, sent.message_ids, sent.to, sent.api), project)
        echo_event(sent, "\n".join(_sent_lines(sent, route.mode)), as_json=as_json)
        is_relayed = relay or (session and session.relay)
        tolerance = RELAY_TOLERANCE if is_relayed else CLOCK_TOLERANCE
        return PendingMessage(sent.message_ids, sent_at - tolerance, sent_at)

    if relay and wait and not is_followed(project):
        from devkit.cli.relay_wait import wait_in_relay  # here: without a relay nothing of it is imported

        now = replace(relay, since="now")
        ctx.exit(exit_code(wait_in_relay(settings, now, send, timeout, as_json=as_json)))
    with stop_on_signals() as stop:
        message = send()
        if wait:
            runs = partial(is_recording, project)
            events = wait_for_receipts(
                message, Store(settings.fixtures), stop, session_runs=runs, timeout=timeout
            )
            end = print_wait(events, endings_of("final", timeout), len(message.ids), as_json=as_json)
            ctx.exit(exit_code(end))


def _relay_options(settings: Settings) -> "FollowOptions | None":
    """The relay that gets the receipts of a message that is sent without a session; None without one."""
    if settings.offline or not settings.relay.get("DEVKIT_RELAY"):
        return None
    from devkit.session.follow import follow_options  # here, for the same reason

    return follow_options(settings, os.environ)


def _application(settings: Settings, directory: Path, session: Session | None) -> ApplicationKey | None:
    """The application that signs the call. Raises ConfigurationError."""
    if session and session.mode == "offline":  # its simulator does not know the application of the settings
        return simulator_application(session)
    return application_key(settings, directory)


def _without_session(api: SendApi, application: ApplicationKey | None) -> str:
    """Says who gets the receipts or statuses when neither a session nor a relay does."""
    what = "account's own callback gets the receipts"
    if api == "messages":
        what = f"{'application' if application else 'account'}'s own URL gets the statuses"
    return f"No session runs in this project, so the {what}, if it has one. To see them here: devkit dev"


def _announce(message: SentMessage, project: Project) -> None:
    """Write to the log which parts are one message: the session shows them so."""
    try:
        project.prepare()
        SendLog(project.private).add(message)
    except (OSError, ConfigurationError) as error:
        reason = error.strerror if isinstance(error, OSError) else error.message.rstrip(".")
        notice(f"The session shows the parts as messages of their own: {reason}.")


def exit_code(end: WaitFinished) -> int:
    """1 when a part failed or has no final status in time; after Ctrl-C only the failed parts count."""
    given_up = bool(end.open) and end.reason != "stopped"
    return 1 if end.failed or given_up else 0


def _check_receiver(
    session: Session | None, relay: "FollowOptions | None", *, wait: bool, otherwise: str
) -> None:
    """Check that receipts can arrive before the message is sent. Raises UsageError, ConfigurationError.

    otherwise: what to say when neither a session nor a relay gets them.
    """
    if session:
        require_receiver(session)
    elif relay:
        if not wait:
            notice(_IN_RELAY)
    elif wait:
        raise UsageError(
            "--wait shows what a session records, and none runs in this project. Nothing was sent.",
            hint="Start one in another terminal: devkit dev. Or send without --wait.",
        )
    else:
        notice(otherwise)


def _sent_lines(event: Sent, mode: str) -> Iterator[str]:
    count = counted(len(event.message_ids), "part")
    how = "by Vonage" if mode == "live" else "by the session's simulator"
    through = ", through the Messages API" if event.api == "messages" else f", {count}"
    yield f"{style('sent', fg='cyan')}        to {event.to}{through}, {how}"
    for message_id in event.message_ids:
        yield f"            {message_id}"
