"""Waits for a receipt, and names the reasons when none arrives."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from devkit.doctor.check import Check, Context, failed, ok, refused
from devkit.doctor.connectivity import public_check
from devkit.doctor.machine import receiver_check, session_check
from devkit.doctor.platform import platform_checks
from devkit.errors import FixtureError
from devkit.events import Event
from devkit.fixture.format import load
from devkit.fixture.listing import Watch
from devkit.fixture.store import Entry
from devkit.webhook.masking import one_line
from devkit.webhook.receipt import Unreadable, meaning
from devkit.webhook.vocabulary import IS_FINAL

# Sources: Vonage's support articles 204014863 (which carriers give receipts) and 115007053127 (72 hours), its guides
# "Delivery Receipts" and "Troubleshooting" of the SMS API, and its reference for the `callback` parameter.
NO_RECEIPT_REASONS = (
    "Carriers send receipts at a time of their choice: after seconds, hours, or never.",
    "Some report what their own network did, not what the phone did.",
    "`accepted` can be the last receipt: US long codes and unregistered short codes often send no other.",
    "Some destinations send none at all, such as Google Voice numbers.",
    "In the Philippines no receipt comes for 72 hours, and then `expired`.",
    "After 72 hours without a final receipt Vonage itself sends `expired`, and drops later receipts of the carrier.",
    "A message with its own `callback` has its receipts sent there, not to the account's callback.",
    "A message sent with status-report-req=false has none.",
    "An account has one callback. Another developer, or a deployment, may have changed it meanwhile.",
    "With the Messages API chosen in the dashboard, the account sends statuses in another format instead of receipts.",
    "A trial account sends only to test numbers; other messages are refused with status 29 and have no receipt.",
)


@dataclass(frozen=True, slots=True)
class NoReceiptReason(Event):
    """Shown before the doctor waits."""

    name: ClassVar[str] = "silence"
    reasons: tuple[str, ...] = NO_RECEIPT_REASONS


# Seconds between two rounds. Each is one request through the tunnel; ngrok's free plan counts 20,000 a month.
_HEARTBEAT = 30.0
_POLL_INTERVAL = 0.2  # seconds


@dataclass(frozen=True, slots=True)
class Heartbeat(Event):
    """A round of checks while the doctor waits. failed: the steps that failed. waited: seconds so far."""

    name: ClassVar[str] = "round"
    waited: int
    failed: tuple[str, ...]


def wait_for_receipt(
    context: Context, *, timeout: float | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Check | Heartbeat]:
    """Steps whose result has changed, a heartbeat for each round, and at the end the receipt that arrived.

    Ends with the first recording, after `timeout` seconds with a failed check, or when a shutdown is requested.
    """
    watch, started = Watch(context.store, context.now(), clock), clock()
    known: dict[str, Check] = {}
    due = started
    while not context.stop():
        if new := watch.poll():
            yield _arrived(new[0])
            return
        if clock() >= due:
            due = clock() + _HEARTBEAT
            checks = list(_heartbeat(context))
            yield from (check for check in checks if known.get(check.step) != check)
            known = {check.step: check for check in checks}
            yield Heartbeat(int(clock() - started), tuple(c.step for c in checks if c.outcome == "failed"))
        if timeout is not None and clock() - started >= timeout:
            yield failed(
                "receipt", f"none arrived within {timeout:g} s", "Send a message: devkit send --wait"
            )
            return
        context.stop.wait(_POLL_INTERVAL)


def _heartbeat(context: Context) -> Iterator[Check]:
    context = replace(context, session=context.project.session())
    session = session_check(context)
    if context.session is None:
        yield failed(session.step, session.what, "In another terminal: devkit dev")
        return
    yield session
    yield receiver_check(context)
    yield public_check(context)
    # The other steps that passed differ in each round, as in how long the answer took.
    yield from (
        check for check in platform_checks(context) if check.step == "callback" or check.outcome == "failed"
    )


def _arrived(entry: Entry) -> Check:
    show = f"devkit show {entry.path.name}"
    try:
        webhook = load(entry.path).read()
    except FixtureError as error:
        return refused("receipt", error)
    if isinstance(webhook, Unreadable) or webhook.kind == "unknown":
        return failed("receipt", f"a request arrived that is not a receipt: {webhook.problem}", show)
    if webhook.kind.endswith("inbound"):
        return ok("receipt", "an inbound message arrived, so requests of Vonage's come here", show)
    what = "one" if webhook.kind == "sms-receipt" else "a status of the Messages API"
    rest = "" if IS_FINAL.get(webhook.status) else "; more may follow"
    why = one_line(meaning(webhook.err_code, webhook.status), 60)
    found = f"{one_line(webhook.status, 30)} ({why})" if why else one_line(webhook.status, 30)
    return ok("receipt", f"{what} arrived: {found}{rest}", show)
