"""All steps of the doctor in order, each published as soon as its result is known."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from devkit.doctor.callback_urls import application_checks
from devkit.doctor.check import Check, Context, Mode, mode_of
from devkit.doctor.connectivity import connectivity_checks, offline_checks
from devkit.doctor.machine import leftover_checks, machine_checks, session_check, settings_checks
from devkit.doctor.platform import platform_checks, recording_checks
from devkit.events import Event
from devkit.session.project import project_in
from devkit.session.settings import Settings
from devkit.session.signals import Shutdown
from devkit.tunnel.pyngrok_driver import default_agent_path, default_config

_GROUPS: tuple[Callable[[Context], Iterator[Check]], ...] = (
    offline_checks,
    platform_checks,
    application_checks,
    recording_checks,
    connectivity_checks,
    machine_checks,
    leftover_checks,
)
_WITH_NETWORK = (platform_checks, application_checks, connectivity_checks)


@dataclass(frozen=True, slots=True)
class DoctorSummary(Event):
    """The numbers of steps by outcome. mode: as in `Context`."""

    name: ClassVar[str] = "diagnosis"
    ok: int
    failed: int
    skipped: int
    mode: Mode
    summary: str


def open_context(
    environ: Mapping[str, str], directory: Path, stop: Shutdown, now: Callable[[], datetime]
) -> tuple[Context, list[Check]]:
    """The context for a directory, and the checks of its settings."""
    settings, checks = settings_checks(environ, directory)
    project = project_in(directory)
    session = project.session()
    usable = settings or Settings(fixtures=directory / "fixtures")
    mode: Mode = "unknown" if settings is None else mode_of(usable, session)
    agent_path = Path(usable.ngrok_path) if usable.ngrok_path else default_agent_path()
    agent_path = agent_path.expanduser().absolute()
    return Context(usable, project, session, mode, agent_path, default_config(), now, stop), checks


def run_checks(context: Context, *, network: bool = True) -> Iterator[Check]:
    """Each step in order, until a shutdown is requested. network: without it, only what this machine can say."""
    yield session_check(context)
    for group in _GROUPS:
        if group in _WITH_NETWORK and not network:
            continue
        for check in group(context):
            yield check
            if context.stop():
                return


def summarize(checks: list[Check], context: Context) -> DoctorSummary:
    ok, failed, skipped = (
        sum(check.outcome == outcome for check in checks) for outcome in ("ok", "failed", "skipped")
    )
    if failed:
        summary = f"{failed} failed: begin with the first, the others may follow from it."
    elif context.stop():
        summary = "Stopped before the end; nothing had failed until then."
    elif context.session:
        summary = "Session OK. Send a message: devkit send --wait"
    elif context.mode == "offline":
        summary = "Offline mode is ready, no account needed: devkit dev"
    else:
        summary = "Everything OK: devkit dev"
    return DoctorSummary(ok, failed, skipped, context.mode, summary)
