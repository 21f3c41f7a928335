"""A host name that is reached through a proxy only: a proxy, and an https server for that name."""

import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.raw_socket import DEADLINE, Place
from tests.support.slow_server import serving


class ConnectProxy(socketserver.ThreadingTCPServer):
    """Leads every CONNECT to one place, whatever its name. refuses: with 407, as one that wants a password.

    asked: the names and ports of the CONNECT requests.
    """

    daemon_threads = True

    def __init__(self, place: Place, refuses: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Connect)
        self.place, self.refuses = place, refuses
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Connect(socketserver.StreamRequestHandler):
    server: ConnectProxy

    def handle(self) -> None:
        method, name, _ = self.rfile.readline().decode().split()
        self.server.asked.append(f"{method} {name}")
        while self.rfile.readline().strip():
            pass
        if self.server.refuses:
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(self.server.place, DEADLINE) as onward:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            pass_on_both_ways(self.connection, onward)


def pass_on_both_ways(one: socket.socket, other: socket.socket) -> None:
    """What comes on either connection goes out on the other, until both have ended."""
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
    with serving(ConnectProxy(place, refuses)) as proxy:
        yield proxy


class HttpsServer(ThreadingHTTPServer):
    """Answers 200 to each request, for one host name, or leads it on to a port of this machine.

    authority: what trusts it. asked: methods, paths and headers.
    """

    daemon_threads = True

    def __init__(self, name: str, directory: Path, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Https)
        self.port = port
        self.authority = _certificate(name, directory)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.authority)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.place: Place = self.server_address[:2]  # type: ignore[assignment]
        self.asked: list[tuple[str, str, dict[str, str]]] = []


class _Https(BaseHTTPRequestHandler):
    server: HttpsServer

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        headers = dict(self.headers.items())
        self.server.asked.append((self.command, self.path, headers))
        self.send_response(self._lead_on(headers) if self.server.port else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _lead_on(self, headers: dict[str, str]) -> int:
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=DEADLINE)
        try:
            connection.request(self.command, self.path, headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def https_server(name: str, directory: Path, port: int = 0) -> Iterator[HttpsServer]:
    with serving(HttpsServer(name, directory, port)) as server:
        yield server


def _certificate(name: str, directory: Path) -> Path:
    """A certificate that answers for itself, with its key in the same file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    public = key.public_key()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = directory / "server.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    return path
