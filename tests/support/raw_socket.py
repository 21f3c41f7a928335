"""Raw bytes over loopback: a client and a server that a test controls to the byte."""

import itertools
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPResponse

DEADLINE = 10.0  # seconds; no passing test comes near it

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

Place = tuple[str, int]


def talk(place: Place, data: bytes) -> bytes:
    """Send bytes. All that comes back until the other side closes."""
    with socket.create_connection(place, DEADLINE) as connection:
        connection.sendall(data)
        return read_to_end(connection)


def read_to_end(connection: socket.socket) -> bytes:
    connection.settimeout(DEADLINE)
    parts = []
    with suppress(ConnectionError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def answer_on(connection: socket.socket, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """The next response on a connection that stays open: status, headers, body."""
    connection.settimeout(DEADLINE)
    with HTTPResponse(connection, method=method) as response:
        response.begin()
        return response.status, dict(response.getheaders()), response.read()


def wait_until(condition: Callable[[], bool]) -> None:
    """Polls, where there is no event to wait for; also for what another process does."""
    deadline = time.monotonic() + 2 * DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.002)


Conversation = Callable[["RawServer", socket.socket], None]


class RawServer:
    """Holds a conversation on each connection, in a thread of its own.

    requests: the bytes of each request that was read. closed: released for each connection that has ended.
    """

    def __init__(self, conversations: Iterable[Conversation], *, port: int = 0) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.closed = threading.Semaphore(0)
        self._conversations = conversations
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=100)
        self.place: Place = self._listener.getsockname()
        self.host = f"127.0.0.1:{self.place[1]}"
        self.url = f"http://{self.host}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def read_request(self, connection: socket.socket) -> bytes:
        """The next request of a conversation; ConnectionAbortedError at its end."""
        request = read_request(connection)
        self.requests.append(request)
        return request

    def _accept(self) -> None:
        for converse in self._conversations:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # the test is over
                return
            self.connections += 1
            self._threads.append(threading.Thread(target=self._hold, args=(connection, converse)))
            self._threads[-1].start()

    def _hold(self, connection: socket.socket, converse: Conversation) -> None:
        with connection, suppress(ConnectionError):
            connection.settimeout(DEADLINE)
            self._open.add(connection)
            converse(self, connection)
        self._open.discard(connection)
        self.closed.release()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)  # no further request; a response may be on its way
        for thread in self._threads:
            thread.join(DEADLINE)


def scripted(responses: Iterable[bytes | None]) -> Conversation:
    """A response to each request, in order. After None the server sends nothing until the client gives up."""

    def converse(server: RawServer, connection: socket.socket) -> None:
        for response in responses:
            server.read_request(connection)
            if response is None:
                connection.recv(1)
            else:
                connection.sendall(response)

    return converse


@contextmanager
def raw_server(*script: Iterable[bytes | None]) -> Iterator[RawServer]:
    """A server that plays a script: responses for each connection, which is then closed."""
    with closing(RawServer(map(scripted, script))) as server:
        yield server


# Below the ports that the system gives to programs that ask for any: nobody takes one meanwhile. Each process begins at
# a place of its own.
_FIRST = 10_000 + 2 * (os.getpid() * 101 % 11_000)
_PORTS: Iterator[int] = itertools.cycle([*range(_FIRST, 32_000, 2), *range(10_000, _FIRST, 2)])


def closed_port() -> int:
    """A port of this machine on which no program listens, nor on the next one."""
    for port in itertools.islice(_PORTS, 11_000):
        with suppress(OSError), _listening(port), _listening(port + 1):
            return port
    raise AssertionError("no port is free")


def _listening(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port))


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(connection)
    head = data.partition(b"\r\n\r\n")[0].lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
    while len(data) < len(head) + 4 + length:
        data += _some(connection)
    return data


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionAbortedError
    return data
