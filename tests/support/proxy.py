"""A host name that is reached through a proxy only: a proxy, and an https server for that name."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import repeat
from pathlib import Path

import trustme

from devkit.webhook.callback import Callback
from tests.support.raw_socket import DEADLINE, Place, RawServer
from tests.support.recording_server import RecordingServer, Response, recording_server
from tests.support.settings_gateway import forward


class ConnectProxy(RawServer):
    """Leads every CONNECT to one place, whatever name it has. refuses: respond 407, as without a password.

    asked: the methods and names of the requests.
    """

    def __init__(self, place: Place, refuses: bool) -> None:
        self.destination, self.refuses = place, refuses
        self.asked: list[str] = []
        super().__init__(repeat(lambda _, connection: self._converse(connection)))

    def _converse(self, connection: socket.socket) -> None:
        method, name, _ = self.read_request(connection).decode().split(" ", 2)
        self.asked.append(f"{method} {name}")
        if self.refuses:
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(self.destination, DEADLINE) as onward:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            pass_on_both_ways(connection, onward)


def pass_on_both_ways(one: socket.socket, other: socket.socket) -> None:
    """Copy bytes between two connections until both have ended."""
    back = threading.Thread(target=_pass_on, args=(other, one))
    back.start()
    _pass_on(one, other)
    back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def connect_proxy(place: Place, *, refuses: bool = False) -> Iterator[ConnectProxy]:
    with closing(ConnectProxy(place, refuses)) as proxy:
        yield proxy


@contextmanager
def https_server(name: str, authority: Path, port: int = 0) -> Iterator[RecordingServer]:
    """Responds 200 for one host name, or forwards to a port. authority: where to write the CA certificate."""

    def respond(request: Callback) -> Response | None:
        return forward(request, f"127.0.0.1:{port}") if port else Response()

    issuer = trustme.CA()
    issuer.cert_pem.write_to_path(str(authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert(name).configure_cert(context)
    with recording_server(respond, tls=context) as server:
        yield server
