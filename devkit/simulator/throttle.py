"""How many send calls the account may make in a second."""

import threading
from collections import deque
from collections.abc import Callable

_WINDOW = 1.0  # seconds


class Throttle:
    """Counts calls in a sliding window of one real second. Thread-safe."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._lock = threading.Lock()
        self._calls: deque[float] = deque()

    def wait(self, rate: int) -> int:
        """Milliseconds to wait before the next call; 0 when this one may pass and is counted.

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

    def reset(self) -> None:
        with self._lock:
            self._calls.clear()
