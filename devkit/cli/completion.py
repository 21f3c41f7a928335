"""`devkit completion`, and the words that a shell offers at Tab."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from devkit.errors import DevkitError
from devkit.fixture.store import Entry, Store, samples_directory
from devkit.session.settings import Settings, read_settings
from devkit.webhook.vocabulary import ERR_CODES, STATUSES

_LOOKED_AT = 1000  # of the newest recordings, so that a Tab takes no time in a full store
_OFFERED = 20  # messages


@dataclass(frozen=True, slots=True)
class Word:
    """One word to offer. meaning: what shells that can do so show beside it."""

    text: str
    meaning: str = ""


def selector_words(store: Store, packaged: Path, typed: str) -> list[Word]:
    """Everything with a name that a SELECTOR can be: recordings first, then samples. typed: how it begins."""
    samples = sorted({name for place in (store.samples, packaged) for name in _samples(place, typed)})
    return [*recording_words(store, typed), *(Word(name, "sample") for name in samples)]


def recording_words(store: Store, typed: str) -> list[Word]:
    """`latest`, and the ids of the newest messages, newest first."""
    latest = [Word("latest", "the newest recording; latest:5 for five")] if "latest".startswith(typed) else []
    newest = [entry for entry in islice(store.entries(), _LOOKED_AT) if _is_about(entry, typed)]
    messages: dict[str, Word] = {}
    for entry in newest:
        meaning = f"{entry.status}, {entry.recorded_at:%Y-%m-%d %H:%M} UTC"
        messages.setdefault(entry.message_id, Word(entry.message_id, meaning))
    return latest + list(islice(messages.values(), _OFFERED))


def status_words(typed: str) -> list[Word]:
    """The statuses that Vonage documents."""
    return [Word(name, status.meaning) for name, status in STATUSES.items() if name.startswith(typed)]


def err_code_words(typed: str) -> list[Word]:
    """The err-codes that Vonage documents, by number and by name."""
    numbers = [Word(number, code.name) for number, code in ERR_CODES.items()]
    names = [Word(code.slug, f"{number}: {code.name}") for number, code in ERR_CODES.items()]
    return [word for word in [*numbers, *names] if word.text.startswith(typed)]


def _is_about(entry: Entry, typed: str) -> bool:
    return entry.message_id != "noid" and entry.is_about(typed)


def _samples(directory: Path, typed: str) -> Iterator[str]:
    """The names of samples; of a sequence only its own, until that is typed."""
    for path in directory.rglob("*.json"):
        name = path.relative_to(directory).with_suffix("")
        folder = f"{name.parent.as_posix()}/"
        offered = name.as_posix() if folder == "./" or typed.startswith(folder) else folder.rstrip("/")
        if offered.startswith(typed):
            yield offered


# Where each shell looks by itself, and how to have it in one session only.
_PLACES = {
    "bash": (
        "Needs bash 4.4 (macOS has 3.2: use zsh there) and the package bash-completion. Put this text into a file:",
        "  mkdir -p ~/.local/share/bash-completion/completions",
        "  devkit completion bash > ~/.local/share/bash-completion/completions/devkit",
        "Or, without the package, put this line into ~/.bashrc:",
        '  eval "$(devkit completion bash)"',
    ),
    "zsh": (
        "Put this text into a file in a directory of your $fpath, then start a new shell:",
        "  devkit completion zsh > ~/.zfunc/_devkit",
        "~/.zfunc is such a directory when ~/.zshrc says, before compinit: fpath=(~/.zfunc $fpath)",
        "Or put this line into ~/.zshrc, after compinit:",
        '  eval "$(devkit completion zsh)"',
    ),
    "fish": (
        "Put this text into a file; new shells read it:",
        "  devkit completion fish > ~/.config/fish/completions/devkit.fish",
    ),
}


@click.command(name="completion")
@click.argument("shell", type=click.Choice(tuple(_PLACES)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print a script that lets SHELL complete commands, options, fixtures, statuses and err-codes with Tab.

    Its first lines say where to put it.
    """
    completion = get_completion_class(shell)
    assert completion is not None  # click knows all three
    script = completion(ctx.find_root().command, {}, "devkit", "_DEVKIT_COMPLETE").source()
    # zsh wants its #compdef line to be the first.
    head, rest = script.split("\n", 1) if script.startswith("#compdef") else ("", script)
    words = "".join(f"# {line}\n" for line in _PLACES[shell])
    click.echo(f"{head}\n{words}{rest}".lstrip("\n"), nl=False)


def complete_selector(ctx: click.Context, param: click.Parameter, typed: str) -> list[CompletionItem]:
    """For a SELECTOR: what has been recorded, samples, and files as the shell knows them."""
    return [CompletionItem(typed, type="file"), *_items(selector_words(_store(), samples_directory(), typed))]


def complete_recording(ctx: click.Context, param: click.Parameter, typed: str) -> list[CompletionItem]:
    """For a SELECTOR that makes sense for recordings only."""
    # Files come first: click's script for bash forgets what stands before them.
    return [CompletionItem(typed, type="file"), *_items(recording_words(_store(), typed))]


def complete_message(ctx: click.Context, param: click.Parameter, typed: str) -> list[CompletionItem]:
    """For a message id."""
    return _items([word for word in recording_words(_store(), typed) if word.text != "latest"])


def complete_status(ctx: click.Context, param: click.Parameter, typed: str) -> list[CompletionItem]:
    """For a STATUS."""
    return _items(status_words(typed))


def complete_err_code(ctx: click.Context, param: click.Parameter, typed: str) -> list[CompletionItem]:
    """For an err-code."""
    return _items(err_code_words(typed))


def _items(words: Sequence[Word]) -> list[CompletionItem]:
    return [CompletionItem(word.text, help=word.meaning or None) for word in words]


def _store() -> Store:
    settings = Settings()
    with suppress(DevkitError):  # nobody wants to read of a wrong setting in the middle of a word
        settings = read_settings(os.environ, Path.cwd())
    return Store(settings.fixtures)
