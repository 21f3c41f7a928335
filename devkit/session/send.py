"""Sends a test message, and waits for its receipts."""

import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from devkit.errors import ConfigurationError, FixtureError, UsageError, VonageError
from devkit.events import Event, Notice, Publish
from devkit.events.session import Sent
from devkit.fixture.format import load
from devkit.fixture.listing import Watch
from devkit.fixture.store import Entry, Store, safe
from devkit.session.project import Session
from devkit.session.reachability import local_callback_url, why_unreachable
from devkit.session.settings import Settings
from devkit.session.signals import Shutdown
from devkit.simulator.outcomes import OFFLINE_RECIPIENT
from devkit.vonage.client import Credentials
from devkit.vonage.sms import send_sms
from devkit.webhook.masking import mask_number, one_line
from devkit.webhook.receipt import Receipt
from devkit.webhook.vocabulary import ERR_CODES, STATUSES, meaning

_SEPARATORS = str.maketrans("", "", " ().-")
_INTERNATIONAL = re.compile(r"[1-9]\d{6,14}", re.ASCII)


def send_demo(simulator: Credentials, callback: str, publish: Publish) -> None:
    """Send a demo message to the simulator. callback: empty for the account's own."""
    try:
        ids = send_sms(
            simulator, to=OFFLINE_RECIPIENT, sender="devkit", text="Hello from devkit", callback=callback
        )
    except VonageError as error:
        publish(Notice(f"The demo message was not sent: {error.message}"))
    else:
        publish(Sent(ids, mask_number(OFFLINE_RECIPIENT)))


@dataclass(frozen=True, slots=True)
class SendRoute:
    """The account that sends a message, and the message's own callback.

    callback: empty when no session runs: its receipts then go to the account's callback.
    """

    mode: Literal["live", "offline"]
    credentials: Credentials
    callback: str = field(repr=False)


def choose_route(settings: Settings, session: Session | None) -> SendRoute:
    """The route of a message sent now. Raises ConfigurationError when there is none."""
    if session and session.mode == "offline":
        return SendRoute("offline", session.simulator_credentials, session.callback_url)
    if session is None and (settings.offline or not settings.has_credentials):
        raise ConfigurationError(
            "No session runs in this directory, so there is no simulator to send to.",
            hint="Start one in another terminal: make dev",
        )
    if settings.offline:
        raise ConfigurationError(
            "The session of this directory is live, but DEVKIT_OFFLINE is set: no real message is sent.",
            hint="Remove DEVKIT_OFFLINE, or start the session again: make dev OFFLINE=1",
        )
    if not settings.has_credentials:
        raise ConfigurationError(
            "The session of this directory is live, but there are no credentials to send with.",
            hint="Put VONAGE_API_KEY and VONAGE_API_SECRET into .env, as when the session was started.",
        )
    return SendRoute("live", settings.credentials, session.callback_url if session else "")


def require_receiver(session: Session) -> None:
    """Raise ConfigurationError when the session's receiver does not answer: receipts would be lost."""
    if problem := why_unreachable(local_callback_url(session)):
        raise ConfigurationError(
            f"The session of this directory does not record: {problem}. Nothing was sent.",
            hint="Start it again: make dev",
        )


def choose_recipient(to: str, mode: Literal["live", "offline"]) -> str:
    """The recipient in Vonage's format: only digits, the country code first. Raises UsageError.

    to: as typed; empty for the simulator's default.
    """
    if not to and mode == "offline":
        return OFFLINE_RECIPIENT
    if not to:
        raise UsageError(
            "A real message needs a recipient.",
            hint="Name one of your own numbers: devkit send --to 447700900000",
        )
    number = to.translate(_SEPARATORS).removeprefix("+")
    if not _INTERNATIONAL.fullmatch(number):
        raise UsageError(
            "The recipient in --to is not an international phone number.",
            hint="Write the country code first, without 00: --to 447700900000",
        )
    return number


_POLL_INTERVAL = 0.1  # seconds
_NOTICE_AFTER = 20.0  # seconds; most receipts have arrived by then
_CLOCK_TOLERANCE = timedelta(minutes=1)  # a receipt can arrive before the answer, and a clock can be set back

