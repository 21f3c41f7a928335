"""Simulated time: as fast as the real one, many times faster, or jumping from one event to the next."""

import math
import threading
import time
from collections.abc import Callable


class Clock:
    """Seconds since the epoch, `speed` times as fast as the timer. Thread-safe.

    speed: 1 is real time, 60 a minute in a second; math.inf stands still and jumps to the next thing due.
    start: seconds since the epoch, now when left out. timer: real seconds, from any origin.
    """

    def __init__(
        self, speed: float = 1, *, start: float | None = None, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._lock = threading.Lock()
        self._timer = timer
        self._speed = speed
        self._origin = timer()
        self._moment = time.time() if start is None else start

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

    def change_speed(self, speed: float) -> None:
        with self._lock:
            self._moment, self._origin = self._now(), self._timer()
            self._speed = speed

    def real_seconds_until(self, moment: float) -> float:
        """How long to wait in real time; 0 when the moment has come, or when the clock jumps."""
        with self._lock:
            return 0 if self.jumps else max(0, (moment - self._now()) / self._speed)

    def jump(self, moment: float) -> None:
        """Move on to a moment. Does nothing on a clock that runs, or when the moment has passed."""
        with self._lock:
            if self.jumps:
                self._moment = max(self._moment, moment)

    def _now(self) -> float:
        return self._moment if self.jumps else self._moment + (self._timer() - self._origin) * self._speed
