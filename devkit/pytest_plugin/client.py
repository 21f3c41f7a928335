"""The vonage SDK's client, pointed at a simulator."""

import vonage
from vonage_account import Account
from vonage_sms import Sms

from devkit.simulator import Simulator
from devkit.vonage_client import Credentials, make_client


def client_of(simulator: Simulator) -> vonage.Vonage:
    """A client whose `sms` and `account` talk to the simulator. The other APIs are not simulated."""
    credentials = Credentials(simulator.api_key, simulator.api_secret, simulator.host)
    client = vonage.Vonage(vonage.Auth(api_key=simulator.api_key, api_secret=simulator.api_secret))
    # A client each: the SDK's headers are shared between calls of different kinds.
    client.sms = Sms(make_client(credentials))
    client.account = Account(make_client(credentials))
    return client
