"""Parameters that several commands take: where receipts are sent to, and in which transport."""

from contextlib import suppress
from typing import Any

import click

from devkit.http.address import Address, is_same_local_server, parse_address
from devkit.session.project import Session
from devkit.session.settings import Settings
from devkit.webhook.callback import TRANSPORTS
from devkit.webhook.vocabulary import DASHBOARD_METHODS, parse_transport

_DEFAULT_PORT = 3000
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


def target_address(to: str, settings: Settings, *, allow_remote: bool = False) -> Address:
    """The address in `--to`, else in DEVKIT_FORWARD_TO, else devkit's port on this machine. Raises UsageError.

    Whether a named host is on this machine is found out when it is connected to.
    """
    default = f"http://127.0.0.1:{settings.port or _DEFAULT_PORT}"
    return parse_address(to or settings.forward_to or default, allow_remote=allow_remote)


def is_own_receiver(address: Address, session: Session | None) -> bool:
    """Whether it is the session's receiver that listens at the address."""
    return session is not None and is_same_local_server(address, parse_address(session.local_url))
