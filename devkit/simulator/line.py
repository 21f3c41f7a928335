"""Kept-alive connections to callback URLs, shared by the threads that push."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from devkit.callback import Callback
from devkit.push import Address, Answer, Connection

Push = Callable[[Callback, Address], Answer]

# Many servers close an idle connection after 2-5 s. A receipt that is sent in the same moment is sent again, and in
# rare cases handled twice; so older connections are not used again.
_IDLE_SECONDS = 1.0


class Lines:
    """A pool of connections. Thread-safe; a connection has one user at a time."""

    def __init__(self, *, connect_timeout: float, timeout: float, timer: Callable[[], float]) -> None:
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._timer = timer
        self._lock = threading.Lock()
        self._idle: dict[Address, list[tuple[float, Connection]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._lock:
            for _, connection in (entry for entries in self._idle.values() for entry in entries):
                connection.close()
            self._idle.clear()

    def push(self, callback: Callback, address: Address) -> Answer:
        """As `devkit.push.push`, over a connection that may be open already."""
        connection = self._take(address)
        answer = connection.push(callback)  # a connection that raises has closed itself
        with self._lock:
            self._idle.setdefault(address, []).append((self._timer(), connection))
        return answer

    def _take(self, address: Address) -> Connection:
        fresh = self._timer() - _IDLE_SECONDS
        with self._lock:
            idle = self._idle.get(address, [])
            while idle:
                since, connection = idle.pop()
                if since >= fresh:
                    return connection
                connection.close()
            self._idle.pop(address, None)
        return Connection(address, connect_timeout=self._connect_timeout, timeout=self._timeout)
