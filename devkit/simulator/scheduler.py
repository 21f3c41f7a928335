"""Simulated time, and actions that are scheduled in it."""

import heapq
import itertools
import logging
import math
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self


class Clock:
    """Seconds since the epoch, `speed` times as fast as the timer. Thread-safe.

    speed: 1 is real time, 60 a minute in a second; math.inf stops the clock, and `jump` moves it.
    start: seconds since the epoch; None is now. timer: real seconds, from any origin.
    """

    def __init__(
        self, speed: float = 1, *, start: float | None = None, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._lock = threading.Lock()
        self._timer = timer
        self._speed = speed
        self._origin = timer()
        self._moment = self._start = time.time() if start is None else start
        self._started = self._origin

    @property
    def speed(self) -> float:
        return self._speed

    @property
    def jumps(self) -> bool:
        return math.isinf(self._speed)

    def real(self) -> float:
        """Real seconds, from the timer's origin."""
        return self._timer()

    def now(self) -> float:
        with self._lock:
            return self._now()

    def real_now(self) -> float:
        """Seconds since the epoch at speed 1, as on the clock of a program that receives webhooks."""
        return self._start + self._timer() - self._started

    def change_speed(self, speed: float) -> None:
        with self._lock:
            self._moment, self._origin = self._now(), self._timer()
            self._speed = speed

    def real_seconds_until(self, moment: float) -> float:
        """How long to wait in real time; 0 if the moment has passed, or if the clock jumps."""
        with self._lock:
            return 0 if self.jumps else max(0, (moment - self._now()) / self._speed)

    def jump(self, moment: float) -> None:
        """Move on to a moment. No effect on a running clock, or if the moment has passed."""
        with self._lock:
            if self.jumps:
                self._moment = max(self._moment, moment)

    def _now(self) -> float:
        return self._moment if self.jumps else self._moment + (self._timer() - self._origin) * self._speed


_LATEST = 253_402_300_799  # the last second of the year 9999, after which Python has no datetime


def time_of(moment: float) -> datetime:
    """A moment of the clock as UTC. One that a fast clock reached after the year 9999 is its last second."""
    return datetime.fromtimestamp(min(moment, _LATEST), UTC)


Action = Callable[[], object]

_STOP_SECONDS = 5


class Schedule:
    """Runs each action once, not before its moment. Actions of the same moment start in the order of `at` calls.

    A context manager: its threads run inside the block. They take actions directly from one heap, so no action waits
    in a second queue.
    """

    def __init__(self, clock: Clock, *, threads: int) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Action]] = []
        self._numbers = itertools.count()
        self._busy = 0
        self._stopped = False
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._idle = threading.Condition(self._lock)
        names = (f"simulator-{number}" for number in range(threads))
        self._threads = [threading.Thread(target=self._work, name=name, daemon=True) for name in names]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._stopped = True
            self._heap.clear()
            self._changed.notify_all()
            self._idle.notify_all()
        deadline = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))

    def __len__(self) -> int:
        """How many actions are scheduled and not started."""
        return len(self._heap)

    def at(self, moment: float, action: Action) -> None:
        """Run the action at that moment, or immediately if it has passed. Ignored after the end of the block."""
        with self._lock:
            if self._stopped:
                return
            entry = (moment, next(self._numbers), action)
            heapq.heappush(self._heap, entry)
            if self._heap[0] is entry:
                self._changed.notify()

    def clear(self) -> None:
        """Forget the actions that are not started."""
        with self._lock:
            self._heap.clear()
            self._idle.notify_all()

    def wake(self) -> None:
        """Read the clock again: its speed has changed."""
        with self._lock:
            self._changed.notify_all()

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no action is scheduled or running; False after `timeout` real seconds."""
        with self._lock:
            return self._idle.wait_for(lambda: self._stopped or not (self._heap or self._busy), timeout)

    def _work(self) -> None:
        while (action := self._next()) is not None:
            try:
                action()
            except Exception:  # a bug; the other actions must run nevertheless
                logging.getLogger(__name__).exception("A scheduled action failed.")
            finally:
                self._finished()

    def _next(self) -> Action | None:
        with self._lock:
            while not self._stopped:
                seconds = self._seconds()
                if seconds == 0:
                    return self._take()
                self._changed.wait(seconds)
        return None

    def _seconds(self) -> float | None:
        if not self._heap:
            return None
        moment = self._heap[0][0]
        if self._clock.jumps and self._busy and moment > self._clock.now():
            return None  # a running action may still schedule an earlier one
        return self._clock.real_seconds_until(moment)

    def _take(self) -> Action:
        moment, _, action = heapq.heappop(self._heap)
        self._clock.jump(moment)
        self._busy += 1
        if self._heap:
            self._changed.notify()  # another thread must wait for the new first action
        return action

    def _finished(self) -> None:
        with self._lock:
            self._busy -= 1  # this thread reads the heap next, so it wakes no other
            if not self._busy and not self._heap:
                self._idle.notify_all()
