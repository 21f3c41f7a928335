"""Pushes callbacks to a URL, byte for byte. Never follows a redirect, never changes a header."""

import math
import select
import socket
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit

from devkit.answer import BadAnswer, read_answer
from devkit.callback import Callback, to_wire
from devkit.errors import PushError, UsageError
from devkit.loopback import is_loopback

_LEAST_WAIT = 0.001  # seconds for an answer that may have come while nobody looked
# Where there is no poll(), any two numbers will do.
_READABLE, _WRITABLE = getattr(select, "POLLIN", 1), getattr(select, "POLLOUT", 4)

_Given = TypeVar("_Given")
_Got = TypeVar("_Got")

_DEFAULT_PORTS = {"http": 80, "https": 443}

# What getaddrinfo finds: family, kind, protocol, canonical name, and the place to connect to.
_Found = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. seconds: from the first byte sent to the last byte read. body: its first 64 KiB."""

    status: int
    seconds: float
    body: bytes


@dataclass(frozen=True, slots=True)
class Address:
    """Where callbacks are pushed to. target: path and query, empty when the URL has none."""

    scheme: str
    host: str
    port: int
    target: str
    allow_remote: bool

    @property
    def netloc(self) -> str:
        """Host and port as a Host header says them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        # Without the path: it can hold a secret.
        return f"{self.scheme}://{self.netloc}"


def parse_address(url: str, *, allow_remote: bool = False) -> Address:
    """The address in a URL; `localhost:5000/dlr` without a scheme is http. Raises UsageError."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        default = _DEFAULT_PORTS.get(parts.scheme, 0)  # 0: neither http nor https
        port = default if parts.port is None or not default else parts.port
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.username is not None:
        raise UsageError("A URL to send receipts to holds a user name or password.", hint="Leave them out.")
    if not port or not parts.hostname:
        raise UsageError(
            f"Not a URL to send receipts to: {url!r}.", hint="Write it as http://127.0.0.1:5000/your/path"
        )
    # Looked for in the URL as it was typed: urlsplit drops line breaks and tabs without a word.
    if not all("!" <= char <= "~" for char in url):
        raise UsageError(
            f"The URL {url!r} holds characters that must be percent-encoded.", hint="Encode them."
        )
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    return Address(parts.scheme, parts.hostname, port, target, allow_remote)


class Connection:
    """A kept-alive connection to one address; opens itself when needed. For one thread."""

    def __init__(self, address: Address, *, connect_timeout: float = 3, timeout: float = 15) -> None:
        """Both time-outs in seconds; `timeout` is for each wait on the target, not for the whole answer."""
        self._address = address
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._socket: socket.socket | None = None
        self._heard_at = 0.0  # when something was asked, or a part of the answer came

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def push(self, callback: Callback) -> Answer:
        """Send one callback and read the answer. Raises PushError when none comes, UsageError for a remote target.

        A callback is sent once: whether a target that broke off had taken it can't be known.
        """
        return self.ask(to_wire(callback), callback.method)()

    def ask(self, wire: bytes, method: str) -> Callable[[], Answer]:
        """Send one callback. What it gives reads the answer: ask for nothing else before. Errors as `push`, in both.

        Whatever is done in between costs no time, because the target is at work then. See `answered`.
        wire: the whole request. method: that of it.
        """
        if self._socket is not None and _is_stale(self._socket):
            self.close()
        if self._socket is None:
            self._socket = _connect(self._address, self._connect_timeout)
        connection = self._socket
        started = self._heard_at = time.monotonic()
        try:
            while wire:
                wire = wire[self._at_last(connection.send, wire, _WRITABLE) :]
        except OSError as error:
            raise self._broken(error) from error

        def answer() -> Answer:
            try:
                reading = read_answer(receive, method)
            except (OSError, BadAnswer) as error:
                raise self._broken(error) from error
            if not reading.reusable:
                self.close()
            return Answer(reading.status, self._heard_at - started, reading.body)

        def receive(size: int) -> bytes:
            part = self._at_last(connection.recv, size, _READABLE)
            self._heard_at = time.monotonic()
            return part

        return answer

    def _at_last(self, act: Callable[[_Given], _Got], given: _Given, event: int) -> _Got:
        """What a call on the socket gives, as soon as it can be done, which is mostly at once. event: what it needs.

        The socket itself never waits: before each call on one that has a time-out, Python asks the system.
        """
        while True:
            try:
                return act(given)
            except OSError as error:
                if not (awaited := _awaited(error, event)):
                    raise
            if not _ready([self.fileno()], max(self.patience(), _LEAST_WAIT), awaited):
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
            )
        return PushError(
            f"{self._address} broke off without a proper answer.",
            hint="Look at the log of the program that listens there.",
            reason="closed",
        )


def push(callback: Callback, address: Address, *, connect_timeout: float = 3, timeout: float = 15) -> Answer:
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
    there = _ready([each.fileno() for each in connections], seconds, _READABLE)
    return [each for each in connections if each.fileno() in there]


def _is_stale(connection: socket.socket) -> bool:
    # Readable while nothing was asked: the other side has closed, or talks out of turn.
    return bool(_ready([connection.fileno()], 0, _READABLE))


def _awaited(error: OSError, event: int) -> int:
    """What has to be waited for before a call that failed is made again; 0 when it would fail again.

    event: what the call itself needs. Encryption may have to read before it writes, and the other way round.
    """
    if isinstance(error, BlockingIOError):
        return event
    # By name, since `ssl` is there for https only.
    return {"SSLWantReadError": _READABLE, "SSLWantWriteError": _WRITABLE}.get(type(error).__name__, 0)


def _ready(files: Collection[int], seconds: float, event: int) -> Collection[int]:
    """Those of the files that can be read, or written; waits for one at most so many seconds."""
    if not hasattr(select, "poll"):  # Windows
        asked = (files, []) if event == _READABLE else ([], files)
        return set().union(*select.select(*asked, [], max(seconds, 0)))
    poll = select.poll()  # select() ends at 1024 file descriptors, and a busy receiver may hold more
    for file in files:
        poll.register(file, event)
    return {file for file, _ in poll.poll(math.ceil(max(seconds, 0) * 1000))}
