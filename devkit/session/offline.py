"""The platform of an offline session: the simulator, no tunnel, and a demo through the same path as real webhooks."""

import math
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from devkit.errors import ConfigurationError, DevkitError
from devkit.events import Notice, Publish
from devkit.events.session import SimulatorAddress
from devkit.session.components import Demo, Platform
from devkit.session.project import Project
from devkit.session.send import sent_now
from devkit.session.settings import Settings
from devkit.simulator.application_key import private_key_in
from devkit.simulator.occurrences import InboundMessage, InboundText, Occurrence, TlsHandshakeFailed
from devkit.simulator.options import SimulatorOptions
from devkit.simulator.outcomes import OFFLINE_RECIPIENT
from devkit.simulator.run import run_simulator
from devkit.simulator.tls import Trust, trust_in
from devkit.tunnel.types import no_tunnel
from devkit.vonage.client import ApplicationKey, Credentials
from devkit.vonage.messages import send_message
from devkit.vonage.sms import send_sms

_DEMO_TEXT = "Hello from devkit"

_Receive = Callable[[InboundText], InboundMessage]


@contextmanager
def offline_platform(
    settings: Settings, project: Project, publish: Publish, demo: Demo | None
) -> Iterator[Platform]:
    """The simulator as a platform, which runs while the block does. demo: what its `send_demo` sends."""
    key_file = _application_key(project, publish)
    # New secrets for each session: those of `devkit simulate` are published, and a web page could send messages with
    # them.
    options = SimulatorOptions(
        private_key=key_file.read_text("ascii") if key_file else "",
        api_key=secrets.token_hex(4),  # 8 characters, as Vonage's own
        api_secret=secrets.token_urlsafe(16),
        signature_secret=settings.signature_secret or secrets.token_urlsafe(16),
    )
    if settings.application_id:
        options = replace(options, application_id=settings.application_id)
    if not settings.offline:
        publish(
            Notice("No Vonage credentials: working offline, against a simulator of Vonage on this machine.")
        )
    trust = _trust(project, publish)
    tls = trust.context() if trust else None
    with run_simulator(options, tls=tls, watch=partial(_warn, publish, trust)) as simulator:
        address = SimulatorAddress(
            url=simulator.url,
            host=simulator.host,
            api_key=simulator.api_key,
            api_secret=simulator.api_secret,
            authority=str(trust.authority) if trust else "",
            bundle=str(trust.bundle) if trust else "",
            application_id=simulator.application_id,
            private_key=str(key_file or ""),
        )
        credentials = Credentials(simulator.api_key, simulator.api_secret, simulator.host)
        # A file of its own: the journal of a killed live session must outlast an offline session.
        journal = project.journal.with_name("registration-offline.json")
        application = ApplicationKey(simulator.application_id, simulator.private_key)
        uses_application = settings.application_id or demo in ("messages", "all")
        yield Platform(
            "offline",
            credentials,
            no_tunnel(),
            journal,
            math.inf,
            settle=None,
            simulator=address,
            application_id=simulator.application_id if uses_application else "",
            inbound=demo in ("inbound", "all"),
            signature_secret=options.signature_secret,
            send_demo=partial(_send_demo, demo, credentials, application, simulator.receive, publish)
            if demo
            else None,
        )


def _application_key(project: Project, publish: Publish) -> Path | None:
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


def _send_demo(
    demo: Demo,
    simulator: Credentials,
    application: ApplicationKey,
    receive: _Receive,
    publish: Publish,
    callback: str,
) -> None:
    """Have the webhooks of a demo sent. Never raises DevkitError: the session works without them.

    application: signs messages. callback: empty when URLs are registered; otherwise each message names it, and inbound
    messages have nowhere to go.
    """
    try:
        if demo in ("sms", "all"):
            message = {"to": OFFLINE_RECIPIENT, "sender": "devkit", "text": _DEMO_TEXT}
            publish(sent_now(send_sms(simulator, **message, callback=callback), OFFLINE_RECIPIENT))
        if demo in ("messages", "all"):
            message_uuid = send_message(
                simulator,
                to=OFFLINE_RECIPIENT,
                sender="devkit",
                text=_DEMO_TEXT,
                webhook_url=callback,
                application=application,
            )
            publish(sent_now((message_uuid,), OFFLINE_RECIPIENT, "messages"))
        if demo in ("inbound", "all"):
            _receive_both(receive, callback, publish)
    except DevkitError as error:
        publish(Notice(f"The demo message was not sent: {error.message}"))


def _receive_both(receive: _Receive, callback: str, publish: Publish) -> None:
    if callback:
        publish(
            Notice("The demo has no inbound messages: their URL must be registered, without --no-register.")
        )
        return
    receive(InboundText(text=_DEMO_TEXT, api="sms"))
    receive(InboundText(text=_DEMO_TEXT, api="messages"))
