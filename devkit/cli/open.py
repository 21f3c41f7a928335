"""`devkit open`: opens the inspector of the running session in a browser."""

import os
import subprocess
import sys
from pathlib import Path

import click

from devkit.cli.output import echo
from devkit.errors import ConfigurationError
from devkit.session.project import project_in
from devkit.session.settings import project_directory

# In a process without the terminal: a browser must not print there, and one for terminals must not take it over.
_PROGRAM = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"
_TIMEOUT = 5  # seconds; one that still runs is a browser that $BROWSER names, and works


@click.command(name="open")
def command() -> None:
    """Open the page of the running session in a browser: the inspector, on this machine only."""
    session = project_in(project_directory(Path.cwd())).session()
    if session is None or not session.inspector_url:
        raise ConfigurationError(
            "No session runs in this project, so there is no page to open.",
            hint="Start one, with its page: devkit dev --open",
        )
    if not _browse(session.inspector_url):
        raise ConfigurationError(
            "No browser could be opened.", hint=f"Open the page yourself: {session.inspector_url}"
        )
    echo(f"Opened {session.inspector_url}")


def _browse(url: str) -> bool:
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", _PROGRAM, url],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=os.name != "nt",  # Ctrl-C does not close the browser
    )
    try:
        return process.wait(_TIMEOUT) == 0
    except subprocess.TimeoutExpired:
        return True
