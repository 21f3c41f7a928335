"""`devkit mcp`: lets an agent use devkit, over the Model Context Protocol."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from devkit.cli.output import notice
from devkit.errors import ConfigurationError, UsageError
from devkit.session.signals import Shutdown, stop_on_signals


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
    if sys.stdin is None:
        raise UsageError(
            "The standard input, through which an agent calls devkit, is closed.",
            hint="Have an agent start: devkit mcp",
        )
    if directory:
        os.chdir(directory)
    with stop_on_signals(final=True) as stop:
        run_server = _import_server()
        if sys.stdin.isatty():
            notice("Agents start this command by themselves. Ctrl-C ends it.")
        run_server(os.environ, Path.cwd(), stop)


def _import_server() -> Callable[[Mapping[str, str], Path, Shutdown], None]:
    try:
        from devkit.cli.mcp.server import run_server  # here: it needs the extra, and takes a second
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise ConfigurationError(
            "devkit mcp needs the MCP SDK, version 2.3 or newer, which is not installed.",
            hint="Install it beside devkit: python -m pip install 'mcp>=2.3,<3'",
        ) from error
    return run_server
