"""`devkit list`: the recorded receipts."""

import os
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import click

from devkit.cli import completes
from devkit.cli.output import echo, echo_json, status_color, style, typed_here
from devkit.fixture.listing import entry_as_json, parse_duration
from devkit.fixture.recording_id import find_entries, list_some, near_ids
from devkit.fixture.select import display_path
from devkit.fixture.store import Entry, Store
from devkit.session.settings import project_directory, read_settings
from devkit.webhook.masking import printable

_LIMIT = 50


@click.command(name="list")
@click.option(
    "--status",
    multiple=True,
    shell_complete=completes("status"),
    help="Only this status; repeatable. `unparsed`: callbacks that are not receipts.",
)
@click.option(
    "--message",
    default="",
    metavar="ID",
    shell_complete=completes("message"),
    help="Only this message: its id, or the beginning or end of it.",
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
    "--json", "as_json", is_flag=True, help="Print a JSON line for each receipt, with err-code and signature."
)
def command(status: tuple[str, ...], message: str, since: str | None, limit: int, as_json: bool) -> None:
    """List recorded receipts, newest last. Times are UTC."""
    store = Store(read_settings(os.environ, project_directory(Path.cwd())).fixtures)
    start = datetime.now(UTC) - parse_duration(since) if since else None
    newest_first = find_entries(store, status=status, message=message, since=start)
    entries = list(islice(newest_first, limit or None))[::-1]
    if not entries:
        _print_nothing_found(store, message, filtered=bool(status or message or since))
    elif as_json:
        for entry in entries:
            echo_json(entry_as_json(entry))
    else:
        _show(entries)
    if next(newest_first, None):
        echo(f"There are older ones: devkit list --limit {limit * 10}", err=True)


def _show(entries: list[Entry]) -> None:
    status_width = max(len(entry.status) for entry in entries)
    id_width = max(len(entry.message_id) for entry in entries)
    for entry in entries:
        time = style(f"{entry.recorded_at:%Y-%m-%d %H:%M:%S}", dim=True)
        status = style(f"{entry.status:<{status_width}}", fg=status_color(entry.status))
        echo(f"{time}  {status}  {entry.message_id:<{id_width}}  {printable(display_path(entry.path))}")


def _print_nothing_found(store: Store, message: str, *, filtered: bool) -> None:
    if filtered and any(store.entries()):
        near = near_ids(store, message) if message else []
        advice = f"Ids like it: {list_some(near)}" if near else "See all with: devkit list"
        echo(f"No recorded receipts match. {advice}", err=True)
        return
    echo(f"Nothing has been recorded in {printable(display_path(store.recorded))} yet.", err=True)
    echo(typed_here("Record receipts with: devkit dev    (works without an account, too)"), err=True)
