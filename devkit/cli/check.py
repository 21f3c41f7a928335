"""`devkit check`: finds what is wrong in fixture files."""

import os
from itertools import chain
from pathlib import Path

import click

from devkit.cli.output import echo, with_bar
from devkit.errors import ConfigurationError
from devkit.fixture.check import CheckedFile, check, files_to_check, tracked_recordings
from devkit.fixture.select import display_path
from devkit.fixture.store import Store
from devkit.session.settings import project_directory, read_settings
from devkit.webhook.masking import one_line, printable


@click.command(name="check")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--fix", is_flag=True, help="Rewrite stale copies of receipts.")
@click.pass_context
def command(ctx: click.Context, paths: tuple[Path, ...], fix: bool) -> None:
    """Check fixture files, and those below directories; without PATHS all fixtures.

    Prints each problem as PATH:LINE: WHAT. A recording that git tracks is a problem, too.
    """
    store = Store(read_settings(os.environ, project_directory(Path.cwd())).fixtures)
    chosen = paths or tuple(path for path in (store.root,) if path.is_dir())
    files = list(files_to_check(chosen))
    failed: set[Path] = set()
    ok: set[Path] = set()
    for checked in chain(_tracked(store, chosen), check(with_bar(files, len(files), "check"), fix=fix)):
        _print_problems(checked)
        (failed if checked.problems else ok).add(checked.path.absolute())
    echo(f"check: {len(ok - failed)} ok, {len(failed)} failed")
    ctx.exit(1 if failed else 0)


def _tracked(store: Store, chosen: tuple[Path, ...]) -> list[CheckedFile]:
    try:
        return tracked_recordings(store, chosen)
    except ConfigurationError as error:
        echo(f"{printable(error.message)} Tracked recordings were not checked for.", err=True)
        return []


def _print_problems(checked: CheckedFile) -> None:
    path = printable(display_path(checked.path))
    if checked.fixed:
        echo(f"{path}: rewritten")
    for problem in checked.problems:
        echo(f"{path}:{problem.line}: {one_line(problem.what, 500)}")
