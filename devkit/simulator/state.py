"""The state of a simulator: account, messages, deliveries and throttling, behind one lock."""

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
from devkit.webhook.callback import Transport


@dataclass(frozen=True, slots=True)
class Refusal:
    """status: of the SMS API's table, or the HTTP status of the settings API. text: what the answer says."""

    status: int
    text: str
    api: Literal["sms", "settings"] = "sms"


# `httpForwardMethod` of the settings API. That POST_QUERY_PARAMS sends a form body is inferred from captures.
FORWARD_METHODS: dict[str, Transport] = {
    "GET_QUERY_PARAMS": "get",
    "POST_QUERY_PARAMS": "form",
    "POST_JSON": "json",
}


@dataclass(frozen=True, slots=True)
class Account:
    """balance: EUR. method: how receipts travel.

    spelling: the name under which the receipt URL was last sent, right or wrong; empty before the first time.
    """

    dr_callback_url: str = field(default="", repr=False)
    mo_callback_url: str = field(default="", repr=False)
    method: Transport = "get"
    balance: Decimal = Decimal(0)
    spelling: str = ""


def open_account(options: SimulatorOptions) -> Account:
    """The account as it is at the start and after a reset."""
    return Account(options.callback_url, method=options.method, balance=options.balance)


def is_owner(given: GivenCredentials, options: SimulatorOptions) -> bool:
    """Whether these are the account's key and secret."""
    expected = f"{options.api_key}:{options.api_secret}".encode()
    return hmac.compare_digest(f"{given.api_key}:{given.api_secret}".encode("utf-8", "replace"), expected)


@dataclass(frozen=True, slots=True)
class Message:
    """One part of a sent SMS. at: when it was sent, simulated seconds since the epoch.

    callback_url: the one that the send request named, else empty: then the account's counts.
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

    attempt: from 1. at: simulated seconds since the epoch. answer: the HTTP status, None when none came;
    then `problem` says why. retry_at: when it is tried again, None when it is not. sent_again: within this attempt, on
    a new connection, because one that was used before ended before an answer began.
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


class History:
    """Messages and deliveries in the order in which they happened. Appending is safe from any thread.

    watch: called with each, in the thread that appends.
    """

    def __init__(self, keep: int, watch: Callable[[Message | Delivery], None]) -> None:
        self._watch = watch
        self._messages: deque[Message] = deque(maxlen=keep)
        self._deliveries: deque[Delivery] = deque(maxlen=keep)

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(self._messages.copy())

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        return tuple(self._deliveries.copy())

    def add_message(self, message: Message) -> None:
        self._messages.append(message)
        self._watch(message)

    def add_delivery(self, delivery: Delivery) -> None:
        self._deliveries.append(delivery)
        self._watch(delivery)


_WINDOW = 1.0  # seconds


class Throttle:
    """Counts calls in a sliding window of one real second. Thread-safe."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._lock = threading.Lock()
        self._calls: deque[float] = deque()

    def wait(self, rate: int) -> int:
        """Milliseconds to wait before the next call; 0 when this one may pass and is counted.

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

    def reset(self) -> None:
        with self._lock:
            self._calls.clear()


@dataclass(frozen=True, slots=True)
class TlsHandshakeFailed:
    """A program broke a TLS handshake off. reason: what the TLS library calls it."""

    reason: str


# An Account is told after its settings were changed.
Occurrence = Message | Delivery | Refusal | Account | TlsHandshakeFailed

# Called in the thread in which it happens, which it must not hold up.
Observer = Callable[[Occurrence], None]


def each_distrust_once(watch: Observer) -> Observer:
    """Passes everything on, but each reason for distrust only once: a program may try again and again."""
    told: set[TlsHandshakeFailed] = set()

    def pass_on(occurrence: Occurrence) -> None:
        if isinstance(occurrence, TlsHandshakeFailed):
            if occurrence in told:
                return
            told.add(occurrence)
        watch(occurrence)

    return pass_on


def ignore_events(_: Occurrence) -> None:
    """Watch nothing."""


class SimulatorState:
    """Account, options, faults and ledger. Thread-safe. watch: called with what happens, in any thread."""

    def __init__(self, options: SimulatorOptions, watch: Observer) -> None:
        self.watch = watch
        self._lock = threading.RLock()
        self._initial = options
        self.reset()

    def reset(self) -> None:
        """Back to the start, with another ledger."""
        with self._lock:
            self.options = self._initial
            self.account = open_account(self.options)
            self.history = History(self.options.keep, self.watch)

    def if_current(self, history: History, action: Callable[[], None]) -> None:
        """Do it unless a reset has replaced the ledger; no reset comes in between."""
        with self._lock:
            if history is self.history:
                action()

    def change_account(self, change: Callable[[Account], Account]) -> Account:
        """Replace the account by what `change` makes of it."""
        with self._lock:
            self.account = change(self.account)
            return self.account

    def change_options(self, change: Callable[[SimulatorOptions], SimulatorOptions]) -> None:
        """Replace the options. A new method or balance goes to the account too."""
        with self._lock:
            before, self.options = self.options, change(self.options)
            if self.options.method != before.method:
                self.account = replace(self.account, method=self.options.method)
            if self.options.balance != before.balance:
                self.account = replace(self.account, balance=self.options.balance)

    def charge(self, cost: Decimal) -> Decimal | None:
        """Take the cost from the balance; what remains, or None when there is not enough."""
        with self._lock:
            remaining = self.account.balance - cost
            if remaining < 0:
                return None
            self.account = replace(self.account, balance=remaining)
            return remaining

    def take_fault(self, names: Container[str]) -> Fault | None:
        """The first fault of these names, which is used up by one."""
        with self._lock:
            found = next((fault for fault in self.options.faults if fault.name in names), None)
            if found is not None and found.times is not None:
                rest = [fault for fault in self.options.faults if fault is not found]
                left = [replace(found, times=found.times - 1)] if found.times > 1 else []
                self.options = replace(self.options, faults=(*left, *rest))
            return found
