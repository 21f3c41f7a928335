"""Raw bytes over loopback: for tests of what happens at either end of a connection."""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPResponse

DEADLINE = 10.0  # seconds; nothing comes near it on a good day

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

Place = tuple[str, int]


def talk(place: Place, data: bytes) -> bytes:
    """Send bytes, and give all that comes back until the other side closes."""
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
    """The next answer on a connection that stays open: status, headers, body."""
    connection.settimeout(DEADLINE)
    with HTTPResponse(connection, method=method) as response:
        response.begin()
        return response.status, dict(response.getheaders()), response.read()


def wait_until(condition: Callable[[], bool]) -> None:
    """For what has no event to wait on; fails when it does not come about."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.002)


class RawServer:
    """Plays a script, one sequence of answers for each connection, and keeps the bytes of every request."""

    def __init__(self, script: Sequence[Iterable[bytes | None]]) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.closed = threading.Semaphore(0)  # released for each connection that was closed from here
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.place: Place = self._listener.getsockname()
        self.url = f"http://127.0.0.1:{self.place[1]}"
        self._thread = threading.Thread(target=self._play)
        self._thread.start()

    def _play(self) -> None:
        for answers in self._script:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # the test is over
                return
            with connection, suppress(ConnectionError):
                connection.settimeout(DEADLINE)
                self.connections += 1
                self._converse(connection, answers)
            self.closed.release()

    def _converse(self, connection: socket.socket, answers: Iterable[bytes | None]) -> None:
        for answer in answers:
            self.requests.append(read_request(connection))
            if answer is None:  # says nothing until the other side gives up
                connection.recv(1)
            else:
                connection.sendall(answer)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(DEADLINE)


@contextmanager
def raw_server(*script: Iterable[bytes | None]) -> Iterator[RawServer]:
    """answers: bytes as they go over the wire; None for silence. After its answers a connection is closed."""
    server = RawServer(script)
    try:
        yield server
    finally:
        server.close()


def closed_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


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
