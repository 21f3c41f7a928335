"""One HTTP request with one deadline for all of it, through the proxy of the environment.

The timeouts of HTTP libraries limit each wait: a server that sends one byte a second never exceeds them. So the request
runs in a thread of its own, and its connection is cut when the time is over.
"""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from devkit.errors import TunnelError
from devkit.http.address import Address, parse_address
from devkit.http.local_access import is_local_name
from devkit.session.signals import Shutdown
from devkit.tunnel.deadline import finish_within

if TYPE_CHECKING:  # only types, and importing them takes long
    from requests import Session

_CONNECT_TIMEOUT = 3.0  # seconds for each address of the host; the next one may be reachable
_MAX_BODY = 64 * 1024  # bytes that are read


class NoResponse(Exception):
    """No complete response came. The text says why, without a full stop, and without the path, which can be secret."""


def response_status(
    method: str, url: str, headers: Mapping[str, str], stop: Shutdown, *, seconds: float
) -> int:
    """The status of the response to one request. Redirects are not followed.

    seconds: for all of it, from resolving the name to the last byte. A response of 200 counts only with its body.
    Raises NoResponse, ShutdownRequested, and UsageError for a text that is no URL.
    """
    address = parse_address(url, allow_remote=True)
    connection = _Connection()

    def work() -> int:
        with closing(connection), _translated(address, seconds):
            return _request(method, url, headers, address, connection, seconds)

    try:
        # Resolving a name cannot be aborted; the system ends it by itself.
        return finish_within(seconds, work, tick=stop.check, abort=connection.cut)
    except TimeoutError as error:
        raise NoResponse(_too_late(address, seconds)) from error
    except TunnelError as error:  # no thread is left
        raise NoResponse(error.message) from error


class _Connection:
    """The connection of a request, which another thread can cut."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False

    def opened(self, connected: socket.socket) -> None:
        with self._lock:
            self._socket = connected.dup()  # TLS takes over the original
            if self._is_cut:
                _shut_down(self._socket)

    def cut(self) -> None:
        """End the connection, or prevent it if it is not open yet."""
        with self._lock:
            self._is_cut = True
            if self._socket:
                _shut_down(self._socket)

    def close(self) -> None:
        """Release the socket."""
        with self._lock:
            if self._socket:
                self._socket.close()


def _shut_down(connection: socket.socket) -> None:
    with suppress(OSError):  # ended already
        connection.shutdown(socket.SHUT_RDWR)


def _request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    address: Address,
    connection: _Connection,
    seconds: float,
) -> int:
    import requests  # here: commands that need no network start faster without it

    with _session(connection) as session:
        session.trust_env = not is_local_name(address.host)  # a proxy leads nowhere on loopback
        session.auth = lambda request: request  # otherwise an entry of ~/.netrc would be sent
        with session.request(
            method,
            url,
            headers={"User-Agent": "devkit", "Accept-Encoding": "identity", "Connection": "close", **headers},
            timeout=(_CONNECT_TIMEOUT, seconds),
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


def _session(connection: _Connection) -> "Session":
    """A session of requests that reports its connection before anything is sent or read on it."""
    import requests
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
            pool: Any = super().get_connection_with_tls_context(*args, **options)

            class Reporting(pool.ConnectionCls):  # type: ignore[misc]
                def _new_conn(self) -> socket.socket:  # private, but the only place before the TLS handshake
                    connected: socket.socket = super()._new_conn()
                    connection.opened(connected)
                    return connected

            pool.ConnectionCls = Reporting
            return pool

    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, Adapter())
    return session


@contextmanager
def _translated(address: Address, seconds: float) -> Iterator[None]:
    """Raise the errors of requests as NoResponse. Their own texts hold the whole URL."""
    import requests

    try:
        yield
    except ValueError as error:  # about the host name, by any of the libraries involved
        raise NoResponse(f"{address} or the proxy of the environment is no usable address") from error
    except requests.exceptions.ProxyError as error:
        raise NoResponse(f"the proxy of the environment does not lead to {address}") from error
    except requests.exceptions.SSLError as error:
        raise NoResponse(f"the certificate of {address} is not accepted{_system_reason(error)}") from error
    except requests.ConnectTimeout as error:
        raise NoResponse(f"nobody answers at {address} (timed out)") from error
    except requests.Timeout as error:
        raise NoResponse(_too_late(address, seconds)) from error
    except requests.RequestException as error:
        if reason := _system_reason(error):
            raise NoResponse(f"nobody answers at {address}{reason}") from error
        raise NoResponse(f"{address} sent no valid response") from error


def _too_late(address: Address, seconds: float) -> str:
    return f"{address} gave no complete response within {seconds:g} s"


def _system_reason(error: BaseException | None) -> str:
    """The operating system's reason in brackets; empty when there is none."""
    while error is not None:
        reason = getattr(error, "strerror", None)
        if isinstance(error, OSError) and isinstance(reason, str):
            return f" ({reason})"
        error = error.__cause__ or error.__context__
    return ""
