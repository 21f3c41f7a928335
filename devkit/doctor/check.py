"""What one step of an examination says."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from devkit.errors import DevkitError
from devkit.event import Event

Outcome = Literal["ok", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Check(Event):
    """One step. step: its name. what: what was found, or why the step was skipped. hint: what to type, if anything."""

    name: ClassVar[str] = "check"
    step: str
    outcome: Outcome
    what: str
    hint: str = ""


def ok(step: str, what: str, hint: str = "") -> Check:
    return Check(step, "ok", what, hint)


def failed(step: str, what: str, hint: str) -> Check:
    return Check(step, "failed", what, hint)


def skipped(step: str, why: str, hint: str = "") -> Check:
    return Check(step, "skipped", why, hint)


def refused(step: str, error: DevkitError) -> Check:
    """A step that failed with an error for users, in the error's own words."""
    return failed(step, error.message, error.hint)
