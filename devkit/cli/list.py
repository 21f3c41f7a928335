"""`devkit list`: the recorded receipts."""

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

import click

from devkit.cli import completes
from devkit.cli.output import echo, echo_json, output_width, typed_here
from devkit.cli.receipt_line import Cell, fit, id_cell, part_cell, reason, since_cell, status_cell
from devkit.fixture.format import TRIGGERED
from devkit.fixture.listing import ListedReceipt, parse_duration, read_entries
from devkit.fixture.listing import as_json as listed_as_json
from devkit.fixture.recording_id import find_entries, list_some, near_ids
from devkit.fixture.select import display_path
from devkit.fixture.send_log import read_sends
from devkit.fixture.store import Entry, Store
from devkit.session.project import project_in
from devkit.session.settings import project_directory, read_settings
from devkit.webhook.masking import mask_number, printable
from devkit.webhook.timeline import SentMessage
from devkit.webhook.vocabulary import meaning

_LIMIT = 50
_WIDE = 110  # columns of a terminal, from which on ids are not cut


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
    help="Only this message, with all parts of its text: its id, or the beginning or end of it.",
)
@click.option("--since", metavar="TIME", help="Only the last 90s, 10m, 36h, 30d, ...")
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=_LIMIT,
    show_default=True,
    help="The newest ones only; 0 lists all.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show the file of each receipt.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON line for each receipt, with err-code and signature."
)
def command(
    status: tuple[str, ...], message: str, since: str | None, limit: int, verbose: bool, as_json: bool
) -> None:
    """List recorded receipts, newest last. Times are UTC."""
    directory = project_directory(Path.cwd())
    store, sends = (
        Store(read_settings(os.environ, directory).fixtures),
        read_sends(project_in(directory).private),
    )
    start = datetime.now(UTC) - parse_duration(since) if since else None
    find = partial(find_entries, store, status=status, since=start)
    newest_first = iter(_with_other_parts(list(find(message=message)), sends, find)) if message else find()
    entries = list(islice(newest_first, limit or None))[::-1]
    if not entries:
        _print_nothing_found(store, message, filtered=bool(status or message or since))
    elif as_json:
        for listed in read_entries(entries, sends):
            echo_json(listed_as_json(listed))
    else:
        _show(read_entries(entries, sends), verbose=verbose)
    if next(newest_first, None):
        echo(f"There are older ones: devkit list --limit {limit * 10}", err=True)


def _with_other_parts(
    found: list[Entry], sends: Mapping[str, SentMessage], find: Callable[..., Iterable[Entry]]
) -> list[Entry]:
    """The recordings of a message, and of the other parts of its text, newest first."""
    if not found or (sent := sends.get(found[0].message_id)) is None:
        return found
    others = [part for part in sent.parts if part != found[0].message_id]
    return sorted([*found, *(entry for part in others for entry in find(message=part))], reverse=True)


def _show(receipts: Iterable[ListedReceipt], *, verbose: bool) -> None:
    width = output_width()
    for receipt in receipts:
        line = _line(receipt, width)
        echo(f"{line}  {printable(display_path(receipt.entry.path))}" if verbose else line)


def _line(listed: ListedReceipt, width: int | None) -> str:
    entry, receipt, sent = listed.entry, listed.receipt, listed.sent
    is_wide = width is None or width >= _WIDE
    cells = [
        Cell(f"{entry.recorded_at:%Y-%m-%d %H:%M:%S}", fg="bright_black"),
        status_cell(receipt.status or entry.status, width),
        Cell(entry.message_id, fg="bright_black", width=36) if is_wide else id_cell(entry.message_id),
        part_cell(sent.number_of(receipt.message_id), len(sent.parts)) if sent else Cell(""),
        since_cell(sent.milliseconds_until(entry.recorded_at) if sent else None),
        Cell(listed.order, 1, "magenta"),
        Cell(TRIGGERED if TRIGGERED in listed.tags else "", 2, "cyan"),
        Cell(mask_number(receipt.text("msisdn")), 4, width=12),
        Cell(mask_number(receipt.text("client-ref")), 5),
        Cell(receipt.text("to") and f"from {mask_number(receipt.text('to'))}", 6),
        Cell(receipt.text("network-code") and f"network {receipt.text('network-code')}", 7),
    ]
    err_code = receipt.err_code
    return fit(
        cells, listed.problem or reason(err_code, meaning(err_code, receipt.status), receipt.status), width
    )


def _print_nothing_found(store: Store, message: str, *, filtered: bool) -> None:
    if filtered and any(store.entries()):
        near = near_ids(store, message) if message else []
        advice = f"Ids like it: {list_some(near)}" if near else "See all with: devkit list"
        echo(f"No recorded receipts match. {advice}", err=True)
        return
    echo(f"Nothing has been recorded in {printable(display_path(store.recorded))} yet.", err=True)
    echo(typed_here("Record receipts with: devkit dev    (works without an account, too)"), err=True)
