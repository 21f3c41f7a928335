"""`devkit trigger`: sends a new receipt, status or inbound message to local code."""

import os
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
from devkit.cli.result_lines import result_line
from devkit.errors import UsageError
from devkit.http.address import Address, parse_address, path_of
from devkit.replay.new_callback import APIS, Api
from devkit.replay.result import Replayed
from devkit.replay.trigger import (
    TOKEN,
    Triggered,
    new_origin,
    notices_about,
    parse_err_code,
    parse_error,
    parse_new,
    read_signer,
    send_new,
)
from devkit.session.project import new_receipt_url, project_in
from devkit.session.settings import project_directory, read_settings
from devkit.webhook.callback import CALLBACK_PATH, Callback, Transport
from devkit.webhook.masking import printable
from devkit.webhook.receipt import read, webhook_in
from devkit.webhook.signature import METHODS

_INDENT = " " * 13  # below the status


@click.command(name="trigger")
@click.argument("status", shell_complete=completes("new-status"))
@click.option(
    "--err-code",
    type=parse_err_code,
    shell_complete=completes("err-code"),
    metavar="CODE",
    help="A number, or a name such as absent-subscriber-temporary.  [0 for accepted, buffered, delivered; else 1]",
)
@click.option(
    "--error",
    type=parse_error,
    shell_complete=completes("error"),
    metavar="NUMBER",
    help="Of a status of the Messages API: a number, or a name such as illegal-number.  [1330 for rejected]",
)
@click.option("--text", metavar="TEXT", help="Of an inbound message.  [Hello]")
@click.option(
    "--api",
    type=click.Choice(APIS),
    help="The API whose webhook it is.  [sms, or messages as in messages:STATUS]",
)
@click.option(
    "--as",
    "transport",
    type=TransportChoice(),
    help=f"The transport of the SMS API. {TransportChoice.help}  [get]",
)
@set_option
@unset_option
@click.option(
    "--sign",
    type=click.Choice((*METHODS, TOKEN), case_sensitive=False),
    metavar="METHOD",
    help=f"Sign with VONAGE_SIGNATURE_SECRET: {', '.join(METHODS)}; {TOKEN} for the Messages API.",
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
    error: str | None,
    text: str | None,
    api: Api | None,
    transport: Transport | None,
    sets: tuple[tuple[str, str], ...],
    unsets: tuple[str, ...],
    sign: str | None,
    to: str,
    allow_remote: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """Send a new receipt to the session or to local code, as Vonage would. STATUS may be an undocumented one.

    messages:rejected is a status of the Messages API, and inbound an inbound message. A session records and forwards
    all of them as any other, with the tag `triggered`.

    Exit code: 0 for a 2xx response, 1 for another or none, 2 usage, 3 configuration, 4 target unreachable.
    """
    directory = project_directory(Path.cwd())
    settings = read_settings(os.environ, directory)
    session = project_in(directory).session()
    new = parse_new(
        status,
        api=api,
        err_code=err_code or "",
        error=error or "",
        text=text,
        sets=dict(sets),
        unsets=unsets,
    )
    if new.api == "messages" and transport not in (None, "json"):
        raise UsageError(
            f"The Messages API sends JSON only, so nothing of it can be sent as {transport}.",
            hint="Omit --as.",
        )
    url = to or new_receipt_url(session, settings)
    address = parse_address(url, allow_remote=allow_remote, allow_private=settings.forward_private)
    signer = read_signer(sign or "", new.api, settings.signature_secret, settings.signature_method)
    origin = new_origin(
        datetime.now(UTC), signer, api_key=settings.api_key, application_id=settings.application_id
    )
    callback = new.callback(origin, transport or "get")
    webhook = webhook_in(read(callback))
    for remark in notices_about(webhook):
        notice(f"{remark}; it is sent anyway")
    sent = send_new(callback, address, timeout)
    triggered = Triggered.of(sent, webhook.kind)
    echo_event(triggered, "\n".join(_lines(sent, callback, address)), as_json=as_json)
    if sent.hint:
        hint(sent.hint)
    ctx.exit({"ok": 0, "failed": 1, "unreachable": 4}[sent.outcome])


def _lines(sent: Replayed, callback: Callback, address: Address) -> Iterator[str]:
    """The result, what was sent, and where to."""
    yield result_line(sent, output_width())
    where = printable(f"{address}{path_of(address) or CALLBACK_PATH}")
    yield f"{_INDENT}{callback.method} {where} ({callback.transport})"
    if sent.message_id:
        yield f"{_INDENT}message {printable(sent.message_id)}"
