"""The state of a simulator: account, options, messages and deliveries, behind one lock."""

import hmac
import threading
from collections import deque
from collections.abc import Callable, Container
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from devkit.simulator.exchange import GivenCredentials
from devkit.simulator.options import Fault, SimulatorOptions
from devkit.simulator.outcomes import Network, Outcome
from devkit.simulator.scheduler import Action, Clock, Schedule
from devkit.webhook.callback import Transport


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused request. status: of the SMS API's table, or the HTTP status of the settings API. text: the reason."""

    status: int
    text: str
    api: Literal["sms", "settings"] = "sms"


@dataclass(frozen=True, slots=True)
class Account:
    """The account's settings and its balance in EUR. method: the transport of receipts.

    spelling: the parameter name with which the receipt URL was last set, correct or not; empty before that.
    """

    dr_callback_url: str = field(default="", repr=False)
    mo_callback_url: str = field(default="", repr=False)
    method: Transport = "get"
    balance: Decimal = Decimal(0)
    spelling: str = ""


def is_owner(given: GivenCredentials, options: SimulatorOptions) -> bool:
    """Whether these are the account's key and secret."""
    expected = f"{options.api_key}:{options.api_secret}".encode()
    return hmac.compare_digest(f"{given.api_key}:{given.api_secret}".encode("utf-8", "replace"), expected)


@dataclass(frozen=True, slots=True)
class Message:
    """One part of a sent SMS. at: when it was sent, simulated seconds since the epoch.

    callback_url: the one in the send request; empty for the account's.
    """

    message_id: str
    recipient: str
    sender: str
    text: str
    at: float
    network: Network
    outcome: Outcome
    client_ref: str = ""
    callback_url: str = ""

    def __repr__(self) -> str:
        return f"<Message {self.message_id}>"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to push one receipt.

    attempt: from 1. at: simulated seconds since the epoch. answer: the HTTP status; None without a response, then
    `problem` says why. retry_at: when the next attempt is due; None when there is none.
    sent_again: on a new connection, within this attempt: a reused connection ended before a response began.
    """

    message_id: str
    status: str
    err_code: str
    attempt: int
    at: float
    answer: int | None
    problem: str = ""
    retry_at: float | None = None
    sent_again: bool = False


_WINDOW = 1.0  # seconds


class Throttle:
    """Counts calls in a sliding window of one real second. Thread-safe."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._lock = threading.Lock()
        self._calls: deque[float] = deque()

    def wait(self, rate: int) -> int:
        """Milliseconds until a call is allowed; 0 allows this one and counts it.

        rate: calls in a second, 0 for no limit.
        """
        if not rate:
            return 0
        with self._lock:
            now = self._timer()
            while self._calls and self._calls[0] <= now - _WINDOW:
                self._calls.popleft()
            if len(self._calls) >= rate:
                return max(1, round((self._calls[0] + _WINDOW - now) * 1000))
            self._calls.append(now)
            return 0


@dataclass(frozen=True, slots=True)
class TlsHandshakeFailed:
    """A program ended a TLS handshake. reason: as OpenSSL names it. Reported once for each reason."""

    reason: str


# An Account: its settings were changed.
Occurrence = Message | Delivery | Refusal | Account | TlsHandshakeFailed

# Called in the thread in which it happens, so it must not block.
Observer = Callable[[Occurrence], None]


class History:
    """Messages and deliveries since the last reset, oldest first; the newest `size` of each."""

    def __init__(self, size: int) -> None:
        self.messages: deque[Message] = deque(maxlen=size)
        self.deliveries: deque[Delivery] = deque(maxlen=size)


class Simulator:
    """A running simulator: its account, its options, what was sent and delivered. Thread-safe.

    host: `127.0.0.1:PORT`. watch: called with each occurrence, in any thread.
    """

    def __init__(
        self, host: str, options: SimulatorOptions, clock: Clock, schedule: Schedule, watch: Observer
    ) -> None:
        self.host = host
        self.url = f"http://{host}"
        self.clock = clock
        self.watch = watch
        self._schedule = schedule
        self._initial = options
        self._lock = threading.RLock()
        self.reset()

    @property
    def api_key(self) -> str:
        return self.options.api_key

    @property
    def api_secret(self) -> str:
        return self.options.api_secret

    @property
    def messages(self) -> tuple[Message, ...]:
        """The parts that were sent, oldest first."""
        return tuple(self.history.messages.copy())

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """The attempts to push a receipt, oldest first."""
        return tuple(self.history.deliveries.copy())

    @property
    def due(self) -> int:
        """How many receipts are scheduled, retries included."""
        return len(self._schedule)

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no receipt is scheduled or being pushed; False after `timeout` real seconds."""
        return self._schedule.wait_idle(timeout)

    def reset(self) -> None:
        """Restore the initial options and account; forget messages, deliveries and scheduled receipts."""
        with self._lock:
            self.options = self._initial
            self.account = Account(
                self.options.callback_url, method=self.options.method, balance=self.options.balance
            )
            self.history = History(self.options.history_size)
            self._schedule.clear()
            self.throttle = Throttle(self.clock.real)
        self._follow_speed()

    def configure(self, change: Callable[[SimulatorOptions], SimulatorOptions]) -> None:
        """Replace the options with the result of `change`. The account gets a new method or balance too.

        `workers`, the timeouts and `history_size` have no effect here: their initial values stay.
        """
        with self._lock:
            before, self.options = self.options, change(self.options)
            if self.options.method != before.method:
                self.account = replace(self.account, method=self.options.method)
            if self.options.balance != before.balance:
                self.account = replace(self.account, balance=self.options.balance)
        self._follow_speed()

    def _follow_speed(self) -> None:
        self.clock.change_speed(self.options.speed)
        self._schedule.wake()

    # For the APIs of the platform:

    def change_account(self, change: Callable[[Account], Account]) -> Account:
        """Replace the account with the result of `change`."""
        with self._lock:
            self.account = change(self.account)
            return self.account

    def charge(self, cost: Decimal) -> Decimal | None:
        """Subtract the cost from the balance. The remaining balance; None when it does not cover the cost."""
        with self._lock:
            remaining = self.account.balance - cost
            if remaining < 0:
                return None
            self.account = replace(self.account, balance=remaining)
            return remaining

    def take_fault(self, names: Container[str]) -> Fault | None:
        """The first configured fault with one of these names. It is used up by one of its `times`."""
        with self._lock:
            found = next((fault for fault in self.options.faults if fault.name in names), None)
            if found is not None and found.times is not None:
                rest = [fault for fault in self.options.faults if fault is not found]
                left = [replace(found, times=found.times - 1)] if found.times > 1 else []
                self.options = replace(self.options, faults=(*left, *rest))
            return found

    def schedule(self, moment: float, action: Action, history: History) -> None:
        """Run the action at that moment, unless a reset has replaced this history."""
        with self._lock:
            if history is self.history:
                self._schedule.at(moment, action)
