"""`devkit restore`: restores the account's former callback after a crash."""

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from devkit.cli.output import echo, echo_json
from devkit.errors import UsageError
from devkit.session.project import project_in
from devkit.session.restore import restore
from devkit.session.settings import project_directory, read_settings
from devkit.vonage.journal import devkit_host
from devkit.vonage.registration import Restoration
from devkit.webhook.masking import printable


@click.command(name="restore")
@click.option("--clear", is_flag=True, help="Unset the callback, if Vonage refuses the former one.")
@click.option(
    "--force",
    is_flag=True,
    help="Restore the former one even if another devkit or somebody else has set the account's callback.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(clear: bool, force: bool, as_json: bool) -> None:
    """Restore the account's former callback after a session that was killed."""
    if clear and force:
        raise UsageError(
            "--clear unsets the callback, --force restores the former one.", hint="Choose one of them."
        )
    directory = project_directory(Path.cwd())
    now = datetime.now(UTC).isoformat(timespec="seconds")
    settings, project = read_settings(os.environ, directory), project_in(directory)
    done = restore(settings, project, clear=clear, force=force, now=now, log=_log)
    if as_json:
        echo_json(_as_json(done))
    else:
        echo(printable(_line(done)))
    if done.advice:
        _log(done.advice)


def _log(text: str) -> None:
    echo(printable(text), err=True)


def _as_json(done: Restoration) -> dict[str, str]:
    fields = {
        "event": "restored",
        "outcome": done.outcome,
        "callback_url": done.callback_url,
        "former_url": done.former_url,
    }
    return fields | ({"pending_url": done.pending_url} if done.pending_url else {})


def _line(done: Restoration) -> str:
    holds = done.callback_url or "no callback"
    if done.outcome == "given-back":
        return f"Restored: the account holds {holds}, as before the session."
    if done.outcome == "cleared":
        return (
            f"Unset: the account holds no callback. Before the session it was {done.former_url or 'not set'}."
        )
    if done.outcome == "left-alone":
        if devkit_host(done.callback_url):
            return f"Not restored, because the account holds the callback of another devkit: {holds}."
        return f"Not restored, because somebody else has set the account's callback: {holds}."
    return "Nothing to restore."
