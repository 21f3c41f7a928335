"""`devkit mcp`: lets an agent use devkit, over the Model Context Protocol."""

import os
import sys
from pathlib import Path

import click

from devkit.cli.output import notice
from devkit.errors import ConfigurationError


@click.command(name="mcp")
@click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Work in this project.  [the current directory]",
)
def command(directory: Path | None) -> None:
    """Let an agent use devkit, over the Model Context Protocol on stdin and stdout.

    It can list, show and await receipts, trigger and replay them to this machine, and run the local part of the
    doctor. It cannot send an SMS, change the account or reach another machine.
    """
    try:
        from devkit.mcp.server import run_server  # here: only with the extra
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise ConfigurationError(
            "devkit mcp needs the MCP SDK, version 2.3 or newer, which is not installed.",
            hint="Install it beside devkit: python -m pip install 'mcp>=2.3,<3'",
        ) from error
    if directory:
        os.chdir(directory)
    if sys.stdin.isatty():
        notice("Agents start this command by themselves, see docs/mcp.md. Ctrl-C ends it.")
    run_server(os.environ, Path.cwd())
