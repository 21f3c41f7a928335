"""A server whose answer never comes to an end."""

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

Server = TypeVar("Server", bound=socketserver.BaseServer)

DRIP = 0.02  # seconds between two bytes


class SlowServer(socketserver.ThreadingTCPServer):
    """Answers a request with `first` at once, then with `drip` again and again, until the client closes.

    on_request: called when a request has arrived. closed: released for each client that has closed.
    """

    daemon_threads = True

    def __init__(self, first: bytes, drip: bytes, on_request: Callable[[], None]) -> None:
        super().__init__(("127.0.0.1", 0), _Slow)
        self.first, self.drip, self.on_request = first, drip, on_request
        self.closed = threading.Semaphore(0)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Slow(socketserver.BaseRequestHandler):
    server: SlowServer
    request: socket.socket

    def handle(self) -> None:
        with suppress(OSError):
            if self.request.recv(65536):
                self.server.on_request()
                self.request.sendall(self.server.first)
                self._drip()
        self.server.closed.release()

    def _drip(self) -> None:
        self.request.settimeout(DRIP)
        while True:
            if self.server.drip:
                self.request.sendall(self.server.drip)
            with suppress(TimeoutError):
                if not self.request.recv(1):
                    return
                time.sleep(DRIP)


@contextmanager
def slow_server(
    first: bytes = b"", drip: bytes = b"", on_request: Callable[[], None] = lambda: None
) -> Iterator[SlowServer]:
    with serving(SlowServer(first, drip, on_request)) as server:
        yield server


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """The server runs while the block does."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
