"""The whole examination: one step after the other, each told as soon as it is known."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from devkit.doctor.check import Check, Context, Mode, mode_of
from devkit.doctor.connectivity import offline_checks, way_checks
from devkit.doctor.machine import leftover_checks, machine_checks, recording_checks, session_check
from devkit.doctor.platform import platform_checks
from devkit.doctor.settings import try_settings
from devkit.events import Event
from devkit.session.project import project_in
from devkit.session.settings import Settings
from devkit.session.signals import Shutdown
from devkit.tunnel.pyngrok_driver import default_agent_path, default_config

_GROUPS: tuple[Callable[[Context], Iterator[Check]], ...] = (
    offline_checks,
    platform_checks,
    recording_checks,
    way_checks,
    machine_checks,
    leftover_checks,
)


@dataclass(frozen=True, slots=True)
class DoctorSummary(Event):
    """The end of an examination. The numbers are those of steps; mode as in Case."""

    name: ClassVar[str] = "diagnosis"
    ok: int
    failed: int
    skipped: int
    mode: Mode
    summary: str


def open_context(
    environ: Mapping[str, str], directory: Path, stop: Shutdown, now: Callable[[], datetime]
) -> tuple[Context, list[Check]]:
    """What is to be examined in a directory, and what its settings say."""
    settings, checks = try_settings(environ, directory)
    project = project_in(directory)
    session = project.session()
    usable = settings or Settings(fixtures=directory / "fixtures")
    mode: Mode = "unknown" if settings is None else mode_of(usable, session)
    agent_path = Path(usable.ngrok_path) if usable.ngrok_path else default_agent_path()
    agent_path = agent_path.expanduser().absolute()
    return Context(usable, project, session, mode, agent_path, default_config(), now, stop), checks


def run_checks(case: Context) -> Iterator[Check]:
    """Each step, in order; no more of them once it is time to stop."""
    yield session_check(case)
    for group in _GROUPS:
        for check in group(case):
            yield check
            if case.stop():
                return


def diagnose(checks: list[Check], case: Context) -> DoctorSummary:
    """What the steps come to."""
    count = {
        outcome: sum(check.outcome == outcome for check in checks) for outcome in ("ok", "failed", "skipped")
    }
    return DoctorSummary(**count, mode=case.mode, summary=_summary(count["failed"], case))


def _summary(failures: int, case: Context) -> str:
    if failures:
        return f"{failures} failed: begin with the first, the others may follow from it."
    if case.stop():
        return "Stopped before the end; nothing had failed until then."
    if case.session:
        return "The session is well. Send a message: devkit send --wait"
    if case.mode == "offline":
        return "Offline mode is ready, no account needed: make dev"
    return "All is well: make dev"
