"""`devkit restore`: the account's former callback given back after a crash."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import click

from devkit.redact import printable
from devkit.registration.held import Restoration
from devkit.registration.restore import restore
from devkit.session import project_in
from devkit.settings import read_settings
from devkit.terminal import echo


@click.command(name="restore")
@click.option("--clear", is_flag=True, help="Unset the callback, when Vonage does not take the former one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(clear: bool, as_json: bool) -> None:
    """Give the account's former callback back after a session that was killed."""
    directory = Path.cwd()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    done = restore(read_settings(os.environ, directory), project_in(directory), clear=clear, now=now)
    if as_json:
        click.echo(
            json.dumps(
                {
                    "event": "restored",
                    "outcome": done.outcome,
                    "callback_url": done.callback_url,
                    "former_url": done.former_url,
                }
            )
        )
    else:
        echo(printable(_words(done)))


def _words(done: Restoration) -> str:
    holds = done.callback_url or "no callback"
    if done.outcome == "given-back":
        return f"Given back: the account holds {holds}, as before the session."
    if done.outcome == "cleared":
        return (
            f"Unset: the account holds no callback. Before the session it was {done.former_url or 'not set'}."
        )
    if done.outcome == "left-alone":
        return f"Not given back, because the account holds what somebody else has set: {holds}."
    return "Nothing to give back."
