"""One step of the doctor: its result, and the context that all steps share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal

from devkit.errors import DevkitError
from devkit.events import Event
from devkit.fixture.store import Store
from devkit.session.project import Project, Session
from devkit.session.settings import Settings
from devkit.session.signals import Shutdown
from devkit.vonage.client import Credentials

CheckOutcome = Literal["ok", "failed", "skipped"]
Mode = Literal["live", "offline", "unknown"]

UNKNOWN = "the settings must be fixed first"  # why nothing can be said in that mode


@dataclass(frozen=True, slots=True)
class Check(Event):
    """The result of one step. what: what was found, or why the step was skipped. hint: what to type, if anything."""

    name: ClassVar[str] = "check"
    step: str
    outcome: CheckOutcome
    what: str
    hint: str = ""


def ok(step: str, what: str, hint: str = "") -> Check:
    return Check(step, "ok", what, hint)


def failed(step: str, what: str, hint: str) -> Check:
    return Check(step, "failed", what, hint)


def skipped(step: str, why: str, hint: str = "") -> Check:
    return Check(step, "skipped", why, hint)


def refused(step: str, error: DevkitError) -> Check:
    """A step that failed with an error for users."""
    return failed(step, error.message, error.hint)


@dataclass(frozen=True, slots=True)
class Context:
    """What all steps share.

    session: None when none runs. mode: of the session, or of one started now; unknown when the settings cannot be
    read. agent_path: where the ngrok agent is, or will be installed. ngrok_config: the user's own ngrok.yml. now: UTC.
    stop: requested when the user ends the doctor.
    """

    settings: Settings
    project: Project
    session: Session | None
    mode: Mode
    agent_path: Path
    ngrok_config: Path
    now: Callable[[], datetime]
    stop: Shutdown

    @property
    def store(self) -> Store:
        return Store(self.settings.fixtures)

    @property
    def credentials(self) -> Credentials | None:
        """The account to check: Vonage's, or that of the session's simulator; None when there is none."""
        if self.session and self.session.mode == "offline":
            return self.session.simulator_credentials
        if self.mode == "live" and self.settings.has_credentials:
            return self.settings.credentials
        return None

    @property
    def why_no_account(self) -> str:
        """Why `credentials` is None."""
        if self.mode == "unknown":
            return UNKNOWN
        if self.mode == "offline":
            return "offline mode needs no account"
        return "there are no credentials to check"


def mode_of(settings: Settings, session: Session | None) -> Mode:
    """The mode of the session, or of one started now."""
    if session:
        return session.mode
    return "offline" if settings.is_offline else "live"
