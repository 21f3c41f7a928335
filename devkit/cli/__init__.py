"""The command line. Each command is in a module of its own, which is imported when the command runs."""

import gc
import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import Exit, NoArgsIsHelpError

from devkit import __version__
from devkit.errors import ConfigurationError, DevkitError

if TYPE_CHECKING:  # most runs complete nothing
    from click.shell_completion import CompletionItem

    from devkit.cli.completion import CompletionKind

# Name and help text. The module is devkit.cli.<name>, the function in it `command`.
COMMANDS = {
    "dev": "Record delivery receipts until Ctrl-C.",
    "follow": "Record what a relay took for you, until Ctrl-C.",
    "replay": "Send recorded receipts to local code again.",
    "trigger": "Send a new receipt to the session, or to local code.",
    "send": "Send a test SMS whose receipts come here.",
    "wait": "Wait until a message is delivered or has failed.",
    "list": "List recorded receipts, newest last.",
    "show": "Explain a receipt, or print it in another form.",
    "report": "Make an HTML file of receipts, to mail or for CI.",
    "simulate": "Simulate Vonage for programs in any language.",
    "check": "Check fixture files.",
    "prune": "Delete old recordings.",
    "doctor": "Check the whole path of a receipt; say what is wrong.",
    "open": "Open the page of the running session in a browser.",
    "restore": "Restore the account's former callback after a crash.",
    "relay": "Serve and check a team's relay.",
    "keep": "Turn recordings into samples that can be committed.",
    "init": "Add what devkit needs to this project.",
    "mcp": "Let an agent use devkit.",
    "completion": "Let a shell complete commands, fixtures and statuses.",
}

ALIASES = {"listen": "dev", "ls": "list", "logs": "list"}  # other tools' names for the same

_NO_THREAD = "End some programs, or raise the limit on threads: ulimit -u"
_SESSIONS = ("dev", "follow", "simulate")  # their output is not their result


class LazyCommand(click.Command):
    """A command that is imported when it runs. --help and the completion of names import none.

    package: where its module is, which has its name.
    """

    def __init__(self, name: str, *, package: str = "devkit.cli", **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self._package = package

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        module = f"{self._package}.{self.name}"
        command: click.Command = (sys.modules.get(module) or _import(module)).command
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # see `devkit.__main__`
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return command.make_context(*args, **kwargs)


class _Commands(click.Group):
    """Prints errors, and decides the exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # click would sort them

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _printable_usage():
            return super().make_context(*args, **kwargs)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args[:1] == ["help"]:
            args = [*args[1:2], "--help"]
        elif args[:1] == ["version"]:
            args = ["--version"]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        return super().resolve_command(ctx, [self._full_name(ctx, args[0]), *args[1:]])

    def _full_name(self, ctx: click.Context, typed: str) -> str:
        """The command that was typed: by its name, another name for it, or a beginning that no other has."""
        name = ALIASES.get(typed, typed)
        if name in self.commands or ctx.resilient_parsing or typed.startswith("-"):
            return name
        meant = [name for name in self.commands if typed and name.startswith(typed)]
        if len(meant) == 1:
            return meant[0]
        if meant:
            ctx.fail(f"{typed!r} may be {' or '.join(meant)}.")
        import difflib  # here: most people type it right

        nearest = difflib.get_close_matches(typed, (*self.commands, *ALIASES, "help", "version"), n=1)
        ctx.fail(f"No such command {typed!r}." + (f" Did you mean {nearest[0]}?" if nearest else ""))

    def invoke(self, ctx: click.Context) -> None:
        from devkit.cli.line_stream import surviving_output  # here: --help is printed without it

        with surviving_output() as dropped:
            code = self._exit_code(ctx)
        # Dropped lines are an error: a script must not take truncated output for complete. Not in a session: it did
        # its work.
        lost = dropped() and ctx.invoked_subcommand not in _SESSIONS
        ctx.exit(code or int(bool(lost)))

    def _exit_code(self, ctx: click.Context) -> int:
        from devkit.cli.output import print_error

        try:
            with _printable_usage():
                super().invoke(ctx)
        except DevkitError as error:
            print_error(error)
            return error.exit_code
        except Exit as exit_:
            return exit_.exit_code
        except FileNotFoundError:
            if _has_directory():
                raise
            print_error(
                ConfigurationError("The current directory was deleted.", hint="Go to another one: cd")
            )
            return ConfigurationError.exit_code
        except RuntimeError as error:
            if "can't start new thread" not in str(error):
                raise
            print_error(ConfigurationError("The system has no thread left for this.", hint=_NO_THREAD))
            return ConfigurationError.exit_code
        return 0


def _has_directory() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _import(name: str) -> ModuleType:
    # Imports leave no garbage, and the search for it takes a tenth of the time of a short command.
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def _printable_usage() -> Iterator[None]:
    # click prints its own errors. Most quote what was typed, which may hold control characters.
    try:
        yield
    except (click.MissingParameter, NoArgsIsHelpError):  # these have several lines and quote nothing
        raise
    except click.UsageError as error:
        from devkit.webhook.masking import printable

        raise click.UsageError(printable(error.format_message()), error.ctx) from None


@click.command(
    cls=_Commands,
    commands={name: LazyCommand(name, short_help=text) for name, text in COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="The beginning of a name is enough, as in `devkit tri`. Other names: listen for dev, ls and logs for list. "
    "`devkit help COMMAND` explains a command.",
)
@click.version_option(__version__, prog_name="devkit")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Record, replay and test Vonage SMS delivery receipts on your own machine."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    ctx.color = False if plain else None  # None: on a terminal


def completes(
    kind: "CompletionKind",
) -> Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]:
    """A `shell_complete` callback for values of a kind. Its imports happen at Tab only."""

    def complete(ctx: click.Context, param: click.Parameter, typed: str) -> "list[CompletionItem]":
        from devkit.cli import completion

        return completion.complete(kind, typed)

    return complete


def main(args: Sequence[str] | None = None) -> None:
    """The entry point. The exit codes are in the README."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # The text of a receipt need not be in the encoding of a pipe, above all on Windows.
            stream.reconfigure(errors="backslashreplace")
    try:
        cli(args, prog_name="devkit")
    except BrokenPipeError:  # the reader of the output is gone, as with `| head`
        sys.stderr.close()
        sys.exit(1)
