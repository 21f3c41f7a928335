"""`devkit check`: whether fixture files are what they should be."""

import os
from itertools import chain
from pathlib import Path

import click

from devkit.cli.output import echo
from devkit.errors import ConfigurationError
from devkit.fixture.check import Checked, check, tracked_recordings
from devkit.fixture.select import display_path
from devkit.fixture.store import Store
from devkit.session.settings import read_settings
from devkit.webhook.masking import one_line, printable


@click.command(name="check")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--fix", is_flag=True, help="Write stale copies of receipts anew.")
@click.pass_context
def command(ctx: click.Context, paths: tuple[Path, ...], fix: bool) -> None:
    """Check fixture files, and those below directories; without PATHS all fixtures.

    Prints what is wrong as PATH:LINE: WHAT. Fails on recordings that git tracks, too.
    """
    store = Store(read_settings(os.environ, Path.cwd()).fixtures)
    chosen = paths or tuple(path for path in (store.root,) if path.is_dir())
    failed: set[Path] = set()
    ok: set[Path] = set()
    for checked in chain(_tracked(store, chosen), check(chosen, fix=fix)):
        _show(checked)
        (failed if checked.faults else ok).add(checked.path.absolute())
    echo(f"check: {len(ok - failed)} ok, {len(failed)} failed")
    ctx.exit(1 if failed else 0)


def _tracked(store: Store, chosen: tuple[Path, ...]) -> list[Checked]:
    try:
        return tracked_recordings(store, chosen)
    except ConfigurationError as error:
        echo(f"{printable(error.message)} Recordings among them were not looked for.", err=True)
        return []


def _show(checked: Checked) -> None:
    path = printable(display_path(checked.path))
    if checked.fixed:
        echo(f"{path}: written anew")
    for fault in checked.faults:
        echo(f"{path}:{fault.line}: {one_line(fault.what, 500)}")
