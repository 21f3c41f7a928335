"""`devkit prune`: delete old recordings."""

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from devkit.cli.output import echo
from devkit.errors import UsageError
from devkit.fixture.listing import parse_duration
from devkit.fixture.prune import Plan, delete, plan_prune
from devkit.fixture.select import display_path
from devkit.fixture.store import Store
from devkit.session.settings import read_settings
from devkit.webhook.masking import printable

_SHOWN = 20  # paths; more of them say no more


@click.command(name="prune")
@click.option("--older-than", metavar="TIME", help="Recordings older than 36h, 30d, 12w, ...")
@click.option("--keep", type=click.IntRange(0), metavar="N", help="All but the newest N recordings.")
@click.option("--yes", is_flag=True, help="Delete them. Without this, nothing is deleted.")
def command(older_than: str | None, keep: int | None, yes: bool) -> None:
    """Delete old recordings: those that --older-than and --keep both let go.

    Only recordings that devkit made, only below `recorded`, never a file that git tracks, never through a link.
    """
    if older_than is None and keep is None:
        raise UsageError(
            "prune needs to know which recordings may go.", hint="Try: devkit prune --older-than 30d"
        )
    store = Store(read_settings(os.environ, Path.cwd()).fixtures)
    before = datetime.now(UTC) - parse_duration(older_than) if older_than is not None else None
    found = plan_prune(store, before=before, keep=keep or 0)
    _show(found)
    if yes:
        _say("deleted", delete(found))
        return
    _say("would delete", found)
    if found.doomed:
        echo("Nothing was deleted. To delete them, add --yes", err=True)


def _show(found: Plan) -> None:
    for doomed in found.doomed[:_SHOWN]:
        echo(f"{printable(display_path(doomed.path))}  {doomed.size} bytes")
    if len(found.doomed) > _SHOWN:
        echo(
            f"... and {len(found.doomed) - _SHOWN} more, up to {printable(display_path(found.doomed[-1].path))}"
        )
    if found.tracked:
        echo(f"Kept because git tracks them: {len(found.tracked)}. See: devkit check", err=True)


def _say(done: str, found: Plan) -> None:
    echo(f"prune: {done} {len(found.doomed)} recording(s), {found.size} bytes")
