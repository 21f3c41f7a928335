"""Open connections that are used again. Nothing is sent over one that was idle for long."""

import threading
import time
from collections.abc import Callable
from typing import Self

from devkit.http.address import Address
from devkit.http.client import Connection, Response
from devkit.webhook.callback import Callback

# Many servers close an idle connection after 2-5 s. A receipt that is sent at that moment is sent again, and in rare
# cases handled twice. So connections that were idle for longer than this are not used again.
IDLE_SECONDS = 1.0


class ConnectionPool:
    """Thread-safe; one thread at a time uses a connection. The last one used is used first, so that few are open."""

    def __init__(
        self,
        *,
        connect_timeout: float = 3,
        timeout: float = 15,
        idle_seconds: float = IDLE_SECONDS,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """The time-outs are those of `Connection`. idle_seconds: after which a connection is not used again."""
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._idle_seconds = idle_seconds
        self._timer = timer
        self._lock = threading.Lock()
        self._idle: dict[Address, list[tuple[float, Connection]]] = {}
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; one that is in use is closed when it no longer is."""
        with self._lock:
            self._closed = True
            self._close_idle_since(self._timer())

    @property
    def has_idle(self) -> bool:
        """Whether a connection is open and not in use."""
        return bool(self._idle)

    def push(self, callback: Callback, address: Address) -> Response:
        """Send a callback over an open connection if there is one. Raises PushError and UsageError."""
        connection = self._take(address)
        response = connection.push(callback)  # a connection that raises has closed itself
        with self._lock:
            if self._closed:
                connection.close()
            else:
                self._idle.setdefault(address, []).append((self._timer(), connection))
        return response

    def close_idle(self) -> None:
        """Close the connections that are not used again."""
        with self._lock:
            self._close_idle_since(self._timer() - self._idle_seconds)

    def _take(self, address: Address) -> Connection:
        self.close_idle()
        with self._lock:
            if idle := self._idle.get(address):
                _, connection = idle.pop()
                if not idle:
                    del self._idle[address]
                return connection
        return Connection(address, connect_timeout=self._connect_timeout, timeout=self._timeout)

    def _close_idle_since(self, moment: float) -> None:
        for address, idle in tuple(self._idle.items()):
            while idle and idle[0][0] <= moment:
                idle.pop(0)[1].close()
            if not idle:
                del self._idle[address]
