"""The platform that sends a session its webhooks: Vonage, through a tunnel, or the simulator, without one.

Only `platform` knows which; all other code gets arguments.
"""

import math
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from devkit.errors import ConfigurationError, DevkitError
from devkit.events import Notice, Publish
from devkit.events.session import SendApi, SimulatorAddress
from devkit.session.project import Project
from devkit.session.send import SendRoute, send_by
from devkit.session.settings import Settings
from devkit.session.signals import Shutdown
from devkit.session.tunnel_choice import TunnelChoice
from devkit.simulator.application_key import private_key_in
from devkit.simulator.occurrences import InboundText, Occurrence, TlsHandshakeFailed
from devkit.simulator.options import SimulatorOptions
from devkit.simulator.outcomes import OFFLINE_RECIPIENT
from devkit.simulator.run import run_simulator
from devkit.simulator.state import Simulator
from devkit.simulator.tls import Trust, trust_in
from devkit.tunnel.types import Notify, OpenTunnel, no_tunnel
from devkit.vonage.client import ApplicationKey, Credentials

# What an offline session shows at its start. sms: receipts. messages: statuses of the Messages API. inbound: an inbound
# message of each API. all: one webhook of each kind.
Demo = Literal["sms", "messages", "inbound", "all"]
DEMOS: tuple[Demo, ...] = get_args(Demo)

_DEMO_TEXT = "Hello from devkit"
_SEND_APIS: tuple[SendApi, ...] = get_args(SendApi)


@dataclass(frozen=True, slots=True)
class Platform:
    """Where webhooks come from, and the tunnel that they come through.

    journal: the file of the registration. application_id: of the Vonage application to register, if any.
    inbound: the URL for inbound messages is registered, too.
    check_interval: seconds between two reachability checks of the open tunnel. settle: as in `TunnelTraits`.
    simulator: its address for other programs; None in live mode.
    signature_secret: of the simulator; empty in live mode, where the settings have it.
    send_demo: sends what an offline session shows at its start, to a callback URL or, if that is empty, to the
    registered ones.
    """

    mode: Literal["live", "offline"]
    credentials: Credentials
    open_tunnel: OpenTunnel
    journal: Path
    check_interval: float
    settle: float | None
    simulator: SimulatorAddress | None = None
    application_id: str = ""
    inbound: bool = False
    signature_secret: str = field(default="", repr=False)
    send_demo: Callable[[str], None] | None = None


def platform(
    settings: Settings,
    project: Project,
    choice: TunnelChoice | None,
    publish: Publish,
    stop: Shutdown,
    notify: Notify,
    demo: Demo | None = None,
) -> AbstractContextManager[Platform]:
    """The platform that the settings ask for; the simulator runs while the block does. Raises ConfigurationError.

    choice: None offline. notify: gets the tunnel's events, in any thread. demo: what its `send_demo` sends.
    """
    if choice is None:
        return _offline(settings, project, publish, demo)
    if settings.credentials_file:
        publish(
            Notice(
                f"The Vonage account is that of the Vonage CLI, in {settings.credentials_file}. "
                "To work offline: devkit dev --offline"
            )
        )
    live = Platform(
        "live",
        settings.credentials,
        choice.opener(notify, stop),
        project.journal,
        choice.traits.check_interval,
        choice.traits.settle,
        application_id=settings.application_id,
    )
    return nullcontext(live)


@contextmanager
def _offline(settings: Settings, project: Project, publish: Publish, demo: Demo | None) -> Iterator[Platform]:
    if not settings.offline:
        publish(
            Notice("No Vonage credentials: working offline, against a simulator of Vonage on this machine.")
        )
    key_file, trust = _key_file(project, publish), _trust(project, publish)
    options = _simulator_options(settings, key_file)
    tls = trust.context() if trust else None
    with run_simulator(options, tls=tls, watch=partial(_warn, publish, trust)) as simulator:
        address = _address(simulator, key_file, trust)
        uses_application = settings.application_id or demo in ("messages", "all")
        yield Platform(
            "offline",
            Credentials(address.api_key, address.api_secret, address.host),
            no_tunnel(),
            # A file of its own: the journal of a killed live session must outlast an offline session.
            project.journal.with_name("registration-offline.json"),
            math.inf,
            settle=None,
            simulator=address,
            application_id=address.application_id if uses_application else "",
            inbound=demo in ("inbound", "all"),
            signature_secret=options.signature_secret,
            send_demo=partial(_send_demo, demo, simulator, publish) if demo else None,
        )


def _simulator_options(settings: Settings, key_file: Path | None) -> SimulatorOptions:
    # New secrets for each session: those of `devkit simulate` are published, and a web page could send messages with
    # them.
    options = SimulatorOptions(
        private_key=key_file.read_text("ascii") if key_file else "",
        api_key=secrets.token_hex(4),  # 8 characters, as Vonage's own
        api_secret=secrets.token_urlsafe(16),
        signature_secret=settings.signature_secret or secrets.token_urlsafe(16),
    )
    return replace(options, application_id=settings.application_id or options.application_id)


def _address(simulator: Simulator, key_file: Path | None, trust: Trust | None) -> SimulatorAddress:
    return SimulatorAddress(
        url=simulator.url,
        host=simulator.host,
        api_key=simulator.api_key,
        api_secret=simulator.api_secret,
        authority=str(trust.authority) if trust else "",
        bundle=str(trust.bundle) if trust else "",
        application_id=simulator.application_id,
        private_key=str(key_file or ""),
    )


def _key_file(project: Project, publish: Publish) -> Path | None:
    try:
        return private_key_in(project.private / "simulator")
    except ConfigurationError as error:
        publish(Notice(f"{error.message} Programs cannot sign messages with it."))
        return None


def _trust(project: Project, publish: Publish) -> Trust | None:
    try:
        return trust_in(project.private / "ca", datetime.now(UTC))
    except ConfigurationError as error:
        publish(Notice(f"{error.message} The simulator takes plain http only."))
        return None


def _warn(publish: Publish, trust: Trust | None, occurrence: Occurrence) -> None:
    if trust and isinstance(occurrence, TlsHandshakeFailed):  # the receiver reports the rest
        publish(
            Notice(
                f"A program rejected the simulator's certificate ({occurrence.reason}). "
                f"It must trust {trust.authority}."
            )
        )


def _send_demo(demo: Demo, simulator: Simulator, publish: Publish, callback: str) -> None:
    """Have the webhooks of a demo sent. Never raises DevkitError: the session works without them.

    callback: empty when URLs are registered; otherwise each message names it, and inbound messages have nowhere to go.
    """
    account = Credentials(simulator.api_key, simulator.api_secret, simulator.host)
    route = SendRoute("offline", account, callback)
    application = ApplicationKey(simulator.application_id, simulator.private_key)
    message = {"sender": "devkit", "text": _DEMO_TEXT, "client_ref": ""}
    try:
        for api in _SEND_APIS:
            if demo in (api, "all"):
                publish(send_by(route, OFFLINE_RECIPIENT, **message, api=api, application=application))
        if demo in ("inbound", "all") and callback:
            publish(
                Notice(
                    "The demo has no inbound messages: their URL must be registered, without --no-register."
                )
            )
        elif demo in ("inbound", "all"):
            for api in _SEND_APIS:
                simulator.receive(InboundText(text=_DEMO_TEXT, api=api))
    except DevkitError as error:
        publish(Notice(f"The demo message was not sent: {error.message}"))
