"""The two ways to work: live, with Vonage and a tunnel; offline, with the simulator and none.

All else is told by arguments which of the two it is.
"""

import math
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from devkit.errors import ConfigurationError
from devkit.events import Notice, Publish
from devkit.events.session import SimulatorAddress
from devkit.session.project import Project
from devkit.session.settings import Settings
from devkit.session.signals import Shutdown
from devkit.tunnel.agent import NgrokOptions
from devkit.tunnel.ngrok import ngrok_tunnel
from devkit.tunnel.types import Notify, OpenTunnel, given_url, no_tunnel
from devkit.vonage.client import Credentials

if TYPE_CHECKING:  # they only name types, and importing them takes long
    from devkit.simulator.state import Occurrence
    from devkit.simulator.tls import Trust

# Seconds between two questions from outside in. ngrok's free plan counts 20,000 requests a month: these are 5,280
# in 22 days of 8 hours, and the agent's log tells most losses at once. Another tunnel has neither limit nor log.
_EVERY_NGROK = 120.0
_EVERY_GIVEN = 30.0


@dataclass(frozen=True, slots=True)
class Platform:
    """Where receipts come from and how they get here.

    journal: where the registration is written down. ask_every: seconds, between two looks at the open tunnel.
    simulator: where other programs reach it; none in live mode.
    """

    mode: Literal["live", "offline"]
    credentials: Credentials
    open_tunnel: OpenTunnel
    journal: Path
    ask_every: float
    simulator: SimulatorAddress | None = None


@contextmanager
def platform(
    settings: Settings, project: Project, publish: Publish, stop: Shutdown, notify: Notify
) -> Iterator[Platform]:
    """The platform that the settings ask for; the simulator runs while the block does. Raises ConfigurationError.

    notify: hears what the tunnel says, in any thread.
    """
    if settings.offline or not settings.has_credentials:
        with _offline(settings, project, publish) as offline:
            yield offline
        return
    credentials = Credentials(settings.api_key, settings.api_secret, settings.rest_host)
    if settings.public_url:
        yield Platform("live", credentials, given_url(settings.public_url), project.journal, _EVERY_GIVEN)
        return
    options = NgrokOptions(
        private_dir=project.private,
        authtoken=settings.ngrok_authtoken,
        url=settings.ngrok_url,
        agent_path=Path(settings.ngrok_path) if settings.ngrok_path else None,
    )
    tunnel = ngrok_tunnel(options, notify=notify, stopping=stop)
    yield Platform("live", credentials, tunnel, project.journal, _EVERY_NGROK)


@contextmanager
def _offline(settings: Settings, project: Project, publish: Publish) -> Iterator[Platform]:
    from devkit.simulator.options import SimulatorOptions
    from devkit.simulator.run import run_simulator
    from devkit.simulator.state import each_distrust_once

    # New ones for each session: those of `devkit simulate` are published, and a page could send messages with them.
    options = SimulatorOptions(
        api_key=secrets.token_hex(4),  # 8 characters, as Vonage's own
        api_secret=secrets.token_urlsafe(16),
        signature_secret=settings.signature_secret or secrets.token_urlsafe(16),
    )
    if not settings.offline:
        publish(
            Notice("No Vonage credentials: working offline, against a simulator of Vonage on this machine.")
        )
    trust = _trust(project, publish)
    tls = trust.context() if trust else None
    warn = each_distrust_once(partial(_warn, publish, trust))
    with run_simulator(options, tls=tls, watch=warn) as simulator:
        credentials = Credentials(simulator.api_key, simulator.api_secret, simulator.host)
        address = SimulatorAddress(
            url=simulator.url,
            host=simulator.host,
            api_key=simulator.api_key,
            api_secret=simulator.api_secret,
            authority=str(trust.authority) if trust else "",
            bundle=str(trust.bundle) if trust else "",
        )
        # In a file of its own: what a killed live session has left must outlast an offline one.
        journal = project.journal.with_name("registration-offline.json")
        yield Platform("offline", credentials, no_tunnel(), journal, math.inf, address)


def _trust(project: Project, publish: Publish) -> "Trust | None":
    from devkit.simulator.tls import trust_in

    try:
        return trust_in(project.private / "ca", datetime.now(UTC))
    except ConfigurationError as error:
        publish(Notice(f"{error.message} The simulator takes plain http only."))
        return None


def _warn(publish: Publish, trust: "Trust | None", happening: "Occurrence") -> None:
    from devkit.simulator.state import TlsHandshakeFailed

    if trust and isinstance(happening, TlsHandshakeFailed):  # the rest is seen at the receiver
        words = f"A program broke off when it saw the simulator's certificate ({happening.reason})."
        publish(Notice(f"{words} It must trust {trust.authority}."))
