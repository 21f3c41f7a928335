"""The wish to stop: made by a signal, seen by whoever waits or works."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)


class StopRequested(Exception):
    """It was time to stop in the middle of something; not a failure."""


class Stop:
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
            raise StopRequested

    def ask(self) -> None:
        self._asked = True
        self._wake.put(None)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is asked for, or for so long; whether it was. For one waiting thread."""
        if not self._asked:
            try:
                self._wake.get(timeout=seconds)
            except Empty:
                return False
        return True


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """A Stop that Ctrl-C and the like ask for while the block runs. For the main thread."""
    stop = Stop()
    former = {number: signal.signal(number, lambda *_: stop.ask()) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
