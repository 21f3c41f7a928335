"""Sends a test message and waits for its receipts."""

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

DEMO_RECIPIENT = "447700900000"  # the simulator answers it with accepted, buffered, delivered


def send_demo(simulator: Credentials, callback: str, publish: Publish) -> None:
    """Send it, and tell so. callback: empty for the account's own."""
    try:
        ids = send_sms(
            simulator, to=DEMO_RECIPIENT, sender="devkit", text="Hello from devkit", callback=callback
        )
    except VonageError as error:
        publish(Notice(f"The demo message was not sent: {error.message}"))
    else:
        publish(Sent(ids, mask_number(DEMO_RECIPIENT)))


_SEPARATORS = str.maketrans("", "", " ().-")
_INTERNATIONAL = re.compile(r"[1-9]\d{6,14}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SendRoute:
    """The platform that takes a message, and the message's own callback.

    callback: empty when no session runs: then its receipts go to the account's callback.
    """

    mode: Literal["live", "offline"]
    credentials: Credentials
    callback: str = field(repr=False)


def choose_route(settings: Settings, session: Session | None) -> SendRoute:
    """The route of a message sent now. Raises ConfigurationError when there is none."""
    if session is None:
        return SendRoute("live", _account(settings), "")
    if session.mode == "offline":
        simulator = Credentials(session.api_key, session.api_secret, session.rest_host)
        return SendRoute("offline", simulator, session.callback_url)
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
    return SendRoute("live", _account(settings), session.callback_url)


def require_presence(session: Session) -> None:
    """Raise ConfigurationError when a session's receiver does not answer: what is sent would be lost."""
    if wrong := why_unreachable(local_callback_url(session)):
        raise ConfigurationError(
            f"The session of this directory does not record: {wrong}. Nothing was sent.",
            hint="Start it again: make dev",
        )


def choose_recipient(to: str, mode: Literal["live", "offline"]) -> str:
    """The recipient as Vonage wants it: digits alone, the country code first. Raises UsageError.

    to: as typed; empty for the simulator's own.
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


def _account(settings: Settings) -> Credentials:
    if settings.offline or not settings.has_credentials:
        raise ConfigurationError(
            "No session runs in this directory, so there is no simulator to send to.",
            hint="Start one in another terminal: make dev",
        )
    return Credentials(settings.api_key, settings.api_secret, settings.rest_host)


_POLL_INTERVAL = 0.1  # seconds between two looks
_QUIET = 20.0  # seconds after which a wait gets an explanation; most receipts have come by then
_SKEW = timedelta(minutes=1)  # a receipt can come before the answer, and a clock can be set back meanwhile

Reason = Literal["final", "stopped", "timeout", "session-ended"]


@dataclass(frozen=True, slots=True)
class ReceiptArrived(Event):
    """A receipt of the message was recorded to `file`.

    part: from 1. after_ms: since Vonage took the message, 0 for one that came before its answer.
    advice: what to do about its err-code. final: null when no document lists the status.
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
    """The waiting is over. Parts by what became of them: delivered, another final status, none yet."""

    name: ClassVar[str] = "waited"
    reason: Reason
    delivered: int
    failed: int
    open: int

    @property
    def exit_code(self) -> int:
        """1 when a part failed or none is known of in time; an end by Ctrl-C is the user's own."""
        given_up = bool(self.open) and self.reason != "stopped"
        return 1 if self.failed or given_up else 0


@dataclass(slots=True)
class PendingMessage:
    """A message by the ids of its parts, and the final status of each that has one."""

    ids: Sequence[str]
    sent_at: datetime
    ends: dict[str, str] = field(default_factory=dict)
    heard: bool = False

    def take(self, entry: Entry) -> ReceiptArrived | None:
        """What a recording says of the message; None when it is about another one."""
        named = {safe(message_id, 40) for message_id in self.ids}
        if safe(entry.message_id, 40) not in named:
            return None
        try:
            reading = load(entry.path).read()
        except FixtureError:  # it was deleted or edited meanwhile
            return None
        if not isinstance(reading, Receipt) or reading.message_id not in self.ids:
            return None
        self.heard = True
        status = STATUSES.get(reading.status)
        if status and status.final:
            self.ends.setdefault(reading.message_id, reading.status)
        return self._came(entry, reading)

    def waited(self, reason: Reason) -> WaitFinished:
        delivered = sum(status == "delivered" for status in self.ends.values())
        return WaitFinished(reason, delivered, len(self.ends) - delivered, len(self.ids) - len(self.ends))

    def quiet(self) -> Notice:
        """What to say when it takes long."""
        so_far = "Only intermediate receipts so far" if self.heard else "No receipt so far"
        return Notice(f"{so_far}. Some carriers never say more. Why that can be: devkit doctor --wait")

    def _came(self, entry: Entry, receipt: Receipt) -> ReceiptArrived:
        status, code = receipt.status, receipt.err_code
        known = STATUSES.get(status)
        return ReceiptArrived(
            file=str(entry.path),
            message_id=receipt.message_id,
            part=self.ids.index(receipt.message_id) + 1,
            status=one_line(status, 30),
            err_code=one_line(code, 30),
            meaning=meaning(one_line(code, 30), status),
            advice=ERR_CODES[code].advice if code in ERR_CODES else "",
            network=one_line(receipt.text("network-code"), 20),
            after_ms=max(0, int((entry.recorded_at - self.sent_at).total_seconds() * 1000)),
            final=known.final if known else None,
        )


def follow(
    ids: Sequence[str],
    sent_at: datetime,
    store: Store,
    stop: Shutdown,
    *,
    runs: Callable[[], bool],
    timeout: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[ReceiptArrived | Notice | WaitFinished]:
    """The receipts of a message as they come, a word when they do not, and at the end what became of it.

    runs: whether the session that records them still does. timeout: seconds; None to wait as long as it takes.
    """
    awaited, watch = PendingMessage(ids, sent_at), Watch(store, sent_at - _SKEW, clock)
    explain_at = clock() + _QUIET
    deadline = None if timeout is None else clock() + timeout
    while True:
        # Asked before the look, so that what a session recorded last is not missed.
        over = _over(stop, runs, deadline, clock)
        yield from filter(None, map(awaited.take, watch.poll()))
        if len(awaited.ends) == len(ids):
            over = "final"
        if over:
            yield awaited.waited(over)
            return
        if clock() >= explain_at:
            explain_at = math.inf
            yield awaited.quiet()
        stop.wait(_POLL_INTERVAL)


def _over(
    stop: Shutdown, runs: Callable[[], bool], deadline: float | None, clock: Callable[[], float]
) -> Reason | None:
    if stop():
        return "stopped"
    if not runs():
        return "session-ended"
    return "timeout" if deadline is not None and clock() >= deadline else None
