"""Where a test message goes out and where its receipts come in, decided from the settings and the session."""

import re
from dataclasses import dataclass, field
from typing import Literal

from devkit.errors import ConfigurationError, UsageError
from devkit.send.presence import absence, local_callback_url
from devkit.session import Session
from devkit.settings import Settings
from devkit.vonage_client import Credentials

OFFLINE_RECIPIENT = "447700900000"  # the simulator answers it with accepted, buffered, delivered

_SEPARATORS = str.maketrans("", "", " ().-")
_INTERNATIONAL = re.compile(r"[1-9]\d{6,14}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Route:
    """The platform that takes a message, and the message's own callback.

    callback: empty when no session runs: then its receipts go to the account's callback.
    """

    mode: Literal["live", "offline"]
    credentials: Credentials
    callback: str = field(repr=False)


def choose_route(settings: Settings, session: Session | None) -> Route:
    """The route of a message sent now. Raises ConfigurationError when there is none."""
    if session is None:
        return Route("live", _account(settings), "")
    if session.mode == "offline":
        simulator = Credentials(session.api_key, session.api_secret, session.rest_host)
        return Route("offline", simulator, session.callback_url)
    if settings.offline:
        raise ConfigurationError(
            "The session of this directory is live, but DEVKIT_OFFLINE is set: no real message is sent.",
            hint="Remove DEVKIT_OFFLINE, or start the session again: make dev OFFLINE=1",
        )
    if not settings.has_credentials:
        raise ConfigurationError(
            "The session of this directory is live, but there are no credentials to send with.",
            hint="Put VONAGE_API_KEY and VONAGE_API_SECRET into .env, as when the session was started.",
        )
    return Route("live", _account(settings), session.callback_url)


def require_presence(session: Session) -> None:
    """Raise ConfigurationError when a session's receiver does not answer: what is sent would be lost."""
    if wrong := absence(local_callback_url(session)):
        raise ConfigurationError(
            f"The session of this directory does not record: {wrong}. Nothing was sent.",
            hint="Start it again: make dev",
        )


def choose_recipient(to: str, mode: Literal["live", "offline"]) -> str:
    """The recipient as Vonage wants it: digits alone, the country code first. Raises UsageError.

    to: as typed; empty for the simulator's own.
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


def _account(settings: Settings) -> Credentials:
    if settings.offline or not settings.has_credentials:
        raise ConfigurationError(
            "No session runs in this directory, so there is no simulator to send to.",
            hint="Start one in another terminal: make dev",
        )
    return Credentials(settings.api_key, settings.api_secret, settings.rest_host)
