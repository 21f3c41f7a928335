"""All that changes while a simulator runs, behind one lock. Values inside are frozen and replaced whole."""

import threading
from collections.abc import Callable, Container
from dataclasses import replace
from decimal import Decimal

from devkit.simulator.account import Account, open_account
from devkit.simulator.fault import Fault
from devkit.simulator.ledger import Ledger
from devkit.simulator.option import SimulatorOptions
from devkit.simulator.watch import Watch


class State:
    """Account, options, faults and ledger. Thread-safe. watch: called with what happens, in any thread."""

    def __init__(self, options: SimulatorOptions, watch: Watch) -> None:
        self.watch = watch
        self._lock = threading.RLock()
        self._initial = options
        self.reset()

    def reset(self) -> None:
        """Back to the start, with another ledger."""
        with self._lock:
            self.options = self._initial
            self.account = open_account(self.options)
            self.ledger = Ledger(self.options.keep, self.watch)

    def if_current(self, ledger: Ledger, action: Callable[[], None]) -> None:
        """Do it unless a reset has replaced the ledger; no reset comes in between."""
        with self._lock:
            if ledger is self.ledger:
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
