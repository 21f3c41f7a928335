"""`devkit trigger`: sends a new receipt to local code."""

import os
import secrets
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from devkit.cli import completes
from devkit.cli.output import echo_event, hint, notice, output_width
from devkit.cli.params import (
    TransportChoice,
    set_option,
    timeout_option,
    to_option,
    unset_option,
)
from devkit.cli.results import result_line
from devkit.http.address import Address, parse_address, path_of
from devkit.replay.send import Replayed
from devkit.replay.transform import signer_with
from devkit.replay.trigger import NewReceipt, Triggered, notices, parse_err_code, send_fields
from devkit.session.project import new_receipt_url, project_in
from devkit.session.settings import project_directory, read_settings
from devkit.webhook.callback import CALLBACK_PATH, Transport
from devkit.webhook.masking import printable
from devkit.webhook.receipt import make_message_id
from devkit.webhook.signature import METHODS, Method

_INDENT = " " * 13  # below the status


@click.command(name="trigger")
@click.argument("status", shell_complete=completes("status"))
@click.option(
    "--err-code",
    type=parse_err_code,
    shell_complete=completes("err-code"),
    metavar="CODE",
    help="A number, or a name such as absent-subscriber-temporary.  [0 for accepted, buffered, delivered; else 1]",
)
@click.option(
    "--as",
    "transport",
    type=TransportChoice(),
    default="get",
    show_default=True,
    help=f"The transport. {TransportChoice.help}",
)
@set_option
@unset_option
@click.option(
    "--sign",
    "method",
    type=click.Choice(METHODS, case_sensitive=False),
    metavar="METHOD",
    help=f"Sign with VONAGE_SIGNATURE_SECRET: {', '.join(METHODS)}.",
)
@to_option("the session's receiver, which records and forwards it")
@click.option("--allow-remote", is_flag=True, help="Send to another machine.")
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as a JSON line.")
@click.pass_context
def command(
    ctx: click.Context,
    status: str,
    err_code: str | None,
    transport: Transport,
    sets: tuple[tuple[str, str], ...],
    unsets: tuple[str, ...],
    method: Method | None,
    to: str,
    allow_remote: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """Send a new receipt to the session or to local code, as Vonage would. STATUS may be an undocumented one.

    A session records and forwards it as any other, with the tag `triggered`.

    Exit code: 0 for a 2xx response, 1 for another or none, 2 usage, 3 configuration, 4 target unreachable.
    """
    directory = project_directory(Path.cwd())
    settings = read_settings(os.environ, directory)
    session = project_in(directory).session()
    url = to or new_receipt_url(session, settings)
    address = parse_address(url, allow_remote=allow_remote, allow_private=settings.forward_private)
    fields = NewReceipt(status, err_code or "", sets, unsets).fields(
        make_message_id(secrets.randbits(128)),
        datetime.now(UTC),
        api_key=settings.api_key,
        signer=signer_with(settings.signature_secret, method) if method else None,
        nonce=str(uuid.uuid4()),
    )
    for text in notices(fields.get("status", ""), fields.get("err-code", "")):
        notice(f"{text}; it is sent anyway")
    outcome = send_fields(fields, transport, address, timeout)
    triggered = Triggered.of(outcome, fields.get("err-code", ""))
    echo_event(triggered, "\n".join(_lines(outcome, transport, address)), as_json=as_json)
    if outcome.hint:
        hint(outcome.hint)
    ctx.exit({"ok": 0, "failed": 1, "unreachable": 4}[outcome.outcome])


def _lines(outcome: Replayed, transport: Transport, address: Address) -> Iterator[str]:
    """The result, what was sent, and where to."""
    yield result_line(outcome, output_width())
    method = "GET" if transport == "get" else "POST"
    yield f"{_INDENT}{method} {printable(f'{address}{path_of(address) or CALLBACK_PATH}')} ({transport})"
    if outcome.message_id:
        yield f"{_INDENT}message {printable(outcome.message_id)}"
