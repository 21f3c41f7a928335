"""Waits for a receipt, and names the reasons when none arrives."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from devkit.doctor.check import Check, Context, failed, ok
from devkit.doctor.connectivity import public_check
from devkit.doctor.machine import receiver_check, session_check
from devkit.doctor.platform import platform_checks
from devkit.errors import FixtureError
from devkit.events import Event
from devkit.fixture.format import load
from devkit.fixture.listing import Watch
from devkit.fixture.store import Entry
from devkit.webhook.masking import one_line
from devkit.webhook.receipt import Receipt
from devkit.webhook.vocabulary import STATUSES, meaning

# Sources: Vonage's support articles 204014863 (which carriers give receipts) and 115007053127 (72 hours), its guides
# "Delivery Receipts" and "Troubleshooting" of the SMS API, and its reference for the `callback` parameter.
NO_RECEIPT_REASONS = (
    "Carriers send receipts when they like: after seconds, hours, or never.",
    "Some report what their own network did, not what the phone did.",
    "`accepted` can be the last word: US long codes and unregistered short codes often give no more.",
    "Some destinations give none at all, such as Google Voice numbers.",
    "In the Philippines nothing comes for 72 hours, and then `expired`.",
    "After 72 hours without a final receipt Vonage itself says `expired`, and drops what the carrier says later.",
    "A message with its own `callback` has its receipts sent there, not to the account's callback.",
    "A message sent with status-report-req=false has none.",
    "An account has one callback. Another developer, or a deployment, may have set theirs meanwhile.",
    "With the Messages API chosen in the dashboard, the account sends statuses of another form instead of receipts.",
    "A trial account sends only to test numbers; other messages are refused with status 29 and have no receipt.",
)


@dataclass(frozen=True, slots=True)
class NoReceiptReason(Event):
    """What is said before the doctor waits."""

    name: ClassVar[str] = "silence"
    reasons: tuple[str, ...] = NO_RECEIPT_REASONS


# Seconds between two rounds. Each is one request through the tunnel; ngrok's free plan counts 20,000 a month.
_EVERY = 30.0
_POLL_INTERVAL = 0.2  # seconds between two looks at the recordings
_STEP = "receipt"


@dataclass(frozen=True, slots=True)
class Heartbeat(Event):
    """The way was looked at once more. failed: the steps that are not well. waited: seconds so far."""

    name: ClassVar[str] = "round"
    waited: int
    failed: tuple[str, ...]


def wait_for_receipt(
    case: Context, *, timeout: float | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Check | Heartbeat]:
    """Steps that have changed since they were last told, a word for each round, and at the end the receipt that came.

    Ends with the first recording, when the time is over (seconds; a failed check), or when the user stops it.
    """
    watch, started = Watch(case.store, case.now(), clock), clock()
    told: dict[str, Check] = {}
    due = started
    while not case.stop():
        if news := watch.poll():
            yield _arrived(news[0])
            return
        if clock() >= due:
            due = clock() + _EVERY
            checks = list(_heartbeat(case))
            yield from (check for check in checks if told.get(check.step) != check)
            told = {check.step: check for check in checks}
            yield Heartbeat(int(clock() - started), tuple(c.step for c in checks if c.outcome == "failed"))
        if timeout is not None and clock() - started >= timeout:
            yield failed(_STEP, f"none came within {timeout:g} s", "Send a message: devkit send --wait")
            return
        case.stop.wait(_POLL_INTERVAL)


def _heartbeat(case: Context) -> Iterator[Check]:
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
