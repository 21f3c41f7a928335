"""`devkit list`: the recorded receipts."""

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from devkit.cli import completes
from devkit.cli.output import echo, echo_json, status_color, style
from devkit.fixture.listing import Filter, listing, parse_duration
from devkit.fixture.listing import as_json as entry_as_json
from devkit.fixture.select import display_path
from devkit.fixture.store import Entry, Store
from devkit.session.settings import read_settings
from devkit.webhook.masking import printable

_LIMIT = 50


@click.command(name="list")
@click.option(
    "--status",
    multiple=True,
    shell_complete=completes("status"),
    help="Only this status; may be given again. `unparsed`: no receipt at all.",
)
@click.option(
    "--message",
    default="",
    metavar="ID",
    shell_complete=completes("message"),
    help="Only this message, by its id or the beginning of it.",
)
@click.option("--since", metavar="TIME", help="Only the last 90s, 10m, 36h, 30d, ...")
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=_LIMIT,
    show_default=True,
    help="The newest ones only; 0 lists all.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON line for each, with err-code and signature."
)
def command(status: tuple[str, ...], message: str, since: str | None, limit: int, as_json: bool) -> None:
    """List recorded receipts, newest last. Times are UTC."""
    store = Store(read_settings(os.environ, Path.cwd()).fixtures)
    start = datetime.now(UTC) - parse_duration(since) if since else None
    chosen = Filter(status, message, start, limit + 1 if limit else 0)
    entries = listing(store, chosen)
    more, entries = limit and len(entries) > limit, entries[-limit:] if limit else entries
    if not entries:
        _say_nothing(store, filtered=bool(status or message or since))
    elif as_json:
        for entry in entries:
            echo_json(entry_as_json(entry))
    else:
        _show(entries)
    if more:
        echo(f"There are older ones: devkit list --limit {limit * 10}", err=True)


def _show(entries: list[Entry]) -> None:
    status_width = max(len(entry.status) for entry in entries)
    id_width = max(len(entry.message_id) for entry in entries)
    for entry in entries:
        time = style(f"{entry.recorded_at:%Y-%m-%d %H:%M:%S}", dim=True)
        status = style(f"{entry.status:<{status_width}}", fg=status_color(entry.status))
        echo(f"{time}  {status}  {entry.message_id:<{id_width}}  {printable(display_path(entry.path))}")


def _say_nothing(store: Store, *, filtered: bool) -> None:
    if filtered and any(store.entries()):
        echo("No recorded receipt is like that. See all with: devkit list", err=True)
        return
    echo(f"Nothing has been recorded in {printable(display_path(store.recorded))} yet.", err=True)
    echo("Record receipts with: devkit dev    (it works without an account, too)", err=True)
