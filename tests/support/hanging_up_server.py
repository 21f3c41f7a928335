"""A server that hangs up on kept-alive connections unannounced."""

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import repeat

from tests.support.raw_socket import DEADLINE, Conversation, RawServer


def after(milliseconds: float) -> Conversation:
    """Hang up so long after a response; at once when the next request comes, which is not read."""
    return lambda _, connection: select.select([connection], [], [], milliseconds / 1000) and None


at_next_request = after(DEADLINE * 1000)


def after_next_request(server: RawServer, connection: socket.socket) -> None:
    """Read the next request, and hang up without a response."""
    server.read_request(connection)


def amid_next_response(server: RawServer, connection: socket.socket) -> None:
    """Read the next request, and hang up in the middle of the status line."""
    server.read_request(connection)
    connection.sendall(b"HTTP/1.1 20")


class HangingUpServer(RawServer):
    """Ends a connection in the way of `ending`, after a response of status `hang_up_after`.

    status_of: the response to a request. answered: the requests that got one, each with its status.
    """

    def __init__(self, status_of: Callable[[bytes], int], ending: Conversation, hang_up_after: int) -> None:
        self.answered: list[tuple[bytes, int]] = []
        self._status_of = status_of
        self._ending = ending
        self._hang_up_after = hang_up_after
        super().__init__(repeat(lambda _, connection: self._converse(connection)))

    def _converse(self, connection: socket.socket) -> None:
        status = 0
        while status != self._hang_up_after:
            request = self.read_request(connection)
            status = self._status_of(request)
            self.answered.append((request, status))
            connection.sendall(b"HTTP/1.1 %d Words\r\nContent-Length: 0\r\n\r\n" % status)
        self._ending(self, connection)


@contextmanager
def hanging_up_server(
    status_of: Callable[[bytes], int], ending: Conversation, *, hang_up_after: int
) -> Iterator[HangingUpServer]:
    with closing(HangingUpServer(status_of, ending, hang_up_after)) as server:
        yield server
