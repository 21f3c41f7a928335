"""Requests and responses that are larger than the buffers of a connection, with and without TLS."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from devkit.errors import PushError
from devkit.http.address import parse_address
from devkit.http.client import Connection, push
from devkit.simulator.tls import Trust, trust_in
from devkit.webhook.callback import Callback, to_wire
from tests.support.raw_socket import DEADLINE

SIZE = 8 * 1024 * 1024  # bytes; more than both ends' buffers
LARGE = Callback("POST", "/dlr", (("Content-Length", str(SIZE)),), bytes(range(256)) * (SIZE // 256))
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + b"x" * 50_000


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return trust_in(tmp_path_factory.mktemp("trust"), datetime.now(UTC))


@contextmanager
def answering(times: int, context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[bytearray]]]:
    """A server's port, and the large requests that it took in; each is answered when all of it has come."""
    taken: list[bytearray] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.settimeout(DEADLINE)
        with context.wrap_socket(connection, server_side=True) if context else connection as stream:
            for _ in range(times):
                taken.append(bytearray())
                while len(taken[-1]) < len(to_wire(LARGE)) and (part := stream.recv(1024 * 1024)):
                    taken[-1] += part
                stream.sendall(ANSWER)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1], taken
        finally:
            thread.join(DEADLINE)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_large_request_and_its_response_are_transferred_whole(
    scheme: str, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(trust.authority))
    context = trust.context() if scheme == "https" else None

    with answering(2, context) as (port, taken):
        connection = Connection(parse_address(f"{scheme}://127.0.0.1:{port}"))
        with connection:
            answers = [connection.push(LARGE) for _ in range(2)]

    assert [(answer.status, len(answer.body)) for answer in answers] == [(200, 50_000)] * 2
    assert [request == to_wire(LARGE) for request in taken] == [True, True]


def test_a_target_that_stops_reading_runs_into_the_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = parse_address(f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(PushError) as caught:
            push(LARGE, address, timeout=0.05)

    assert caught.value.reason == "timeout"
