"""Sends a test message: by which account, to whom, and whether its receipts will arrive."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from devkit.errors import ConfigurationError, UsageError
from devkit.events.session import SendApi, Sent
from devkit.fixture.format import format_time
from devkit.session.project import Session
from devkit.session.reachability import local_callback_url, why_unreachable
from devkit.session.settings import Settings
from devkit.simulator.outcomes import OFFLINE_RECIPIENT
from devkit.vonage.client import ApplicationKey, Credentials
from devkit.vonage.sms import send_message, send_sms
from devkit.webhook.callback import MAX_CALLBACK
from devkit.webhook.masking import mask_number

_MAX_CLIENT_REF = 100  # characters; the SDK's limit
_SEPARATORS = str.maketrans("", "", " ().-")
_INTERNATIONAL = re.compile(r"[1-9]\d{6,14}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SendRoute:
    """The account that sends a message, and the message's own callback.

    callback: empty for one whose receipts go to the account's callback.
    who: the member of a relay that sends it, whose name begins the client-ref; empty without a relay.
    is_registered: whether the account's callback was set to the same.
    """

    mode: Literal["live", "offline"]
    credentials: Credentials
    callback: str = field(repr=False)
    who: str = ""
    is_registered: bool = False

    @property
    def sms_callback(self) -> str:
        """The own callback of a message of the SMS API; empty where the account's is the same, and too long.

        Raises UsageError.
        """
        if len(self.callback) <= MAX_CALLBACK:
            return self.callback
        if self.is_registered:
            return ""
        raise UsageError(
            f"The session's callback URL has {len(self.callback)} characters, and a message of the SMS API can name "
            f"one of {MAX_CALLBACK}. Nothing was sent.",
            hint="Send through the other API: devkit send --api messages. Or start the session without --no-register.",
        )

    def client_ref(self, text: str) -> str:
        """The client-ref of a message. At a relay it names the sender, where no callback does, or where there is one.

        Raises UsageError.
        """
        if not self.who or (self.callback and not text):
            return text
        whole = f"{self.who}:{text}"
        if len(whole) > _MAX_CLIENT_REF:
            raise UsageError(
                f"The client-ref would have {len(whole)} characters with your name at the relay, {self.who}:.",
                hint=f"Shorten --client-ref to {_MAX_CLIENT_REF - len(self.who) - 1} characters.",
            )
        return whole


def choose_route(settings: Settings, session: Session | None) -> SendRoute:
    """The route of a message sent now. session: the one that runs. Raises ConfigurationError when there is none."""
    if session and session.mode == "offline":
        return SendRoute("offline", session.simulator_credentials, session.callback_url)
    if session is None and settings.is_offline:
        raise ConfigurationError(
            "No session runs in this project, so there is no simulator to send to.",
            hint="Start one in another terminal: devkit dev",
        )
    if settings.offline:
        raise ConfigurationError(
            "The session of this project is live, but DEVKIT_OFFLINE is set: no real message is sent.",
            hint="Remove DEVKIT_OFFLINE, or start the session again: devkit dev --offline",
        )
    if not settings.has_credentials:
        raise ConfigurationError(
            "The session of this project is live, but there are no credentials to send with.",
            hint="Put VONAGE_API_KEY and VONAGE_API_SECRET into .env, as when the session was started.",
        )
    if session:
        return SendRoute(
            "live", settings.credentials, session.callback_url, session.who, session.is_registered
        )
    return SendRoute("live", settings.credentials, callback="")


def require_receiver(session: Session) -> None:
    """Raise ConfigurationError when the session's receiver does not answer: receipts would be lost."""
    if problem := why_unreachable(local_callback_url(session)):
        raise ConfigurationError(
            f"The session of this project does not record: {problem}. Nothing was sent.",
            hint="Start it again: devkit dev",
        )


def choose_recipient(to: str, mode: Literal["live", "offline"]) -> str:
    """The recipient in Vonage's format: only digits, the country code first. Raises UsageError.

    to: as typed; empty for the simulator's default.
    """
    if not to and mode == "offline":
        return OFFLINE_RECIPIENT
    if not to:
        raise UsageError(
            "A real message needs a recipient.",
            hint="Name one of your own numbers: devkit send --to 447700900000",
        )
    number = to.translate(_SEPARATORS).removeprefix("+")
    if not _INTERNATIONAL.fullmatch(number):
        raise UsageError(
            "The recipient in --to is not an international phone number.",
            hint="Write the country code first, without 00: --to 447700900000",
        )
    return number


def send_to_session(
    settings: Settings, session: Session, to: str, sender: str, text: str, client_ref: str
) -> Sent:
    """Send a message whose receipts go to a session. to: as in `choose_recipient`. Raises DevkitError."""
    route = choose_route(settings, session)
    number = choose_recipient(to, route.mode)
    require_receiver(session)
    return send_by(route, number, sender=sender, text=text, client_ref=client_ref)


def send_by(
    route: SendRoute,
    number: str,
    *,
    sender: str,
    text: str,
    client_ref: str,
    api: SendApi = "sms",
    application: ApplicationKey | None = None,
) -> Sent:
    """Send a message by a route. application: as in `send_message`. Raises as `send_sms` and `send_message`."""
    message = {"to": number, "sender": sender, "text": text, "client_ref": route.client_ref(client_ref)}
    if api == "messages":
        message_uuid = send_message(
            route.credentials, **message, webhook_url=route.callback, application=application
        )
        ids: tuple[str, ...] = (message_uuid,)
    else:
        ids = send_sms(route.credentials, **message, callback=route.sms_callback)
    return Sent(ids, mask_number(number), format_time(datetime.now(UTC)), api)
