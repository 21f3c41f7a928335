"""A running simulator, for programs in the same process and for its own control surface."""

from collections.abc import Callable

from devkit.simulator.options import SimulatorOptions
from devkit.simulator.scheduler import Clock, Schedule
from devkit.simulator.sms_api import Sms
from devkit.simulator.state import Account, Delivery, Message


class Simulator:
    """What the platform holds and does. Thread-safe."""

    def __init__(self, host: str, sms: Sms, schedule: Schedule) -> None:
        self.host = host
        self.url = f"http://{host}"
        self._sms = sms
        self._schedule = schedule

    @property
    def clock(self) -> Clock:
        return self._sms.clock

    @property
    def options(self) -> SimulatorOptions:
        return self._sms.state.options

    @property
    def api_key(self) -> str:
        return self.options.api_key

    @property
    def api_secret(self) -> str:
        return self.options.api_secret

    @property
    def account(self) -> Account:
        """The account as it is now."""
        return self._sms.state.account

    @property
    def messages(self) -> tuple[Message, ...]:
        """Every part that was sent, oldest first."""
        return self._sms.state.history.messages

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Every attempt to push a receipt, oldest first."""
        return self._sms.state.history.deliveries

    @property
    def due(self) -> int:
        """How many receipts wait for their moment, retries among them."""
        return len(self._schedule)

    def configure(self, change: Callable[[SimulatorOptions], SimulatorOptions]) -> None:
        """Go on with the options that `change` makes of the present ones.

        The number of workers, the time-outs and `keep` stay as they were at the start.
        """
        self._sms.state.change_options(change)
        self._follow_speed()

    def reset(self) -> None:
        """Back to the start: options, account, messages, deliveries; receipts that were due are forgotten."""
        self._sms.state.reset()
        self._schedule.clear()
        self._sms.throttle.reset()
        self._follow_speed()

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no receipt is due, now or later; False when `timeout` real seconds were too few."""
        return self._schedule.wait_idle(timeout)

    def _follow_speed(self) -> None:
        self.clock.change_speed(self.options.speed)
        self._schedule.wake()
