"""One HTTP request that ends within its time, whatever the other side does, and through the proxy of the environment.

The time-outs of HTTP libraries are for each wait: a server that sends one byte a second never exceeds them. So the
request runs in a thread of its own, and the caller cuts its connection when the time is over.
"""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from devkit.http.address import Address, parse_address
from devkit.http.local_access import names_loopback
from devkit.session.signals import Shutdown
from devkit.tunnel.deadline import Timer

if TYPE_CHECKING:  # not to hide a circle: these only name types, and importing them takes long
    from requests import Session
    from urllib3 import HTTPConnectionPool, PoolManager

_POLL = 0.05  # seconds between two looks at whether to stop
_CONNECT = 3.0  # seconds for each address of the host; the next one may be reachable
_MAX_BODY = 64 * 1024  # bytes that are read


class NoResponse(Exception):
    """No complete response came. The text says why, without a full stop, and without the path: it can hold a secret."""


class _Connections:
    """The connections of one request, which another thread can cut."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_cut = False

    def add(self, connection: socket.socket) -> None:
        # A duplicate, because encryption takes over the original.
        duplicate = connection.dup()
        with self._lock:
            self._sockets.append(duplicate)
            if self._is_cut:
                _shut_down(duplicate)

    def cut(self) -> None:
        """End them, and those that are still to come."""
        with self._lock:
            self._is_cut = True
            for each in self._sockets:
                _shut_down(each)

    def close(self) -> None:
        with self._lock:
            for each in self._sockets:
                each.close()
            self._sockets.clear()


def response_status(
    method: str,
    url: str,
    headers: Mapping[str, str],
    stop: Shutdown,
    *,
    seconds: float,
    clock: Timer = time.monotonic,
) -> int:
    """The status of the response to one request. Redirects are not followed.

    seconds: for all of it, from looking up the name to the last byte. A response of 200 counts only with its body.
    Raises NoResponse, ShutdownRequested, and UsageError for a URL that is none.
    """
    address = parse_address(url, allow_remote=True)
    connections, outcome = _Connections(), Future[int]()

    def work() -> None:
        try:
            outcome.set_result(_request(method, url, headers, connections, seconds))
        except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
            outcome.set_exception(error)
        finally:
            connections.close()

    deadline = clock() + seconds
    threading.Thread(target=work, name="bounded-request", daemon=True).start()
    try:
        while not wait_for([outcome], _POLL).done:
            stop.check()
            if clock() >= deadline:
                raise NoResponse(_too_late(address, seconds))
        return outcome.result()
    finally:
        # Only looking up a name cannot be cut; the system ends that by itself.
        connections.cut()


def _request(
    method: str, url: str, headers: Mapping[str, str], connections: _Connections, seconds: float
) -> int:
    import requests  # only here: commands that work without a network start faster without it

    address = parse_address(url, allow_remote=True)
    with _translated(address, seconds), _session(connections) as session:
        session.trust_env = not names_loopback(address.host)  # a proxy leads nowhere on loopback
        session.auth = lambda request: request  # or an entry in ~/.netrc would be sent
        with session.request(
            method,
            url,
            headers={"User-Agent": "devkit", "Accept-Encoding": "identity", "Connection": "close", **headers},
            timeout=(_CONNECT, seconds),
            allow_redirects=False,
            stream=True,
        ) as response:
            if response.status_code == 200:
                # A body that breaks off is as good as a complete one: the status is known.
                with suppress(requests.RequestException):
                    _read_body(response.iter_content(_MAX_BODY))
            return response.status_code


def _read_body(parts: Iterator[bytes]) -> None:
    size = 0
    for part in parts:
        size += len(part)
        if size >= _MAX_BODY:
            return


@contextmanager
def _translated(address: Address, seconds: float) -> Iterator[None]:
    """What requests raises, as NoResponse. Its own texts hold the whole URL."""
    import requests

    try:
        yield
    except ValueError as error:  # of the host name, by any of the libraries involved
        raise NoResponse(f"{address} or the proxy of the environment is no usable address") from error
    except requests.exceptions.ProxyError as error:
        raise NoResponse(f"the proxy of the environment does not lead to {address}") from error
    except requests.exceptions.SSLError as error:
        raise NoResponse(f"the certificate of {address} is not accepted{_reason(error)}") from error
    except requests.ConnectTimeout as error:
        raise NoResponse(f"Nobody answers at {address} (timed out)") from error
    except requests.Timeout as error:
        raise NoResponse(_too_late(address, seconds)) from error
    except requests.RequestException as error:
        if reason := _reason(error):
            raise NoResponse(f"Nobody answers at {address}{reason}") from error
        raise NoResponse(f"{address} broke off without a proper response") from error


def _too_late(address: Address, seconds: float) -> str:
    return f"{address} gave no complete response within {seconds:g} s"


def _reason(error: BaseException | None) -> str:
    """What the system said, in brackets, or nothing."""
    while error is not None:
        words = getattr(error, "strerror", None)
        if isinstance(error, OSError) and isinstance(words, str):
            return f" ({words})"
        error = error.__cause__ or error.__context__
    return ""


def _session(connections: _Connections) -> "Session":
    """A session of requests that tells of each connection before anything is sent or read on it."""
    import requests
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            super().init_poolmanager(*args, **options)
            _watch(self.poolmanager, connections)

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            manager = super().proxy_manager_for(proxy, **options)
            _watch(manager, connections)
            return manager

    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, Adapter())
    return session


def _watch(manager: "PoolManager", connections: _Connections) -> None:
    manager.pool_classes_by_scheme = {
        scheme: _watched(pool, connections) for scheme, pool in manager.pool_classes_by_scheme.items()
    }


def _watched(pool: "type[HTTPConnectionPool]", connections: _Connections) -> "type[HTTPConnectionPool]":
    kind: Any = pool.ConnectionCls

    class Watched(kind):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:  # private, but the only place before the TLS handshake
            connection: socket.socket = super()._new_conn()
            connections.add(connection)
            return connection

    return type(pool.__name__, (pool,), {"ConnectionCls": Watched})


def _shut_down(connection: socket.socket) -> None:
    with suppress(OSError):  # ended already
        connection.shutdown(socket.SHUT_RDWR)
