"""Work that must end in time, even when it hangs in a library."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from threading import Thread
from typing import TypeVar

from devkit.errors import TunnelError

T = TypeVar("T")
Timer = Callable[[], float]

_TICK = 0.05  # seconds


def finish_within(
    seconds: float,
    work: Callable[[], T],
    *,
    tick: Callable[[], None] = lambda: None,
    abort: Callable[[], None] | None = None,
    linger: float = 0.0,
    clock: Timer = time.monotonic,
) -> T:
    """Run `work` in a daemon thread; return what it returns, raise what it raises.

    tick: called about twenty times a second meanwhile; it may raise to give up. Raises TimeoutError after `seconds`.
    abort: called in both cases, to make the work end; again and again for up to `linger` seconds while it does not.
    Raises TunnelError when the system has no thread left.
    """
    outcome: Future[T] = Future()
    try:
        Thread(target=_settle, args=(outcome, work), daemon=True).start()
    except RuntimeError as error:
        hint = "End some programs, or raise the limit on threads: ulimit -u"
        raise TunnelError("the system has no thread left", hint=hint) from error
    deadline = clock() + seconds
    try:
        while not wait_for([outcome], _TICK).done:
            tick()
            if clock() >= deadline:
                raise TimeoutError
    finally:
        # Also after a KeyboardInterrupt.
        give_up = clock() + linger
        while abort and not outcome.done():
            abort()
            if clock() >= give_up:
                break
            wait_for([outcome], _TICK)
    return outcome.result()


def _settle(outcome: Future[T], work: Callable[[], T]) -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:  # noqa: BLE001 - raised in the waiting thread
        outcome.set_exception(error)
