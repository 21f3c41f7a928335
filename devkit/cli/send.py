"""`devkit send`: one test message, and its receipts as they come."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import click

from devkit.cli.color import color, color_enabled
from devkit.cli.terminal import echo, style
from devkit.errors import UsageError
from devkit.events import Event, Notice, Sent
from devkit.fixture.store import Store
from devkit.session.project import Session, project_in
from devkit.session.send import (
    ReceiptArrived,
    WaitFinished,
    choose_recipient,
    choose_route,
    follow,
    require_presence,
)
from devkit.session.settings import read_settings
from devkit.session.signals import stop_on_signals
from devkit.vonage.sms import send_sms
from devkit.webhook.masking import mask_number, printable

_NO_SESSION = (
    "No session runs in this directory, so the receipts go to the account's own callback, if it has one. "
    "To see them here: make dev"
)
_ENDS = {
    "final": "every part has its final receipt",
    "stopped": "not waited for any longer; what still comes is recorded while the session runs",
    "timeout": "no final receipt for every part in time; what still comes is recorded while the session runs",
    "session-ended": "the session that records receipts has ended; start it again: make dev",
}


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
@click.option("--text", default="Hello from devkit", show_default=True, help="What the message says.")
@click.option(
    "--client-ref",
    default="",
    metavar="TEXT",
    help="Your own reference, which the receipts repeat; 40 characters at most, says Vonage.",
)
@click.option(
    "--wait", is_flag=True, help="Show the receipts until each part of the message has a final one."
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Do not wait longer.  [no limit]",
)
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines.")
@click.pass_context
def command(
    ctx: click.Context,
    to: str,
    sender: str,
    text: str,
    client_ref: str,
    wait: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Send one SMS whose receipts come to the session of this directory: real, or to the session's simulator.

    Exit code: 0 sent, and with --wait delivered or ended by Ctrl-C; 1 with --wait when a part was not delivered or
    has no final receipt in time; 2 usage; 3 configuration; 4 Vonage refused or unreachable.
    """
    ctx.color = color_enabled(os.environ)
    if timeout is not None and not wait:
        raise UsageError("--timeout is for --wait.", hint="devkit send --wait --timeout 60")
    directory = Path.cwd()
    settings, project = read_settings(os.environ, directory), project_in(directory)
    session = project.session()
    route = choose_route(settings, session)
    number = choose_recipient(to, route.mode)
    screen = _Screen(route.mode, as_json)
    _look_at(session, wait, screen)
    ids = send_sms(
        route.credentials,
        to=number,
        sender=sender,
        text=text,
        callback=route.callback,
        client_ref=client_ref,
    )
    sent_at = datetime.now(UTC)
    with stop_on_signals() as stop:
        screen.show(Sent(ids, mask_number(number)))
        if wait:
            events = follow(
                ids,
                sent_at,
                Store(settings.fixtures),
                stop,
                runs=lambda: project.session() is not None,
                timeout=timeout,
            )
            ctx.exit(screen.show_all(events))


def _look_at(session: Session | None, wait: bool, screen: "_Screen") -> None:
    """See that the receipts can come, before the message goes. Raises UsageError, ConfigurationError."""
    if session:
        require_presence(session)
    elif wait:
        raise UsageError(
            "--wait shows what a session records, and none runs in this directory. Nothing was sent.",
            hint="Start one in another terminal: make dev. Or send without --wait.",
        )
    else:
        screen.show(Notice(_NO_SESSION))


@dataclass(frozen=True, slots=True)
class _Screen:
    """Shows events: lines for people, or JSON lines."""

    mode: Literal["live", "offline"]
    as_json: bool

    def show_all(self, events: Iterable[Event]) -> int:
        """Show them as they come; the exit code that the last one asks for."""
        code = 0
        for event in events:
            self.show(event)
            code = event.exit_code if isinstance(event, WaitFinished) else 0
        return code

    def show(self, event: Event) -> None:
        if isinstance(event, Notice):
            echo(f"{style('Notice:', fg='cyan')} {printable(event.text)}", err=True)
        elif self.as_json:
            click.echo(json.dumps(event.as_json()))
        else:
            echo("\n".join(_lines(event, self.mode)))


def _lines(event: Event, mode: str) -> Iterator[str]:
    if isinstance(event, Sent):
        count = "1 part" if len(event.message_ids) == 1 else f"{len(event.message_ids)} parts"
        how = "by Vonage" if mode == "live" else "by the session's simulator"
        yield f"{style('sent', fg='cyan')}        to {event.to}, {count}, {how}"
        for message_id in event.message_ids:
            yield f"            {message_id}"
    elif isinstance(event, ReceiptArrived):
        yield _receipt(event)
        if event.err_code != "0" and event.advice:
            yield f"            {event.advice}"
    elif isinstance(event, WaitFinished):
        yield f"{style('end', bold=True)}         {_counts(event)}: {_ENDS[event.reason]}"


def _receipt(event: ReceiptArrived) -> str:
    time = style(f"{datetime.now(UTC).astimezone():%H:%M:%S}", dim=True)
    status = style(f"{event.status:<10}", fg=color(event.status))
    after = style(f"+{event.after_ms / 1000:.1f} s".rjust(9), dim=True)
    why = f"{event.err_code} {event.meaning}".strip()
    return f"{time}    {status} {why:<34} {after}  part {event.part}, {event.message_id}"


def _counts(event: WaitFinished) -> str:
    counted = {"delivered": event.delivered, "not delivered": event.failed, "open": event.open}
    return ", ".join(f"{count} {what}" for what, count in counted.items() if count)
