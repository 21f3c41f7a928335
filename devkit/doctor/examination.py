"""The whole examination: one step after the other, each told as soon as it is known."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from devkit.doctor.case import Case, Mode, mode_of
from devkit.doctor.check import Check
from devkit.doctor.leftover import leftover_checks
from devkit.doctor.machine import machine_checks, session_check
from devkit.doctor.platform import platform_checks
from devkit.doctor.recording import recording_checks
from devkit.doctor.rehearsal import offline_checks
from devkit.doctor.setting import try_settings
from devkit.doctor.way import way_checks
from devkit.event import Event
from devkit.session import project_in
from devkit.settings import Settings
from devkit.stop import Stop
from devkit.tunnel.driver import default_agent_path, default_config

_GROUPS: tuple[Callable[[Case], Iterator[Check]], ...] = (
    offline_checks,
    platform_checks,
    recording_checks,
    way_checks,
    machine_checks,
    leftover_checks,
)


@dataclass(frozen=True, slots=True)
class Diagnosis(Event):
    """The end of an examination. The numbers are those of steps; mode as in Case."""

    name: ClassVar[str] = "diagnosis"
    ok: int
    failed: int
    skipped: int
    mode: Mode
    summary: str


def open_case(
    environ: Mapping[str, str], directory: Path, stop: Stop, now: Callable[[], datetime]
) -> tuple[Case, list[Check]]:
    """What is to be examined in a directory, and what its settings say."""
    settings, checks = try_settings(environ, directory)
    project = project_in(directory)
    session = project.session()
    usable = settings or Settings(fixtures=directory / "fixtures")
    mode: Mode = "unknown" if settings is None else mode_of(usable, session)
    agent_path = Path(usable.ngrok_path) if usable.ngrok_path else default_agent_path()
    agent_path = agent_path.expanduser().absolute()
    return Case(usable, project, session, mode, agent_path, default_config(), now, stop), checks


def examine(case: Case) -> Iterator[Check]:
    """Each step, in order; no more of them once it is time to stop."""
    yield session_check(case)
    for group in _GROUPS:
        for check in group(case):
            yield check
            if case.stop():
                return


def diagnose(checks: list[Check], case: Case) -> Diagnosis:
    """What the steps come to."""
    count = {
        outcome: sum(check.outcome == outcome for check in checks) for outcome in ("ok", "failed", "skipped")
    }
    return Diagnosis(**count, mode=case.mode, summary=_summary(count["failed"], case))


def _summary(failures: int, case: Case) -> str:
    if failures:
        return f"{failures} failed: begin with the first, the others may follow from it."
    if case.stop():
        return "Stopped before the end; nothing had failed until then."
    if case.session:
        return "The session is well. Send a message: devkit send --wait"
    if case.mode == "offline":
        return "Offline mode is ready, no account needed: make dev"
    return "All is well: make dev"
