"""Pushes callbacks to a URL, byte for byte. Never follows a redirect, never changes a header."""

import math
import select
import socket
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

from devkit.errors import PushError, UsageError
from devkit.http.address import Address
from devkit.http.local_access import is_loopback
from devkit.http.response import InvalidResponse, read_response
from devkit.webhook.callback import Callback, to_wire

_LEAST_WAIT = 0.001  # seconds for an answer that may have come while nobody looked

_Given = TypeVar("_Given")
_Got = TypeVar("_Got")

# What getaddrinfo finds: family, kind, protocol, canonical name, and the place to connect to.
_Found = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. seconds: from the first byte sent to the last byte read. body: its first 64 KiB.

    sent_again: see `Connection`; then the seconds are those of the second time.
    """

    status: int
    seconds: float
    body: bytes
    sent_again: bool = False


class Connection:
    """A kept-alive connection to one address; opens itself when needed. For one thread.

    A server may close an idle connection at any moment, even while the next request is on its way (RFC 9112,
    section 9.5). So when a connection that was used before ends before the first byte of the answer, the request is
    sent once more, on a new connection. HTTP clients do this too (RFC 9112, section 9.3.1). RFC 9110, section 9.2.2,
    permits it for a POST only if it does no harm to handle the request twice. That holds for receipts: Vonage
    delivers each at least once. In rare cases the target does handle it twice: it had read the request, and closed
    the connection without an answer.
    Nothing is sent again on a new connection, after the first byte of an answer, or after a time-out.
    """

    def __init__(self, address: Address, *, connect_timeout: float = 3, timeout: float = 15) -> None:
        """Both time-outs in seconds; `timeout` is for each wait on the target, not for the whole answer."""
        self._address = address
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._socket: socket.socket | None = None
        self._asked_at = 0.0
        self._heard_at = 0.0  # when something was asked, or a part of the answer came
        self._spare = b""  # the request, for as long as it may be sent once more
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
        """Send one callback and read the answer. Raises PushError when none comes, UsageError for a remote target."""
        answer = self.ask(to_wire(callback), callback.method)
        while (came := answer()) is None:
            pass
        return came

    def ask(self, wire: bytes, method: str) -> Callable[[], Response | None]:
        """Send one callback. What it gives reads the answer: ask for nothing else before. Errors as `push`, in both.

        The function gives None when it had to send the callback again: call it once more to read the answer.
        Whatever is done before a call costs no time, because the target is at work then. See `answered`.
        wire: the whole request. method: that of it.
        """
        if self._socket is not None and _is_stale(self._socket):
            self.close()
        self._spare = wire if self._socket else b""
        self._sent_again = False
        self._send(wire, self._socket or _connect(self._address, self._connect_timeout))

        def answer() -> Response | None:
            try:
                reading = read_response(self._receive, method)
            except (OSError, InvalidResponse) as error:
                if not self._spare or not _is_end(error):
                    raise self._broken(error) from error
                self._send_again(error)
                return None
            if not reading.reusable:
                self.close()
            return Response(reading.status, self._heard_at - self._asked_at, reading.body, self._sent_again)

        return answer

    def _send(self, wire: bytes, connection: socket.socket) -> None:
        self._socket = connection
        self._asked_at = self._heard_at = time.monotonic()
        try:
            while wire:
                wire = wire[self._at_last(connection.send, wire, WRITABLE) :]
        except OSError as error:
            # A target that closes the connection may have answered before, such as 413. So an answer is read anyway.
            if not _is_end(error):
                raise self._broken(error) from error

    def _send_again(self, end: Exception) -> None:
        """end: how the former connection ended. Raises as `ask`."""
        wire, self._spare = self._spare, b""
        self.close()
        try:
            connection = _connect(self._address, self._connect_timeout)
        except PushError:  # nothing was sent again, so what counts is how the first time ended
            raise self._broken(end) from end
        self._sent_again = True
        self._send(wire, connection)

    def _receive(self, size: int) -> bytes:
        assert self._socket is not None
        part = self._at_last(self._socket.recv, size, READABLE)
        self._heard_at = time.monotonic()
        if part:
            self._spare = b""
        return part

    def _at_last(self, act: Callable[[_Given], _Got], given: _Given, event: int) -> _Got:
        """What a call on the socket gives, as soon as it can be done, which is mostly at once. event: what it needs.

        The socket itself never waits: before each call on one that has a time-out, Python asks the system.
        """
        while True:
            try:
                return act(given)
            except OSError as error:
                if not (event_needed := awaited(error, event)):
                    raise
            if not ready([self.fileno()], max(self.patience(), _LEAST_WAIT), event_needed):
                raise TimeoutError

    def patience(self) -> float:
        """Seconds that are left for the answer to begin; below 0 when it is late."""
        return self._heard_at + self._timeout - time.monotonic()

    def fileno(self) -> int:
        """Of the socket that an answer is awaited on."""
        return self._socket.fileno() if self._socket else -1

    def _broken(self, error: Exception) -> PushError:
        self.close()
        if isinstance(error, TimeoutError):
            return PushError(
                f"{self._address} took the receipt but gave no answer within {self._timeout:g} s.",
                hint="Answer first and work later, or allow more time with --timeout.",
                reason="timeout",
                sent_again=self._sent_again,
            )
        return PushError(
            f"{self._address} broke off without a proper answer.",
            hint="Look at the log of the program that listens there.",
            reason="closed",
            sent_again=self._sent_again,
        )


def push(
    callback: Callback, address: Address, *, connect_timeout: float = 3, timeout: float = 15
) -> Response:
    """Push one callback over a connection of its own; errors as `Connection.push`."""
    with Connection(address, connect_timeout=connect_timeout, timeout=timeout) as connection:
        return connection.push(callback)


def _connect(address: Address, timeout: float) -> socket.socket:
    try:
        # As bytes, which they can be since a URL is ASCII: for text Python loads the tables of foreign host names.
        found = socket.getaddrinfo(address.host.encode("ascii"), address.port, type=socket.SOCK_STREAM)
        # The very addresses that are checked are connected to: a name that changes its mind in between gains nothing.
        if not address.allow_remote and not all(is_loopback(str(place[0])) for *_, place in found):
            raise UsageError(
                f"{address} is not on this machine; receipts hold phone numbers.",
                hint="Add --allow-remote if you mean it.",
            )
        connection = _connect_first(found, timeout)
        if address.scheme == "https":
            import ssl  # only here, because it takes as long to import as all the rest

            connection = ssl.create_default_context().wrap_socket(connection, server_hostname=address.host)
        connection.setblocking(False)
        return connection
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PushError(
            f"Nobody answers at {address} ({reason}).",
            hint="Start your application, or name its address with --to http://127.0.0.1:PORT/path",
            reason="unreachable",
        ) from error


def _connect_first(found: Sequence[_Found], timeout: float) -> socket.socket:
    failure: OSError = OSError("no address")
    for family, kind, protocol, _, place in found:
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(timeout)
            connection.connect(place)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        except OSError as error:
            connection.close()
            failure = error
    raise failure


def answered(connections: Collection[Connection], seconds: float) -> list[Connection]:
    """Those on which an answer begins, or cannot any more; waits for one at most so many seconds."""
    if closed := [each for each in connections if each.fileno() < 0]:
        return closed
    there = ready([each.fileno() for each in connections], seconds, READABLE)
    return [each for each in connections if each.fileno() in there]


def _is_stale(connection: socket.socket) -> bool:
    # Readable while nothing was asked: the other side has closed, or talks out of turn.
    return bool(ready([connection.fileno()], 0, READABLE))


def _is_end(error: Exception) -> bool:
    """Whether the other side has closed the connection. A BadAnswer means that, if no byte of an answer has come."""
    # By name, since `ssl` is there for https only.
    return isinstance(error, ConnectionError | InvalidResponse) or type(error).__name__ == "SSLEOFError"


Push = Callable[[Callback, Address], Response]


# Where there is no poll(), any two numbers will do.
READABLE, WRITABLE = getattr(select, "POLLIN", 1), getattr(select, "POLLOUT", 4)


def awaited(error: OSError, event: int) -> int:
    """What has to be waited for before a call that failed is made again; 0 when it would fail again.

    event: what the call itself needs. Encryption may have to read before it writes, and the other way round.
    """
    if isinstance(error, BlockingIOError):
        return event
    # By name, since `ssl` is there for https only.
    return {"SSLWantReadError": READABLE, "SSLWantWriteError": WRITABLE}.get(type(error).__name__, 0)


def ready(files: Collection[int], seconds: float, event: int) -> Collection[int]:
    """Those of the files that can be read, or written; waits for one at most so many seconds."""
    if not hasattr(select, "poll"):  # Windows
        asked = (files, []) if event == READABLE else ([], files)
        return set().union(*select.select(*asked, [], max(seconds, 0)))
    poll = select.poll()  # select() ends at 1024 file descriptors, and a busy receiver may hold more
    for file in files:
        poll.register(file, event)
    return {file for file, _ in poll.poll(math.ceil(max(seconds, 0) * 1000))}
