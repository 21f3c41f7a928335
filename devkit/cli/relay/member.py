"""`devkit relay member`: prints what a member puts into `.env`."""

import click

from devkit.cli.output import echo, echo_json, notice
from devkit.cli.relay.context import json_option, relay_context
from devkit.errors import ConfigurationError
from devkit.relay.member import member_in_url, member_url
from devkit.relay.settings import RelaySettings
from devkit.session.relay import team_token


@click.command(name="member")
@click.argument("name")
@json_option
def command(name: str, as_json: bool) -> None:
    """Print the lines for the .env of a member, such as ada; for all CI jobs, ci.

    The callback URL ends with a secret of this member. It is made from the team's token (DEVKIT_CALLBACK_TOKEN), which
    members do not need.
    """
    context = relay_context()
    if not context.relay.public_url:
        raise ConfigurationError(
            "DEVKIT_RELAY_CALLBACK, the public URL of the relay, is not set.",
            hint="Put it into .env: DEVKIT_RELAY_CALLBACK=https://dlr.example.com",
        )
    context.project.prepare()
    token = team_token(context.settings, context.project)
    _refuse_other_token(context.relay, token)
    url = member_url(context.relay.public_url, token, name)
    lines = {"DEVKIT_WHO": name, "DEVKIT_RELAY_CALLBACK": url}
    if as_json:
        echo_json(lines)
        return
    echo("\n".join(f"{setting}={value}" for setting, value in lines.items()))
    notice(
        "Add DEVKIT_RELAY as a user of the engine who may only read (devkit relay check --acl), and DEVKIT_RELAY_KEY."
    )


def _refuse_other_token(relay: RelaySettings, token: str) -> None:
    """Raise ConfigurationError in the directory of a member: a URL that is made there leads nowhere."""
    who = member_in_url(relay.callback_url)
    if who and member_url(relay.public_url, token, who) != relay.callback_url:
        raise ConfigurationError(
            f"The team's token is not here, only the callback of {who}.",
            hint="Type this where the receiver runs, or put the team's DEVKIT_CALLBACK_TOKEN=... into .env.",
        )
