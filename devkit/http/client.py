"""Sends callbacks to a URL, byte for byte. Never follows a redirect, never changes a header."""

import math
import select
import socket
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self, TypeVar

from devkit.errors import PushError
from devkit.http.address import Address, AddressInfo, reason_of, resolve
from devkit.http.response import InvalidResponse, parse_headers, read_response
from devkit.webhook.callback import Callback, to_wire

_MIN_WAIT = 0.001  # seconds, also after the time-out: the response may have arrived in the meantime

# Without poll(), as on Windows, any two numbers will do.
_READABLE, _WRITABLE = getattr(select, "POLLIN", 1), getattr(select, "POLLOUT", 4)

_Argument = TypeVar("_Argument")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Response:
    """A response to a callback. seconds: from the first byte sent to the last byte read. body: its first 64 KiB.

    sent_again: see `Connection`; then seconds is the time of the second request.
    """

    status: int
    seconds: float
    body: bytes
    sent_again: bool = False
    head: tuple[bytes, ...] = field(default=(), compare=False)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Names and values as they arrived."""
        return parse_headers(self.head)


class Connection:
    """A kept-alive connection to one address; it opens itself when needed. For one thread.

    A server may close an idle connection at any moment, even while the next request is on its way (RFC 9112,
    section 9.5). So when a connection that was used before ends before the first byte of the response, the request is
    sent once more, on a new connection. HTTP clients do this too (RFC 9112, section 9.3.1). RFC 9110, section 9.2.2,
    permits it for a POST only if handling the request twice does no harm. This holds for receipts: Vonage delivers
    each at least once. In rare cases the target does handle it twice: when it had read the request and closed the
    connection without a response.
    Nothing is sent again on a new connection, after the first byte of a response, or after a time-out.
    """

    def __init__(self, address: Address, *, connect_timeout: float = 3, timeout: float = 15) -> None:
        """Both time-outs in seconds; `timeout` is for each wait on the target, not for the whole response."""
        self._address = address
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._socket: socket.socket | None = None
        self._sent_at = 0.0
        self._active_at = 0.0  # when the request was sent, or the latest part of the response received
        self._resendable = b""  # the request, as long as it may be sent once more
        self._sent_again = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def push(self, callback: Callback) -> Response:
        """Send one callback and read the response. Raises PushError without one, UsageError for a remote target."""
        receive = self.send(to_wire(callback), callback.method)
        while (response := receive()) is None:
            pass
        return response

    def send(self, wire: bytes, method: str) -> Callable[[], Response | None]:
        """Send one request; return a function that reads its response. Both raise the errors of `push`.

        The function returns None when it had to send the request again: call it once more to read the response.
        Send no other request before. Other work can be done between the two calls while the target handles the
        request. `ready_connections` says when the response begins.
        wire: the whole request. method: that of the request.
        """
        if self._socket is not None and _is_stale(self._socket):
            self.close()
        self._resendable = wire if self._socket else b""
        self._sent_again = False
        self._write(wire, self._socket or connect(self._address, self._connect_timeout))

        def receive() -> Response | None:
            try:
                response = read_response(self._read, method)
            except (OSError, InvalidResponse) as error:
                if not self._resendable or not _is_closed(error):
                    raise self._broken(error) from error
                self._send_again(error)
                return None
            if not response.reusable:
                self.close()
            seconds = self._active_at - self._sent_at
            return Response(response.status, seconds, response.body, self._sent_again, response.head)

        return receive

    def _write(self, wire: bytes, connection: socket.socket) -> None:
        self._socket = connection
        self._sent_at = self._active_at = time.monotonic()
        try:
            sent = 0
            while sent < len(wire):
                # A view of the rest: TLS takes 16 KiB at a time, and a copy of each rest is slow.
                rest = memoryview(wire)[sent:] if sent else wire
                sent += self._call(connection.send, rest, _WRITABLE)
        except OSError as error:
            # A target may respond before it closes the connection, for example with 413. So the response is read.
            if not _is_closed(error):
                raise self._broken(error) from error

    def _send_again(self, cause: Exception) -> None:
        """cause: how the first connection ended. Raises as `send`."""
        wire, self._resendable = self._resendable, b""
        self.close()
        try:
            connection = connect(self._address, self._connect_timeout)
        except PushError:  # nothing was sent again, so the result is how the first connection ended
            raise self._broken(cause) from cause
        self._sent_again = True
        self._write(wire, connection)

    def _read(self, size: int) -> bytes:
        assert self._socket is not None
        part = self._call(self._socket.recv, size, _READABLE)
        self._active_at = time.monotonic()
        if part:
            self._resendable = b""
        return part

    def _call(self, method: Callable[[_Argument], _Result], argument: _Argument, event: int) -> _Result:
        """Call a non-blocking socket method; poll only if it would block. event: to poll for.

        With a time-out on the socket itself, Python would poll before each call.
        """
        while True:
            try:
                return method(argument)
            except OSError as error:
                if not (event_needed := _event_needed(error, event)):
                    raise
            if not _poll([self.fileno()], max(self.time_left(), _MIN_WAIT), event_needed):
                raise TimeoutError

    def time_left(self) -> float:
        """Seconds until the response is late; negative when it is."""
        return self._active_at + self._timeout - time.monotonic()

    def fileno(self) -> int:
        """That of the open socket; -1 without one."""
        return self._socket.fileno() if self._socket else -1

    def _broken(self, error: Exception) -> PushError:
        self.close()
        if isinstance(error, TimeoutError):
            return PushError(
                f"{self._address} gave no answer within {self._timeout:g} s.",
                hint="Answer before the slow work, or allow more time with --timeout.",
                reason="timeout",
                sent_again=self._sent_again,
            )
        return PushError(
            f"{self._address} closed the connection without a valid response.",
            hint="Look at the log of the program that listens there.",
            reason="closed",
            sent_again=self._sent_again,
        )


def push(
    callback: Callback, address: Address, *, connect_timeout: float = 3, timeout: float = 15
) -> Response:
    """Send one callback over a connection of its own. Raises as `Connection.push`."""
    with Connection(address, connect_timeout=connect_timeout, timeout=timeout) as connection:
        return connection.push(callback)


def connect(address: Address, timeout: float) -> socket.socket:
    """A new connection, which does not block. timeout: seconds.

    Raises PushError when there is none, UsageError for a remote address that is not allowed.
    """
    try:
        connection = _connect_first(resolve(address), timeout)
    except (OSError, UnicodeError) as error:
        raise PushError(
            f"Nobody answers at {address} ({reason_of(error)}).",
            hint="Start your application, or name its address with --to http://127.0.0.1:PORT/path",
            reason="unreachable",
        ) from error
    if address.scheme == "https":
        connection = _start_tls(connection, address)
    connection.setblocking(False)
    return connection


def _connect_first(found: Sequence[AddressInfo], timeout: float) -> socket.socket:
    failure: OSError = OSError("no address")
    for family, kind, protocol, _, sockaddr in found:
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(timeout)
            connection.connect(sockaddr)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        except OSError as error:
            connection.close()
            failure = error
    raise failure


def _start_tls(connection: socket.socket, address: Address) -> socket.socket:
    import ssl  # only here, because it takes as long to import as all the rest

    try:
        return ssl.create_default_context().wrap_socket(connection, server_hostname=address.host)
    except ssl.SSLCertVerificationError as error:
        raise PushError(
            f"The certificate of {address} is not accepted ({error.verify_message}).",
            hint="Set SSL_CERT_FILE to the certificate of its authority, or use http.",
            reason="unreachable",
        ) from error
    except OSError as error:
        is_plain = isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER"
        reason = "it answers in plain http" if is_plain else reason_of(error)
        raise PushError(
            f"{address} does not speak https ({reason}).",
            hint=f"If your application speaks plain http, use {replace(address, scheme='http')}",
            reason="unreachable",
        ) from error


def ready_connections(connections: Collection[Connection], seconds: float) -> list[Connection]:
    """Those whose response has begun, and those that are closed. seconds: the longest wait for one."""
    if closed := [each for each in connections if each.fileno() < 0]:
        return closed
    readable = _poll([each.fileno() for each in connections], seconds, _READABLE)
    return [each for each in connections if each.fileno() in readable]


def _is_stale(connection: socket.socket) -> bool:
    # Readable although no response is due: the other side has closed it, or sent something unrequested.
    return bool(_poll([connection.fileno()], 0, _READABLE))


def _is_closed(error: Exception) -> bool:
    """Whether the other side closed the connection. InvalidResponse means that if no byte of a response was read."""
    # By name, because `ssl` is imported for https only.
    return isinstance(error, ConnectionError | InvalidResponse) or type(error).__name__ == "SSLEOFError"


Push = Callable[[Callback, Address], Response]


def _event_needed(error: OSError, event: int) -> int:
    """What to poll for before a failed call is repeated; 0 when it would fail again.

    event: what the call itself needs. TLS may have to read before it writes, or to write before it reads.
    """
    if isinstance(error, BlockingIOError):
        return event
    # By name, because `ssl` is imported for https only.
    return {"SSLWantReadError": _READABLE, "SSLWantWriteError": _WRITABLE}.get(type(error).__name__, 0)


def _poll(files: Collection[int], seconds: float, event: int) -> Collection[int]:
    """The file descriptors that are readable, or writable. seconds: the longest wait for one."""
    if not hasattr(select, "poll"):  # Windows
        wanted = (files, []) if event == _READABLE else ([], files)
        return set().union(*select.select(*wanted, [], max(seconds, 0)))
    poll = select.poll()  # select() fails above 1024 file descriptors, and a busy receiver may have more
    for file in files:
        poll.register(file, event)
    return {file for file, _ in poll.poll(math.ceil(max(seconds, 0) * 1000))}
