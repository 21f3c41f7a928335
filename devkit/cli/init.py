"""`devkit init`: what devkit needs in a project, overwriting nothing."""

import os
from pathlib import Path

import click

from devkit.cli.output import echo
from devkit.cli.scaffold import PIECES, ignore_line, piece, scaffold
from devkit.fixture.store import Store
from devkit.session.settings import read_settings


@click.command(name="init")
@click.option(
    "--print",
    "wanted",
    type=click.Choice(PIECES),
    metavar="FILE",
    help="Only print the content for a file.",
)
def command(wanted: str | None) -> None:
    """Put .env.example, lines for .gitignore and make targets into this directory. Overwrites nothing.

    Each file is written, already there, or unchanged; then the line says what to do by hand.
    """
    directory = Path.cwd()
    if wanted:
        # Only one piece depends on the settings: a broken `.env` can be compared with the example.
        click.echo(piece(wanted, _recorded(directory) if wanted == ".gitignore" else ""), nl=False)
        return
    for placed in scaffold(directory, _recorded(directory)):
        echo(f"{placed.outcome:<13} {placed.file:<12} {placed.advice}".rstrip())


def _recorded(directory: Path) -> str:
    """The directory of recordings as a line for .gitignore; empty when it is not below this one."""
    recorded = Store(read_settings(os.environ, directory).fixtures).recorded.resolve()
    if not recorded.is_relative_to(directory.resolve()):
        return ""
    return ignore_line(f"{recorded.relative_to(directory.resolve()).as_posix()}/")