Reason = Literal["final", "stopped", "timeout", "session-ended"]


@dataclass(frozen=True, slots=True)
class ReceiptArrived(Event):
    """A receipt of the message was recorded to `file`.

    part: from 1. after_ms: since Vonage took the message; 0 for a receipt that arrived before that answer.
    advice: what to do about its err-code. final: null for an undocumented status.
    """

    name: ClassVar[str] = "receipt"
    file: str
    message_id: str
    part: int
    status: str
    err_code: str
    meaning: str
    advice: str
    network: str
    after_ms: int
    final: bool | None


@dataclass(frozen=True, slots=True)
class WaitFinished(Event):
    """The wait is over. Numbers of parts: delivered, with another final status, without one."""

    name: ClassVar[str] = "waited"
    reason: Reason
    delivered: int
    failed: int
    open: int

    @property
    def exit_code(self) -> int:
        """1 when a part failed or has no final status in time; after Ctrl-C only the failed parts count."""
        given_up = bool(self.open) and self.reason != "stopped"
        return 1 if self.failed or given_up else 0


@dataclass(slots=True)
class PendingMessage:
    """A message by the ids of its parts. final: the final status of each part that has one."""

    ids: Sequence[str]
    sent_at: datetime
    final: dict[str, str] = field(default_factory=dict)
    has_receipt: bool = False

    def match(self, entry: Entry) -> ReceiptArrived | None:
        """The event for a recording; None when it is not a receipt of this message."""
        if safe(entry.message_id, 40) not in {safe(message_id, 40) for message_id in self.ids}:
            return None
        try:
            receipt = load(entry.path).read()
        except FixtureError:  # it was deleted or edited meanwhile
            return None
        if not isinstance(receipt, Receipt) or receipt.message_id not in self.ids:
            return None
        self.has_receipt = True
        code, known = receipt.err_code, STATUSES.get(receipt.status)
        if known and known.final:
            self.final.setdefault(receipt.message_id, receipt.status)
        return ReceiptArrived(
            file=str(entry.path),
            message_id=receipt.message_id,
            part=self.ids.index(receipt.message_id) + 1,
            status=one_line(receipt.status, 30),
            err_code=one_line(code, 30),
            meaning=meaning(one_line(code, 30), receipt.status),
            advice=ERR_CODES[code].advice if code in ERR_CODES else "",
            network=one_line(receipt.text("network-code"), 20),
            after_ms=max(0, int((entry.recorded_at - self.sent_at).total_seconds() * 1000)),
            final=known.final if known else None,
        )

    def finished(self, reason: Reason) -> WaitFinished:
        delivered = sum(status == "delivered" for status in self.final.values())
        return WaitFinished(reason, delivered, len(self.final) - delivered, len(self.ids) - len(self.final))

    def delay_notice(self) -> Notice:
        so_far = "Only intermediate receipts so far" if self.has_receipt else "No receipt so far"
        return Notice(f"{so_far}. Some carriers never send more. For the reasons: devkit doctor --wait")


def wait_for_receipts(
    ids: Sequence[str],
    sent_at: datetime,
    store: Store,
    stop: Shutdown,
    *,
    session_runs: Callable[[], bool],
    timeout: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[ReceiptArrived | Notice | WaitFinished]:
    """The receipts of a message as they arrive, a notice if that takes long, and the result at the end.

    session_runs: whether the session that records them still runs. timeout: seconds; None for no limit.
    """
    message, watch = PendingMessage(ids, sent_at), Watch(store, sent_at - _CLOCK_TOLERANCE, clock)
    started = clock()
    notice_at = started + _NOTICE_AFTER
    reason: Reason | None
    while True:
        # Before the recordings are read, so that the last recording of a session is not missed.
        if stop():
            reason = "stopped"
        elif not session_runs():
            reason = "session-ended"
        else:
            reason = "timeout" if timeout is not None and clock() >= started + timeout else None
        yield from filter(None, map(message.match, watch.poll()))
        if len(message.final) == len(ids):
            reason = "final"
        if reason:
            yield message.finished(reason)
            return
        if clock() >= notice_at:
            notice_at = math.inf
            yield message.delay_notice()
        stop.wait(_POLL_INTERVAL)
