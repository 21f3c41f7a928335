"""A server whose response never comes to an end."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import repeat

from tests.support.raw_socket import Conversation, RawServer

DRIP = 0.02  # seconds between two bytes


def dripping(first: bytes, drip: bytes, on_request: Callable[[], object] = lambda: None) -> Conversation:
    """Responds with `first` at once, then with `drip` again and again, until the client closes."""

    def converse(_: RawServer, connection: socket.socket) -> None:
        if not connection.recv(65536):
            return
        on_request()
        connection.sendall(first)
        connection.settimeout(DRIP)
        with suppress(OSError):  # the client is gone, or reads no more
            while True:
                connection.sendall(drip)
                with suppress(TimeoutError):
                    if not connection.recv(1):
                        return
                    time.sleep(DRIP)

    return converse


@contextmanager
def slow_server(
    first: bytes = b"", drip: bytes = b"", on_request: Callable[[], object] = lambda: None
) -> Iterator[RawServer]:
    """on_request: called when a request has arrived."""
    with closing(RawServer(repeat(dripping(first, drip, on_request)))) as server:
        yield server
