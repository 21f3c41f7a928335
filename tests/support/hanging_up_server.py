"""A target that hangs up on kept-alive connections unannounced, and counts what it takes and answers."""

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.support.raw_socket import DEADLINE, read_request

# What comes between an answer and the end of the connection; given the connection and what notes a request as taken.
Ending = Callable[[socket.socket, Callable[[bytes], None]], None]


def after(milliseconds: float) -> Ending:
    """Hang up so long after an answer; at once when the next request comes, which stays unread."""
    return lambda connection, _: select.select([connection], [], [], milliseconds / 1000) and None


at_next_request = after(DEADLINE * 1000)


def after_next_request(connection: socket.socket, take: Callable[[bytes], None]) -> None:
    """Read the next request, and hang up without a word."""
    take(read_request(connection))


def amid_next_answer(connection: socket.socket, take: Callable[[bytes], None]) -> None:
    """Read the next request, and hang up in the middle of the status line."""
    take(read_request(connection))
    connection.sendall(b"HTTP/1.1 20")


class HangingTarget:
    """taken: the requests that were read. answered: those that got an answer, each with its status. Thread-safe."""

    def __init__(self, status_of: Callable[[bytes], int], ending: Ending, hang_up_after: int) -> None:
        self.taken: list[bytes] = []
        self.answered: list[tuple[bytes, int]] = []
        self._status_of = status_of
        self._ending = ending
        self._hang_up_after = hang_up_after
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):  # the test is over
            while True:
                connection, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(ConnectionError):
            connection.settimeout(DEADLINE)
            while True:
                request = read_request(connection)
                self.taken.append(request)
                status = self._status_of(request)
                self.answered.append((request, status))
                connection.sendall(b"HTTP/1.1 %d Words\r\nContent-Length: 0\r\n\r\n" % status)
                if status == self._hang_up_after:
                    self._ending(connection, self.taken.append)
                    return

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(DEADLINE)


@contextmanager
def hanging_target(
    status_of: Callable[[bytes], int], ending: Ending, *, hang_up_after: int
) -> Iterator[HangingTarget]:
    """status_of: the answer to a request. ending: how a connection ends after an answer of status `hang_up_after`."""
    target = HangingTarget(status_of, ending, hang_up_after)
    try:
        yield target
    finally:
        target.close()
