"""`devkit prune`: delete old recordings."""

import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from devkit.cli.output import echo, with_bar
from devkit.errors import UsageError
from devkit.fixture.deletion import PrunePlan, plan_prune, prune
from devkit.fixture.listing import parse_duration
from devkit.fixture.select import display_path
from devkit.fixture.store import Store
from devkit.session.settings import project_directory, read_settings
from devkit.webhook.masking import counted, printable

_SHOWN = 20  # paths; a longer list is no help


@click.command(name="prune")
@click.option("--older-than", metavar="TIME", help="Delete recordings older than 36h, 30d, 12w, ...")
@click.option("--keep", type=click.IntRange(0), metavar="N", help="Delete all but the newest N recordings.")
@click.option("--yes", is_flag=True, help="Really delete them; without this, nothing is deleted.")
def command(older_than: str | None, keep: int | None, yes: bool) -> None:
    """Delete old recordings. With --older-than and --keep, a recording must match both to be deleted.

    Deletes only recordings that devkit made, only below `recorded`, and never a file that git tracks.
    Follows no symbolic link.
    """
    if older_than is None and keep is None:
        raise UsageError("Say which recordings to delete.", hint="Try: devkit prune --older-than 30d")
    store = Store(read_settings(os.environ, project_directory(Path.cwd())).fixtures)
    before = datetime.now(UTC) - parse_duration(older_than) if older_than is not None else None
    plan = plan_prune(store, before=before, keep=keep or 0)
    _print_plan(plan)
    if yes:
        bar = partial(with_bar, total=len(plan.deletions), what="prune")
        _print_total("deleted", prune(plan, bar))
        return
    _print_total("would delete", plan)
    if plan.deletions:
        echo("Nothing was deleted. To delete these recordings, add --yes", err=True)


def _print_plan(plan: PrunePlan) -> None:
    for deletion in plan.deletions[:_SHOWN]:
        echo(f"{printable(display_path(deletion.path))}  {counted(deletion.size, 'byte')}")
    if more := plan.deletions[_SHOWN:]:
        echo(f"... and {len(more)} more, up to {printable(display_path(more[-1].path))}")
    if plan.tracked:
        echo(f"Kept because git tracks them: {len(plan.tracked)}. See: devkit check", err=True)


def _print_total(done: str, plan: PrunePlan) -> None:
    echo(f"prune: {done} {counted(len(plan.deletions), 'recording')}, {counted(plan.size, 'byte')}")
