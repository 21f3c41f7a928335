"""`devkit completion`, and the values that a shell offers at Tab. click makes the scripts and completes options."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Literal

import click
from click.shell_completion import CompletionItem, get_completion_class

from devkit.errors import DevkitError
from devkit.fixture.store import NO_ID, Entry, Store, safe, samples_directory
from devkit.session.settings import Settings, project_directory, read_settings
from devkit.webhook.vocabulary import ALL_STATUSES, ERR_CODES, MESSAGES_ERRORS, STATUS_MEANINGS, ErrCode

CompletionKind = Literal["selector", "recording", "message", "status", "new-status", "err-code", "error"]

_SMS, _MESSAGES = STATUS_MEANINGS["sms-receipt"], STATUS_MEANINGS["messages-status"]
_INBOUND = STATUS_MEANINGS["sms-inbound"]


def _with_slugs(codes: Mapping[str, ErrCode]) -> dict[str, str]:
    """The numbers, then the names as they are typed."""
    numbers = {number: code.name for number, code in codes.items()}
    return numbers | {code.slug: f"{number}: {code.name}" for number, code in codes.items()}


# The values of some kinds, with what they mean.
_WORDS: dict[CompletionKind, dict[str, str]] = {
    "status": {name: (_MESSAGES | _SMS | _INBOUND)[name] for name in ALL_STATUSES},  # of `list`
    "new-status": _SMS | _INBOUND | {f"messages:{name}": meaning for name, meaning in _MESSAGES.items()},
    "err-code": _with_slugs(ERR_CODES),
    "error": _with_slugs(MESSAGES_ERRORS),
}
_NEWEST = 1000  # recordings that are searched, so that Tab is fast in a full store
_MAX_MESSAGES = 20  # offered at once


@click.command(name="completion")
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print a script that lets SHELL complete commands, options, fixtures, statuses and err-codes with Tab.

    For bash, put this line into ~/.bashrc: eval "$(devkit completion bash)". For zsh, into ~/.zshrc, after compinit:
    eval "$(devkit completion zsh)". For fish: devkit completion fish > ~/.config/fish/completions/devkit.fish
    """
    completion = get_completion_class(shell)
    assert completion is not None  # click knows all three
    script = completion(ctx.find_root().command, {}, "devkit", "_DEVKIT_COMPLETE").source()
    click.echo(script.lstrip("\n"), nl=False)


def complete(kind: CompletionKind, typed: str) -> list[CompletionItem]:
    """The values of a kind that begin with what is typed. A shell adds the names of files to selectors."""
    if kind in _WORDS:
        words = _WORDS[kind].items()
        return [CompletionItem(word, help=meaning) for word, meaning in words if word.startswith(typed)]
    settings = Settings()
    with suppress(DevkitError, OSError):  # an error message in the middle of a word helps nobody
        settings = read_settings(os.environ, project_directory(Path.cwd()))
    store = Store(settings.fixtures)
    if kind == "message":
        return message_items(store, typed)
    items = latest_item(typed) + message_items(store, typed)
    if kind == "selector":
        items += sample_items(store, samples_directory(), typed)
    # Files come first: click's script for bash forgets what is before them.
    return [CompletionItem(typed, type="file"), *items]


def latest_item(typed: str) -> list[CompletionItem]:
    """The selector `latest`."""
    latest = CompletionItem("latest", help="the newest recording; latest:5 for five")
    return [latest] if "latest".startswith(typed) else []


def message_items(store: Store, typed: str) -> list[CompletionItem]:
    """The ids of the newest messages, newest first."""
    messages: dict[str, CompletionItem] = {}
    for entry in islice(store.entries(), _NEWEST):
        if _is_message(entry, typed):
            meaning = f"{entry.status}, {entry.recorded_at:%Y-%m-%d %H:%M} UTC"
            messages.setdefault(entry.message_id, CompletionItem(entry.message_id, help=meaning))
    return list(islice(messages.values(), _MAX_MESSAGES))


def sample_items(store: Store, packaged: Path, typed: str) -> list[CompletionItem]:
    """The names of the project's samples and of the packaged ones."""
    names = {name for directory in (store.samples, packaged) for name in _sample_names(directory, typed)}
    return [CompletionItem(name, help="sample") for name in sorted(names)]


def _is_message(entry: Entry, typed: str) -> bool:
    # Not by its end: a shell would put the beginning that all of them share in the place of what is typed.
    return entry.message_id != NO_ID and safe(entry.message_id, 40).lower().startswith(
        safe(typed, 40).lower()
    )


def _sample_names(directory: Path, typed: str) -> Iterator[str]:
    """The names of samples. A sequence is one name until that name is typed."""
    for path in directory.rglob("*.json"):
        name = path.relative_to(directory).with_suffix("")
        folder = f"{name.parent.as_posix()}/"
        offered = name.as_posix() if folder == "./" or typed.startswith(folder) else folder.rstrip("/")
        if offered.startswith(typed):
            yield offered
