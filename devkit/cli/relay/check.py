"""`devkit relay check`: says what is wrong with the engine, and what to type."""

from datetime import UTC, datetime

import click

from devkit.cli.output import echo, echo_json, style
from devkit.cli.relay.context import RelayContext, allow_plain_option, json_option, relay_context
from devkit.errors import RelayError
from devkit.relay.durability import EngineProblem, Severity, problems, product
from devkit.relay.engine import acl_commands
from devkit.relay.stream import account_name
from devkit.session.relay import opened_engine
from devkit.webhook.masking import printable

_MARKS: dict[Severity, tuple[str, str]] = {
    "loses": ("wrong", "red"),
    "unknown": ("unknown", "yellow"),
    "warning": ("warning", "yellow"),
}
_CORRECT = (
    "Start the engine, or correct host, port, user and password in DEVKIT_RELAY; "
    "rediss:// is for an engine with TLS."
)


@click.command(name="check")
@click.option("--acl", is_flag=True, help="Print the commands that make users for receivers and followers.")
@allow_plain_option
@json_option
@click.pass_context
def command(ctx: click.Context, acl: bool, allow_plain: bool, as_json: bool) -> None:
    """Say what is wrong with the engine of DEVKIT_RELAY, and what to type.

    A user who may ask for INFO and CONFIG sees everything; users of receivers and followers see less. The exit code is
    1 when the engine would lose receipts that were answered 200.
    """
    context = relay_context()
    if acl:
        api_key = context.settings.api_key
        echo("\n".join(acl_commands(account_name(api_key) if api_key else "*")))
        return
    found = _examine(context, allow_plain=allow_plain, as_json=as_json)
    for problem in found:
        _print(problem, as_json=as_json)
    if any(problem.severity == "loses" for problem in found):
        ctx.exit(1)
    if not (found or as_json):
        echo(f"{style('ok', fg='green')}: a receipt that is answered 200 is on the engine's disk.")


def _examine(context: RelayContext, *, allow_plain: bool, as_json: bool) -> list[EngineProblem]:
    now = datetime.now(UTC)
    with opened_engine(context.settings, context.relay, allow_plain=allow_plain) as engine:
        try:
            state = engine.inspect()
        except RelayError as error:  # its hint is this command
            raise RelayError(error.message, hint=_CORRECT) from error
        if not as_json:
            version = product(state.info)
            echo(printable(f"The engine {engine.url} answers" + (f": {version}." if version else ".")))
    found = problems(state, now)
    if not context.relay.cipher.keys:
        text = "DEVKIT_RELAY_KEY is not set here: without it receivers store phone numbers in clear."
        found.append(EngineProblem("warning", text, "Make a key for the team: openssl rand -base64 32"))
    return found


def _print(problem: EngineProblem, *, as_json: bool) -> None:
    if as_json:
        echo_json(
            {"event": "problem", "severity": problem.severity, "text": problem.text, "hint": problem.hint}
        )
        return
    mark, color = _MARKS[problem.severity]
    echo(f"{style(f'{mark:<9}', fg=color)}{printable(problem.text)}\n         {printable(problem.hint)}")
