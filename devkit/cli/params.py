"""Options that several commands have: where receipts are sent, in which transport, and with which fields."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import click

from devkit.http.address import Address, is_same_local_server, parse_address
from devkit.replay.transform import parse_assignment, signer_with
from devkit.session.project import Session, local_code_url
from devkit.session.settings import Settings
from devkit.webhook.callback import TRANSPORTS
from devkit.webhook.signature import Method, Signer
from devkit.webhook.vocabulary import DASHBOARD_METHODS, parse_transport

F = TypeVar("F", bound=Callable[..., Any])

_METHODS = ", ".join(DASHBOARD_METHODS.values())


class TransportChoice(click.Choice[str]):
    """get, form or json. It also takes the dashboard's GET, POST and POST-JSON."""

    help = f"Vonage's dashboard calls them {_METHODS}; these words work too."

    def __init__(self) -> None:
        super().__init__(TRANSPORTS)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        with suppress(ValueError):
            value = parse_transport(str(value))
        return super().convert(value, param, ctx)


_WITHOUT_SESSION = "Without a session: DEVKIT_FORWARD_TO, else port 3000 (DEVKIT_PORT) of this machine."


def to_option(in_session: str) -> Callable[[F], F]:
    """--to. in_session: where receipts go without it while a session runs."""
    text = f"The target.  [{in_session}. {_WITHOUT_SESSION}]"
    return click.option("--to", default="", metavar="URL", help=text)


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
    type=click.FloatRange(0, min_open=True),
    default=15.0,
    metavar="SECONDS",
    show_default=True,
    help="How long to wait for a response.",
)


def signer_of(settings: Settings, method: Method | None = None) -> Signer:
    """Signs as the account of the settings. method: default its own. Raises ConfigurationError without a secret."""
    return signer_with(settings.signature_secret, method or settings.signature_method, settings.api_key)


def target_address(
    to: str, session: Session | None, settings: Settings, *, allow_remote: bool = False
) -> Address:
    """The address in `--to`, else that of local code. Raises UsageError.

    A host name is checked when it is connected to: it must be on this machine unless allow_remote is set, or in a
    private network if the settings allow that.
    """
    url = to or local_code_url(session, settings)
    return parse_address(url, allow_remote=allow_remote, allow_private=settings.forward_private)


def is_own_receiver(address: Address, session: Session | None) -> bool:
    """Whether the session's receiver listens at the address."""
    return session is not None and is_same_local_server(address, parse_address(session.local_url))
