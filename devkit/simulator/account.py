"""The account: what its owner sees and changes through the settings API, and who its owner is."""

import hmac
from dataclasses import dataclass, field
from decimal import Decimal

from devkit.callback import Transport
from devkit.simulator.exchange import Credentials
from devkit.simulator.option import SimulatorOptions

# `httpForwardMethod` of the settings API. That POST_QUERY_PARAMS sends a form body is inferred from captures.
FORWARD_METHODS: dict[str, Transport] = {
    "GET_QUERY_PARAMS": "get",
    "POST_QUERY_PARAMS": "form",
    "POST_JSON": "json",
}


@dataclass(frozen=True, slots=True)
class Account:
    """balance: EUR. method: how receipts travel.

    spelling: the name under which the receipt URL was last sent, right or wrong; empty before the first time.
    """

    dr_callback_url: str = field(default="", repr=False)
    mo_callback_url: str = field(default="", repr=False)
    method: Transport = "get"
    balance: Decimal = Decimal(0)
    spelling: str = ""


def open_account(options: SimulatorOptions) -> Account:
    """The account as it is at the start and after a reset."""
    return Account(options.callback_url, method=options.method, balance=options.balance)


def is_owner(given: Credentials, options: SimulatorOptions) -> bool:
    """Whether these are the account's key and secret."""
    expected = f"{options.api_key}:{options.api_secret}".encode()
    return hmac.compare_digest(f"{given.api_key}:{given.api_secret}".encode("utf-8", "replace"), expected)
