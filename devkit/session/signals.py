"""Shutdown flag: set by signal handlers, polled by long-running code."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)

# Seconds. A signal that arrives just before a wait begins does not interrupt it: the handler runs between two steps of
# the main thread, and a wait without a limit is one step. On Windows no signal interrupts a wait.
_POLL_INTERVAL = 0.5


class ShutdownRequested(Exception):
    """A shutdown was requested in the middle of something; not a failure."""


class Shutdown:
    """A flag that stays set. Signal handlers and any thread may set it."""

    def __init__(self) -> None:
        self._requested = False
        # Not a threading.Event: a handler that runs while the main thread is inside wait() could deadlock on its lock.
        self._wake: SimpleQueue[None] = SimpleQueue()

    def __call__(self) -> bool:
        """Whether a shutdown was requested; long-running code asks between its steps."""
        return self._requested

    def check(self) -> None:
        """Raise ShutdownRequested when a shutdown was requested."""
        if self._requested:
            raise ShutdownRequested

    def request(self) -> None:
        self._requested = True
        self._wake.put(None)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until a shutdown is requested, or for `seconds`; return whether it was. Any thread may wait."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self._requested:
            left = _POLL_INTERVAL if deadline is None else deadline - time.monotonic()
            try:
                self._wake.get(timeout=max(0, min(_POLL_INTERVAL, left)))
            except Empty:
                if left <= 0:
                    break
            else:
                self._wake.put(None)  # for the next thread that waits
        return self._requested


@contextmanager
def stop_on_signals(*, final: bool = False) -> Iterator[Shutdown]:
    """A Shutdown that Ctrl-C and similar signals request while the block runs. For the main thread.

    final: the process ends after the block; after a request, what follows the block is not interrupted either.
    """
    stop = Shutdown()
    handled = [number for number in SIGNALS if not _is_nohup(number)]
    former = {number: signal.signal(number, lambda *_: stop.request()) for number in handled}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, signal.SIG_IGN if final and stop() else handler)


def _is_nohup(number: signal.Signals) -> bool:
    # `nohup devkit dev &` starts a session that is to outlive its terminal.
    return number.name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN
