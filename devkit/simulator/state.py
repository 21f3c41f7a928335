"""The state of a simulator: account, options, messages and deliveries, behind one lock."""

import threading
from collections import deque
from collections.abc import Callable, Container
from dataclasses import replace
from decimal import Decimal

from devkit.http.client import Push
from devkit.simulator.application_key import default_private_key, public_key_of
from devkit.simulator.occurrences import (
    Account,
    Delivery,
    InboundMessage,
    InboundText,
    Message,
    Observer,
)
from devkit.simulator.options import Fault, SimulatorOptions
from devkit.simulator.resources import Application, Number, Resources, make_application, make_number
from devkit.simulator.scheduler import Action, Clock, Schedule

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


class History:
    """Messages and deliveries since the last reset, oldest first; the newest `size` of each."""

    def __init__(self, size: int) -> None:
        self.messages: deque[Message] = deque(maxlen=size)
        self.inbound: deque[InboundMessage] = deque(maxlen=size)
        self.deliveries: deque[Delivery] = deque(maxlen=size)


class Simulator:
    """A running simulator: its account, its options, what was sent and delivered. Thread-safe.

    host: `127.0.0.1:PORT`. push: sends a webhook. receive: has the webhooks of a text pushed.
    watch: called with each occurrence, in any thread.
    """

    def __init__(
        self,
        host: str,
        options: SimulatorOptions,
        clock: Clock,
        schedule: Schedule,
        *,
        push: Push,
        receive: "Receive",
        watch: Observer,
    ) -> None:
        self.host = host
        self.url = f"http://{host}"
        self.clock = clock
        self.push = push
        self.watch = watch
        self._receive = receive
        self._schedule = schedule
        self._initial = options
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self.reset()

    @property
    def api_key(self) -> str:
        return self.options.api_key

    @property
    def api_secret(self) -> str:
        return self.options.api_secret

    @property
    def application_id(self) -> str:
        """The application that is there at the start."""
        return self.options.application_id

    @property
    def private_key(self) -> str:
        """The private key of that application, as PEM."""
        return self.options.private_key or default_private_key()

    @property
    def applications(self) -> list[Application]:
        """The applications as the Applications API shows them."""
        return self.resources.applications

    @property
    def messages(self) -> tuple[Message, ...]:
        """The parts and messages that were sent, oldest first."""
        return tuple(self.history.messages.copy())

    @property
    def inbound(self) -> tuple[InboundMessage, ...]:
        """The texts that were sent to the account's numbers, oldest first."""
        return tuple(self.history.inbound.copy())

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """The attempts to push a webhook, oldest first."""
        return tuple(self.history.deliveries.copy())

    @property
    def due(self) -> int:
        """How many webhooks are scheduled, retries included."""
        return len(self._schedule)

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no webhook is scheduled or being pushed; False after `timeout` real seconds."""
        return self._schedule.wait_idle(timeout)

    def receive(self, text: InboundText) -> InboundMessage:
        """Send a text to a number of the account, which has its webhooks pushed. Raises ConfigurationError."""
        return self._receive(text, self)

    def reset(self) -> None:
        """Restore the initial options, account, applications and numbers; forget all messages and webhooks."""
        with self._lock:
            self.options = self._initial
            self.account = Account(
                self.options.callback_url,
                self.options.inbound_url,
                method=self.options.method,
                balance=self.options.balance,
            )
            self._first_token = ""
            self.resources = Resources(self._first_application, self._first_numbers())
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

    def _first_application(self) -> Application:
        return make_application(
            self.application_id,
            "devkit simulator",
            public_key_of(self.private_key),
            inbound_url=self.options.inbound_url,
            status_url=self.options.callback_url,
        )

    def _first_numbers(self) -> list[Number]:
        return [make_number(msisdn, self.application_id) for msisdn in self.options.numbers]

    def _follow_speed(self) -> None:
        self.clock.change_speed(self.options.speed)
        self._schedule.wake()

    def close(self) -> None:
        """End all calls of `wait`."""
        self._closed.set()

    # For the APIs of the platform:

    def wait(self, seconds: float) -> None:
        """Wait so many real seconds, or until the simulator ends."""
        self._closed.wait(seconds)

    def change_account(self, change: Callable[[Account], Account]) -> Account:
        """Replace the account with the result of `change`."""
        with self._lock:
            self.account = change(self.account)
            return self.account

    def first_token(self, token: str) -> str:
        """The token with which this was first called since the last reset."""
        with self._lock:
            self._first_token = self._first_token or token
            return self._first_token

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


Receive = Callable[[InboundText, Simulator], InboundMessage]
