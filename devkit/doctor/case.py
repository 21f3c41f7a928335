"""What is examined: the settings, the project and its session, as they were when the examination began."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from devkit.session import Project, Session
from devkit.settings import Settings
from devkit.stop import Stop
from devkit.store import Store
from devkit.vonage_client import Credentials

Mode = Literal["live", "offline", "unknown"]

UNKNOWN = "the settings must be mended first"  # why nothing can be said in that mode


@dataclass(frozen=True, slots=True)
class Case:
    """All that the steps of an examination share.

    session: None when none runs. mode: of the session, else of one that would be started now; unknown when the
    settings cannot be read. agent_path: where the ngrok agent is, or will be put. ngrok_config: the user's own
    ngrok.yml. now: UTC. stop: asked for when the user has seen enough.
    """

    settings: Settings
    project: Project
    session: Session | None
    mode: Mode
    agent_path: Path
    ngrok_config: Path
    now: Callable[[], datetime]
    stop: Stop

    @property
    def store(self) -> Store:
        return Store(self.settings.fixtures)

    @property
    def credentials(self) -> Credentials | None:
        """The account to ask: Vonage's, or that of the session's simulator; None when there is none."""
        if self.session and self.session.mode == "offline":
            return Credentials(self.session.api_key, self.session.api_secret, self.session.rest_host)
        if self.mode == "live" and self.settings.has_credentials:
            return Credentials(self.settings.api_key, self.settings.api_secret, self.settings.rest_host)
        return None

    @property
    def why_no_account(self) -> str:
        """Why there are no credentials, for the steps that need some."""
        if self.mode == "unknown":
            return UNKNOWN
        if self.mode == "offline":
            return "offline mode needs no account"
        return "there are no credentials to ask with"


def mode_of(settings: Settings, session: Session | None) -> Mode:
    """How a session works, or would."""
    if session:
        return session.mode
    return "offline" if settings.offline or not settings.has_credentials else "live"
