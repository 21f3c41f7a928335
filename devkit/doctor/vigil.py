"""Waits for a receipt and keeps an eye on the way that it must come."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from devkit.doctor.case import Case
from devkit.doctor.check import Check, failed, ok
from devkit.doctor.machine import receiver_check, session_check
from devkit.doctor.platform import platform_checks
from devkit.doctor.way import public_check
from devkit.errors import FixtureError
from devkit.event import Event
from devkit.fixture import load
from devkit.receipt import Receipt
from devkit.redact import one_line
from devkit.send.watch import Watch
from devkit.store import Entry
from devkit.vocabulary import STATUSES, meaning

# Seconds between two rounds. Each is one request through the tunnel; ngrok's free plan counts 20,000 a month.
_EVERY = 30.0
_GLANCE = 0.2  # seconds between two looks at the recordings
_STEP = "receipt"


@dataclass(frozen=True, slots=True)
class Round(Event):
    """The way was looked at once more. failed: the steps that are not well. waited: seconds so far."""

    name: ClassVar[str] = "round"
    waited: int
    failed: tuple[str, ...]


def keep_vigil(
    case: Case, *, timeout: float | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Check | Round]:
    """Steps that have changed since they were last told, a word for each round, and at the end the receipt that came.

    Ends with the first recording, when the time is over (seconds; a failed check), or when the user stops it.
    """
    watch, started = Watch(case.store, case.now(), clock), clock()
    told: dict[str, Check] = {}
    due = started
    while not case.stop():
        if news := watch.news():
            yield _arrived(news[0])
            return
        if clock() >= due:
            due = clock() + _EVERY
            checks = list(_round(case))
            yield from (check for check in checks if told.get(check.step) != check)
            told = {check.step: check for check in checks}
            yield Round(int(clock() - started), tuple(c.step for c in checks if c.outcome == "failed"))
        if timeout is not None and clock() - started >= timeout:
            yield failed(_STEP, f"none came within {timeout:g} s", "Send a message: devkit send --wait")
            return
        case.stop.wait(_GLANCE)


def _round(case: Case) -> Iterator[Check]:
    now = replace(case, session=case.project.session())
    session = session_check(now)
    yield session if now.session else failed(session.step, session.what, "In another terminal: make dev")
    if now.session is None:
        return
    yield receiver_check(now)
    yield public_check(now)
    # Whose callback the account holds; how long the answer took is no news.
    yield from (
        check for check in platform_checks(now) if check.step == "callback" or check.outcome == "failed"
    )


def _arrived(entry: Entry) -> Check:
    try:
        reading = load(entry.path).read()
    except FixtureError as error:
        return failed(_STEP, error.message, error.hint)
    if not isinstance(reading, Receipt):
        return failed(
            _STEP, f"something came that is no receipt: {reading.problem}", f"devkit show {entry.path.name}"
        )
    known = STATUSES.get(reading.status)
    rest = "" if known and known.final else "; more may follow, or not"
    words = f"{one_line(reading.status, 30)} ({one_line(meaning(reading.err_code, reading.status), 60)})"
    return ok(_STEP, f"one came: {words}{rest}", f"devkit show {entry.path.name}")
