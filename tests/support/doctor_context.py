"""A context for the doctor, put together in a test's directory."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Unpack

from devkit.doctor.check import Check, Context, Mode, mode_of
from devkit.session.project import Session, project_in
from devkit.session.settings import Settings
from devkit.session.signals import Shutdown
from devkit.simulator import Simulator
from devkit.vonage.journal import Journal, write_journal
from tests.support.changed_settings import ChangedSettings

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SECRET = "s3cret-value"
OURS = "https://dlr.example.test/webhooks/delivery-receipt/0123456789abcdef"
SESSION = Session(
    pid=1,
    started_at="2026-11-23T12:00:00+00:00",
    mode="live",
    local_url="http://127.0.0.1:9",
    public_url="https://dlr.example.test",
    callback_url=OURS,
)


def make_context(
    directory: Path,
    *,
    session: Session | None = None,
    mode: Mode | None = None,
    stop: Shutdown | None = None,
    **settings: Unpack[ChangedSettings],
) -> Context:
    chosen = replace(Settings(fixtures=directory / "fixtures"), **settings)
    return Context(
        settings=chosen,
        project=project_in(directory),
        session=session,
        mode=mode or mode_of(chosen, session),
        agent_path=Path(chosen.ngrok_path or directory / "home" / "ngrok"),
        ngrok_config=directory / "home" / "ngrok.yml",
        now=lambda: datetime.now(UTC),
        stop=stop or Shutdown(),
    )


def account_of(simulator: Simulator) -> ChangedSettings:
    """The settings that lead to a simulator."""
    return {"api_key": simulator.api_key, "api_secret": simulator.api_secret, "rest_host": simulator.host}


def leave_journal(directory: Path, our_url: str = OURS, *, former_url: str = "", pid: int = 1) -> Journal:
    """What a session writes down before it changes the account."""
    project = project_in(directory)
    project.prepare()
    journal = Journal("rest.nexmo.com", "abcd1234", former_url, our_url, SESSION.started_at, pid)
    write_journal(project.journal, journal)
    return journal


def outcomes(checks: Iterable[Check]) -> dict[str, str]:
    return {check.step: check.outcome for check in checks}


def find(checks: Iterable[Check], step: str) -> Check:
    (found,) = (check for check in checks if check.step == step)
    return found
