"""Work that must end in time, also when it hangs in a library."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from threading import Thread
from typing import TypeVar

from devkit.errors import TunnelError
from devkit.tunnel.types import Stopping

T = TypeVar("T")
Timer = Callable[[], float]

NO_THREAD = "End some programs, or raise the limit on threads: ulimit -u"

_TICK = 0.1  # seconds between two looks
_LINGER = 10.0  # seconds that aborted work gets to notice it


def finish_within(
    seconds: float,
    work: Callable[[], T],
    *,
    stopping: Stopping,
    tick: Callable[[], None] = lambda: None,
    abort: Callable[[], None] | None = None,
    clock: Timer = time.monotonic,
) -> T:
    """What the work returns or raises. It runs in a thread of its own; `tick` is called here meanwhile.

    Raises TimeoutError after `seconds`, and TunnelError when `stopping` says so; then `abort` is called until the
    work has ended: it must make it end. Without it the work is left to itself, in a daemon thread. Raises TunnelError
    also when the system has no thread left.
    """
    outcome: Future[T] = Future()
    try:
        Thread(target=_settle, args=(outcome, work), daemon=True).start()
    except RuntimeError as error:  # the system has none left; a session that runs tries again later
        raise TunnelError("the tunnel gets no thread of its own", hint=NO_THREAD) from error
    deadline = clock() + seconds
    try:
        while not wait_for([outcome], _TICK).done:
            tick()
            if stopping():
                raise TunnelError("stopped before the tunnel was open", hint="Start again: devkit dev")
            if clock() >= deadline:
                raise TimeoutError
    finally:
        # Also when a KeyboardInterrupt comes through here.
        patience = clock() + _LINGER
        while abort and not outcome.done() and clock() < patience:
            abort()
            wait_for([outcome], _TICK / 2)
    return outcome.result()


def pause(seconds: float, stopping: Stopping, *, wait: Callable[[float], object] = time.sleep) -> None:
    """Wait, but not on when it is time to stop. wait: may return early when that is so."""
    deadline = time.monotonic() + seconds
    while not stopping() and (left := deadline - time.monotonic()) > 0:
        wait(min(left, _TICK))


def _settle(outcome: Future[T], work: Callable[[], T]) -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
        outcome.set_exception(error)
