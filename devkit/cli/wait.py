"""`devkit wait`: waits until the receipts of a message say how it ended. For scripts and CI."""

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from devkit.cli import completes
from devkit.cli.output import echo_event, notice, output_width, style, typed_here
from devkit.cli.params import NumberRange
from devkit.cli.receipt_line import (
    Cell,
    fit,
    id_cell,
    numbered_reason,
    part_cell,
    since_cell,
    status_cell,
    time_of_day,
)
from devkit.errors import UsageError
from devkit.events import Notice
from devkit.fixture.send_log import read_sends
from devkit.fixture.store import Store
from devkit.session.project import is_followed, is_recording, project_in
from devkit.session.settings import project_directory, read_settings
from devkit.session.signals import stop_on_signals
from devkit.session.wait import Reason, ReceiptArrived, WaitFinished, find_message, wait_for_receipts
from devkit.webhook.vocabulary import ALL_STATUSES, INBOUND

_STATUSES = [status for status in ALL_STATUSES if status != INBOUND]


@click.command(name="wait")
@click.argument("ids", nargs=-1, metavar="[ID...]", shell_complete=completes("message"))
@click.option(
    "--last", is_flag=True, help="The newest message, also one that comes meanwhile.  [without an ID]"
)
@click.option(
    "--until",
    type=click.Choice(["final", "any", *_STATUSES], case_sensitive=False),
    default="final",
    show_default=True,
    help="What to wait for: a final status, any receipt, or this status.",
)
@click.option(
    "--timeout",
    type=NumberRange(0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Do not wait longer; 0 only looks at what is recorded.",
)
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines.")
@click.pass_context
def command(
    ctx: click.Context, ids: tuple[str, ...], last: bool, until: str, timeout: float, as_json: bool
) -> None:
    """Wait until the receipts of a message say how it ended; those that are recorded already count.

    ID is a message id as `devkit send` prints it, or the unique beginning or end of a recorded one. The id of one part
    is enough for a text that devkit sent; of other texts, give the ids of all parts. Exit code: 0 delivered, or the
    status that --until names; 1 another result, or none in time; 2 usage; 3 no such message, and no session that could
    record it.
    """
    if last and ids:
        raise UsageError("An ID and --last exclude each other.", hint=f"devkit wait {ids[0]}")
    directory = project_directory(Path.cwd())
    settings, project = read_settings(os.environ, directory), project_in(directory)
    store = Store(settings.fixtures)
    session_runs = partial(is_recording, project)
    message = find_message(
        store,
        ids,
        until,
        datetime.now(UTC),
        read_sends=partial(read_sends, project.private),
        session_runs=session_runs(),
        is_followed=is_followed(project),
    )
    with stop_on_signals() as stop:
        events = wait_for_receipts(message, store, stop, session_runs=session_runs, timeout=timeout)
        end = print_wait(events, endings_of(until, timeout), len(message.ids), as_json=as_json)
    ctx.exit(0 if end.reached else 1)


def endings_of(until: str, timeout: float | None) -> dict[Reason, str]:
    """Each way in which a wait ends, in words."""
    wanted = {"final": "a final status", "any": "a receipt"}.get(until, f"the status {until}")
    reached = f"every part has {wanted}"
    return {
        "final": reached if until == "final" else f"the message ended, but not as {until}",
        "reached": reached,
        "stopped": "stopped waiting; later receipts are recorded while the session runs",
        "timeout": f"not every part has {wanted} after {timeout or 0:g} s; see: devkit doctor --wait",
        "session-ended": "no session runs that could record more; start one: devkit dev",
    }


def print_wait(
    events: Iterable[ReceiptArrived | Notice | WaitFinished],
    endings: Mapping[Reason, str],
    parts: int,
    *,
    as_json: bool,
) -> WaitFinished:
    """Print the receipts of a wait as they arrive, and how it ended.

    endings: each reason in words. parts: of the message.
    """
    for event in events:
        if isinstance(event, Notice):
            notice(event.text)
        elif isinstance(event, ReceiptArrived):
            echo_event(event, "\n".join(_receipt_lines(event, parts)), as_json=as_json)
        else:
            end = f"{style('end', bold=True)}         {_counts(event)}: {typed_here(endings[event.reason])}"
            echo_event(event, end, as_json=as_json)
            return event
    raise AssertionError("a wait ends with a WaitFinished")


def _receipt_lines(event: ReceiptArrived, parts: int) -> Iterator[str]:
    width = output_width()
    cells = (
        time_of_day(datetime.fromisoformat(event.recorded_at)),
        status_cell(event.status, width),
        id_cell(event.message_id) if width else Cell(event.message_id),
        part_cell(event.part, parts),
        since_cell(event.after_ms),
        Cell(event.network and f"network {event.network}", 4),
    )
    yield fit(cells, numbered_reason(event.err_code, event.meaning, event.status), width)
    if event.err_code != "0" and event.advice:
        yield f"            {event.advice}"


def _counts(event: WaitFinished) -> str:
    counted = {"delivered": event.delivered, "not delivered": event.failed, "open": event.open}
    return ", ".join(f"{count} {what}" for what, count in counted.items() if count) or "no message"
