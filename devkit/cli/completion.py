"""`devkit completion`, and what the shells ask for at each Tab."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from devkit.catalogue import samples_directory
from devkit.completion import Word, err_code_words, recording_words, selector_words, status_words
from devkit.errors import DevkitError
from devkit.settings import Settings, read_settings
from devkit.store import Store

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
