"""The wish to stop: made by a signal, seen by whoever waits or works."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)

# Seconds until a wait looks up. A signal that comes in the moment before a wait begins does not end it: the handler
# runs between two steps of the main thread, and a wait without an end is one step. On Windows no signal ends one.
_POLL_INTERVAL = 0.5


class ShutdownRequested(Exception):
    """It was time to stop in the middle of something; not a failure."""


class Shutdown:
    """Asked for once, then it stays. A signal handler and any thread may ask."""

    def __init__(self) -> None:
        self._asked = False
        # Not a threading.Event: a handler that runs while the main thread is inside wait() could lock it up.
        self._wake: SimpleQueue[None] = SimpleQueue()

    def __call__(self) -> bool:
        """Whether to stop: what long work asks between its steps."""
        return self._asked

    def check(self) -> None:
        """Raise StopRequested when it is time to stop."""
        if self._asked:
            raise ShutdownRequested

    def ask(self) -> None:
        self._asked = True
        self._wake.put(None)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is asked for, or for so long; whether it was. In any number of threads."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self._asked:
            left = _POLL_INTERVAL if deadline is None else deadline - time.monotonic()
            try:
                self._wake.get(timeout=max(0, min(_POLL_INTERVAL, left)))
            except Empty:
                if left <= 0:
                    break
            else:
                self._wake.put(None)  # for the next who waits
        return self._asked


@contextmanager
def stop_on_signals(*, final: bool = False) -> Iterator[Shutdown]:
    """A Stop that Ctrl-C and the like ask for while the block runs. For the main thread.

    final: the process ends with the block; once asked for, what comes after it is not interrupted either.
    """
    stop = Shutdown()
    heeded = [number for number in SIGNALS if not _is_nohup(number)]
    former = {number: signal.signal(number, lambda *_: stop.ask()) for number in heeded}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, signal.SIG_IGN if final and stop() else handler)


def _is_nohup(number: signal.Signals) -> bool:
    # `nohup devkit dev &` asks for a session that outlives its terminal.
    return number.name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN
