"""`devkit relay`: commands for the relay of a team. Each is a module here, which is imported when it runs."""

import click

from devkit.cli import LazyCommand

COMMANDS = {
    "serve": "Take webhooks for the team until Ctrl-C.",
    "check": "Say what is wrong with the engine, and what to type.",
    "status": "Show what the engine keeps.",
    "register": "Set the account's callback to the relay.",
    "member": "Print what a member puts into .env.",
}


class _RelayCommands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # click would sort them


@click.command(
    name="relay",
    cls=_RelayCommands,
    commands={name: LazyCommand(name, package=__name__, short_help=text) for name, text in COMMANDS.items()},
)
def command() -> None:
    """Serve and check the relay of a team: one public receiver, whose webhooks wait until each member has fetched them.

    DEVKIT_RELAY names its engine, Redis or Valkey. Members of a team who share
    an account need one, because an account has one callback.
    """
