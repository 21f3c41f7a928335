"""A request is sent again, on a new connection, if the first connection was used before and gave no response."""

import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import pytest

from devkit.errors import PushError
from devkit.http.address import parse_address
from devkit.http.client import Connection
from devkit.simulator.tls import trust_in
from devkit.webhook.callback import Callback, compose, to_wire
from tests.support.hanging_up_server import at_next_request, hanging_up_server
from tests.support.raw_socket import DEADLINE, OK, raw_server, read_request

CALLBACK = compose({"msisdn": "447700900001", "status": "delivered"}, "form", target="/dlr")
NOTHING = b""  # the request is read, and the connection closed without a response


def test_a_request_that_a_used_connection_lost_is_sent_once_more() -> None:
    with (
        raw_server([OK, OK, NOTHING], [OK, OK]) as server,
        Connection(parse_address(server.url)) as connection,
    ):
        answers = [connection.push(CALLBACK) for _ in range(4)]

    assert [(each.status, each.sent_again) for each in answers] == [
        (200, False),
        (200, False),
        (200, True),
        (200, False),
    ]
    assert server.requests == [to_wire(CALLBACK)] * 5
    assert server.connections == 2


def test_a_request_that_was_reset_unread_is_sent_once_more() -> None:
    with (
        hanging_up_server(lambda _: 200, at_next_request, hang_up_after=200) as target,
        Connection(parse_address(target.url)) as connection,
    ):
        answers = [connection.push(CALLBACK) for _ in range(3)]

        assert [(each.status, each.sent_again) for each in answers] == [
            (200, False),
            (200, True),
            (200, True),
        ]
        assert target.requests == [to_wire(CALLBACK)] * 3


def test_a_new_connection_is_tried_once() -> None:
    with raw_server([NOTHING], [OK]) as server, Connection(parse_address(server.url)) as connection:
        with pytest.raises(PushError) as caught:
            connection.push(CALLBACK)

        assert (caught.value.reason, caught.value.sent_again) == ("closed", False)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("second", "reason"), [(NOTHING, "closed"), (b"HTTP/1.1 2", "closed"), (None, "timeout")]
)
def test_a_request_is_not_sent_a_third_time(second: bytes | None, reason: str) -> None:
    with (
        raw_server([OK, NOTHING], [second], [OK]) as server,
        Connection(parse_address(server.url), timeout=0.2) as connection,
    ):
        connection.push(CALLBACK)
        with pytest.raises(PushError) as caught:
            connection.push(CALLBACK)

        assert (caught.value.reason, caught.value.sent_again) == (reason, True)
        assert len(server.requests) == 3
        assert connection.push(CALLBACK).status == 200


@pytest.mark.parametrize(
    "begin", [b"H", b"\r\n", b"HTTP/1.1 20", b"HTTP/1.1 100 Continue\r\n\r\n", b"\x00", None]
)
def test_after_the_first_byte_of_a_response_or_a_time_out_nothing_is_sent_again(begin: bytes | None) -> None:
    with (
        raw_server([OK, begin], [OK]) as server,
        Connection(parse_address(server.url), timeout=DEADLINE if begin else 0.2) as connection,
    ):
        connection.push(CALLBACK)
        with pytest.raises(PushError) as caught:
            connection.push(CALLBACK)

        assert (caught.value.reason, caught.value.sent_again) == ("closed" if begin else "timeout", False)
        assert len(server.requests) == 2


def test_a_target_that_is_gone_counts_as_closed_because_it_may_have_read_the_receipt() -> None:
    def serve(listener: socket.socket) -> None:
        with listener.accept()[0] as connection:
            listener.close()
            read_request(connection)
            connection.sendall(OK)
            read_request(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        with Connection(parse_address(url)) as connection:
            connection.push(CALLBACK)
            with pytest.raises(PushError) as caught:
                connection.push(CALLBACK)
        thread.join(DEADLINE)

    assert (caught.value.reason, caught.value.sent_again) == ("closed", False)


LARGE = Callback("POST", "/dlr", (("Content-Length", "8388608"),), b"x" * 8_388_608)
TOO_LARGE = b"HTTP/1.1 413 Words\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def hanging_up_amid_the_second_request(
    context: ssl.SSLContext | None = None,
) -> Iterator[tuple[int, list[bytes]]]:
    """A server's port, and what came of the requests that it broke off: it answers each connection once."""
    begun: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                with listener.accept()[0] as plain:
                    plain.settimeout(DEADLINE)
                    with context.wrap_socket(plain, server_side=True) if context else plain as connection:
                        read_request(connection)
                        connection.sendall(OK)
                        begun.append(connection.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1], begun
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(DEADLINE)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a reset connection forgets what came before")
def test_a_response_to_an_incomplete_request_counts() -> None:
    def answer_amid_the_body(listener: socket.socket) -> None:
        with listener.accept()[0] as connection:
            read_request(connection)
            connection.sendall(OK)
            connection.recv(4096)
            connection.sendall(TOO_LARGE)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_amid_the_body, args=(listener,))
        thread.start()
        with Connection(parse_address(f"http://127.0.0.1:{listener.getsockname()[1]}")) as connection:
            connection.push(CALLBACK)
            answer = connection.push(LARGE)
        thread.join(DEADLINE)

    assert (answer.status, answer.sent_again) == (413, False)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("callback", [CALLBACK, LARGE], ids=["small", "large"])
def test_a_connection_that_ends_during_the_request_is_treated_alike(
    scheme: str, callback: Callback, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = trust_in(tmp_path_factory.mktemp("trust"), datetime.now(UTC))
    monkeypatch.setenv("SSL_CERT_FILE", str(trust.authority))

    context = trust.context() if scheme == "https" else None
    with (
        hanging_up_amid_the_second_request(context) as (port, begun),
        Connection(parse_address(f"{scheme}://127.0.0.1:{port}")) as connection,
    ):
        connection.push(CALLBACK)
        answer = connection.push(callback)

    assert (answer.status, answer.sent_again) == (200, True)
    assert to_wire(callback).startswith(begun[0])
