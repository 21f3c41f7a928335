"""`devkit restore`: restores the former callback URLs after a crash."""

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
from devkit.vonage.restoration import Restoration
from devkit.vonage.setting import WORDS
from devkit.webhook.masking import hide_password, printable


@click.command(name="restore")
@click.option(
    "--clear", is_flag=True, help="Unset what is left to restore, if Vonage refuses the former URL."
)
@click.option(
    "--force",
    is_flag=True,
    help="Restore the former URL even if another devkit or somebody else has set another one.",
)
@click.option("--relay", is_flag=True, help="Restore what `devkit relay register` has replaced.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON line for each restored URL.")
def command(clear: bool, force: bool, relay: bool, as_json: bool) -> None:
    """Restore what a killed session changed at Vonage: the account's callback URLs, and those of an application."""
    if clear and force:
        raise UsageError(
            "--clear unsets the callback, --force restores the former one.", hint="Choose one of them."
        )
    directory = project_directory(Path.cwd())
    now = datetime.now(UTC).isoformat(timespec="seconds")
    settings, project = read_settings(os.environ, directory), project_in(directory)
    is_empty = True
    for done in restore(settings, project, clear=clear, force=force, relay=relay, now=now, log=_log):
        is_empty = False
        _show(done, as_json=as_json)
    if is_empty:
        _show(Restoration("nothing"), as_json=as_json)
    if is_empty and not relay and project.relay_journal.exists():
        _log("The account has the relay's callback. To restore what it had before: devkit restore --relay")


def _show(done: Restoration, *, as_json: bool) -> None:
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
        "setting": done.setting,
    }
    return fields | ({"pending_url": done.pending_url} if done.pending_url else {})


def _line(done: Restoration) -> str:
    words = WORDS[done.setting]
    holds = hide_password(done.callback_url) or f"no {words.url}"
    if done.outcome == "given-back":
        return f"Restored: the {words.owner} holds {holds}, as before the session."
    if done.outcome == "cleared":
        former = hide_password(done.former_url) or "not set"
        return f"Unset: the {words.owner} holds no {words.url}. Before the session it was {former}."
    if done.outcome == "left-alone":
        if devkit_host(done.callback_url):
            return (
                f"Not restored, because the {words.owner} holds the {words.url} of another devkit: {holds}."
            )
        return f"Not restored, because somebody else has set the {words.setting}: {holds}."
    return "Nothing to restore."
