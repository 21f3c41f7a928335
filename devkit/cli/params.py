"""Options that several commands have: the target, the transport, the fields, and how long to wait."""

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import click

from devkit.errors import UsageError
from devkit.webhook.callback import TRANSPORTS
from devkit.webhook.vocabulary import DASHBOARD_METHODS, parse_transport

F = TypeVar("F", bound=Callable[..., Any])

_METHODS = ", ".join(DASHBOARD_METHODS.values())
_LONGEST = 1_000_000  # seconds; the system cannot poll a socket for more than 24 days


class TransportChoice(click.Choice[str]):
    """get, form or json. It also takes the dashboard's GET, POST and POST-JSON."""

    help = f"Vonage's dashboard calls them {_METHODS}; these words work too."

    def __init__(self) -> None:
        super().__init__(TRANSPORTS)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        with suppress(ValueError):
            value = parse_transport(str(value))
        return super().convert(value, param, ctx)


class NumberRange(click.FloatRange):
    """As click's range, but without `nan`, which click regards as in each range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


MORE_THAN_0 = NumberRange(0, min_open=True)

_WITHOUT_SESSION = "Without a session: DEVKIT_FORWARD_TO, else port 3000 (DEVKIT_PORT) of this machine."


def to_option(in_session: str) -> Callable[[F], F]:
    """--to. in_session: where receipts go without it while a session runs."""
    text = f"The target.  [{in_session}. {_WITHOUT_SESSION}]"
    return click.option("--to", default="", metavar="URL", help=text)


def parse_assignment(text: str) -> tuple[str, str]:
    """A field and its value: `err-code=2`. Raises UsageError."""
    name, mark, value = text.partition("=")
    if not name or not mark:
        raise UsageError(f"Not a field with a value: {text!r}.", hint="Write it as --set err-code=2")
    return name, value


set_option = click.option(
    "--set",
    "sets",
    type=parse_assignment,
    multiple=True,
    metavar="FIELD=VALUE",
    help="Set a field; in JSON, error.title=1240 sets one inside an object.",
)
unset_option = click.option("--unset", "unsets", multiple=True, metavar="FIELD", help="Remove a field.")
timeout_option = click.option(
    "--timeout",
    type=NumberRange(0, _LONGEST, min_open=True),
    default=15.0,
    metavar="SECONDS",
    show_default=True,
    help="How long to wait for a response.",
)
wait_limit_option = click.option(
    "--timeout",
    type=MORE_THAN_0,
    metavar="SECONDS",
    help="With --wait: do not wait longer.  [no limit]",
)
