"""`devkit list`: the recorded webhooks."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from devkit.cli import completes
from devkit.cli.output import echo, echo_json, notice, output_width, typed_here
from devkit.cli.receipt_line import (
    Cell,
    api_cell,
    content,
    fit,
    id_cell,
    numbered_reason,
    part_cell,
    people_cells,
    since_cell,
    status_cell,
)
from devkit.fixture.format import TRIGGERED, owner_in
from devkit.fixture.listing import MAX_TEXT, ListedReceipt, Watch, of_kinds, parse_duration, read_entries
from devkit.fixture.listing import as_json as listed_as_json
from devkit.fixture.select import display_path, find_entries, list_some, near_ids
from devkit.fixture.send_log import read_sends
from devkit.fixture.store import Entry, Store
from devkit.session.project import project_in
from devkit.session.settings import project_directory, read_settings
from devkit.webhook.masking import mask_number, mask_numbers_in, one_line, printable
from devkit.webhook.receipt import KINDS, meaning

if TYPE_CHECKING:  # only a type, and most lists end by themselves
    from devkit.session.signals import Shutdown

_LIMIT = 50
_POLL_INTERVAL = 0.1  # seconds
_OVERTAKEN = timedelta(seconds=10)  # a file may be written after that of a later receipt
_WIDE = 110  # columns of a terminal, from which on ids are not cut


@click.command(name="list")
@click.option(
    "--status",
    multiple=True,
    shell_complete=completes("status"),
    help="Only this status; repeatable. `inbound`: inbound messages; `unparsed`: what cannot be read.",
)
@click.option(
    "--kind",
    "kinds",
    type=click.Choice([*KINDS, "unreadable"], case_sensitive=False),
    multiple=True,
    help="Only this kind of webhook; repeatable.",
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
    "-n",
    "--limit",
    type=click.IntRange(0),
    default=_LIMIT,
    show_default=True,
    help="The newest ones only; 0 lists all.",
)
@click.option("-f", "--follow", is_flag=True, help="Then show each receipt as it is recorded, until Ctrl-C.")
@click.option("-v", "--verbose", is_flag=True, help="Show the file of each receipt.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON line for each receipt, with err-code and signature."
)
def command(
    status: tuple[str, ...],
    kinds: tuple[str, ...],
    message: str,
    since: str | None,
    limit: int,
    follow: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """List recorded webhooks, newest last: receipts, statuses and inbound messages. Times are UTC."""
    directory, now = project_directory(Path.cwd()), datetime.now(UTC)
    store, private = Store(read_settings(os.environ, directory).fixtures), project_in(directory).private
    sends = dict(read_sends(private))
    start = now - parse_duration(since) if since else None

    def find(since: datetime | None) -> Iterator[Entry]:
        found = find_entries(store, status=status, message=message, since=since, sends=sends)
        return of_kinds(found, kinds) if kinds else found

    newest_first = find(start)
    entries = list(islice(newest_first, limit or None))[::-1]
    if not entries and not follow:
        _print_nothing_found(store, message, filtered=bool(status or kinds or message or since))
    with _until_ctrl_c() if follow else nullcontext() as stop:
        arriving: Iterable[Entry] = ()
        if stop:
            watch = Watch(store, entries[-1].recorded_at if entries else now)
            arriving = _arriving(watch, entries, find, lambda: sends.update(read_sends(private)), stop)
        if stop and not entries:
            notice("waiting for receipts; Ctrl-C ends it")
        _show(read_entries(chain(entries, arriving), sends), verbose=verbose, as_json=as_json)
    if next(newest_first, None) and not follow:
        echo(f"There are older ones: devkit list --limit {limit * 10}", err=True)


def _until_ctrl_c() -> "AbstractContextManager[Shutdown]":
    from devkit.session.signals import stop_on_signals  # here: most lists end by themselves

    return stop_on_signals()


def _arriving(
    watch: Watch,
    shown: Sequence[Entry],
    find: Callable[[datetime], Iterator[Entry]],
    refresh: Callable[[], None],
    stop: "Shutdown",
) -> Iterator[Entry]:
    """The recordings that match, as they arrive, until a stop, without those that were shown. refresh: reads sends."""
    since, seen = watch.since, {entry.path for entry in shown}
    while not stop.wait(_POLL_INTERVAL):
        if arrived := watch.poll():
            refresh()
            new = sorted(entry for entry in find(since) if entry.path not in seen)
            seen.update(entry.path for entry in new)
            since = max(since, arrived[-1].recorded_at - _OVERTAKEN)
            yield from new


def _show(receipts: Iterable[ListedReceipt], *, verbose: bool, as_json: bool) -> None:
    width = output_width()
    for receipt in receipts:
        if as_json:
            echo_json(listed_as_json(receipt))
            continue
        line = _line(receipt, width)
        echo(f"{line}  {printable(display_path(receipt.entry.path))}" if verbose else line)


def _line(listed: ListedReceipt, width: int | None) -> str:
    entry, receipt, sent = listed.entry, listed.receipt, listed.sent
    is_wide = width is None or width >= _WIDE
    owner = one_line(owner_in(listed.tags), 60)
    other, own = people_cells(receipt.status, mask_number(receipt.recipient), mask_number(receipt.sender))
    cells = [
        Cell(f"{entry.recorded_at:%Y-%m-%d %H:%M:%S}", fg="bright_black"),
        status_cell(receipt.status or entry.status, width),
        Cell(entry.message_id, fg="bright_black", width=36) if is_wide else id_cell(entry.message_id),
        part_cell(sent.number_of(receipt.message_id), len(sent.parts))
        if sent
        else part_cell(receipt.part, receipt.parts),
        since_cell(sent.milliseconds_until(entry.recorded_at) if sent else None),
        Cell(listed.order, 1, "magenta"),
        Cell(TRIGGERED if TRIGGERED in listed.tags else "", 2, "cyan"),
        api_cell(receipt.kind, receipt.channel),
        other._replace(width=12),
        Cell(mask_number(receipt.client_ref), 5),
        Cell(owner and f"for {owner}", 5),
        own,
        Cell(receipt.network and f"network {receipt.network}", 7),
    ]
    why = numbered_reason(receipt.err_code, meaning(receipt.err_code, receipt.status), receipt.status)
    text = mask_numbers_in(one_line(receipt.body_text, MAX_TEXT))
    return fit(cells, content(receipt.status, text, receipt.message_type, listed.problem, why), width)


def _print_nothing_found(store: Store, message: str, *, filtered: bool) -> None:
    if filtered and any(store.entries()):
        near = near_ids(store, message) if message else []
        advice = f"Ids like it: {list_some(near)}" if near else "See all with: devkit list"
        echo(f"No recorded receipts match. {advice}", err=True)
        return
    echo(f"Nothing has been recorded in {printable(display_path(store.recorded))} yet.", err=True)
    echo(typed_here("Record receipts with: devkit dev    (works without an account, too)"), err=True)
