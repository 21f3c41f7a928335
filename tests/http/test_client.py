import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.errors import PushError
from devkit.http.address import parse_address
from devkit.http.client import Connection, push
from devkit.webhook.callback import Callback, compose, to_wire
from tests.support.raw_socket import DEADLINE, OK, RawServer, raw_server

CALLBACK = compose({"msisdn": "447700900001", "status": "delivered"}, "form", target="/dlr")


@pytest.mark.parametrize(
    "callback",
    [
        CALLBACK,
        compose({"status": "delivered"}, "get"),
        compose({"status": "delivered"}, "json"),
        Callback("GET", "//%7e;x?\xff=\x80", (("X-b", ""), ("x-B", "caf\xe9"), ("X-b", "2"))),
        Callback("POST", "/", (("content-LENGTH", "3"),), b"\x00\xff\n"),
    ],
)
def test_the_bytes_on_the_wire_are_the_callback(callback: Callback) -> None:
    with raw_server([OK]) as server:
        answer = push(callback, parse_address(server.url))

    assert answer.status == 200
    assert server.requests == [to_wire(callback)]


@contextmanager
def kept_open() -> Iterator[tuple[RawServer, Connection]]:
    with raw_server([OK] * 60) as server, Connection(parse_address(server.url)) as connection:
        yield server, connection


@given(body=st.binary(max_size=300))
def test_any_body_is_sent_as_it_is(body: bytes) -> None:
    callback = Callback("POST", "/", (("Content-Length", str(len(body))),), body)
    with kept_open() as (server, connection):
        connection.push(callback)

    assert server.requests == [to_wire(callback)]


def test_a_connection_is_used_again() -> None:
    with kept_open() as (server, connection):
        statuses = [connection.push(CALLBACK).status for _ in range(5)]

    assert statuses == [200] * 5
    assert server.connections == 1
    assert server.requests == [to_wire(CALLBACK)] * 5


@pytest.mark.parametrize(
    "last",
    [OK, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\nbody to the end"],
)
def test_a_connection_that_the_target_closed_is_opened_again_and_nothing_is_sent_twice(last: bytes) -> None:
    with raw_server([last], [OK]) as server, Connection(parse_address(server.url)) as connection:
        first = connection.push(CALLBACK)
        assert server.closed.acquire(timeout=DEADLINE)
        second = connection.push(CALLBACK)

    assert (first.status, second.status) == (200, 200)
    assert server.requests == [to_wire(CALLBACK)] * 2


def test_unrequested_bytes_are_not_read_as_a_response() -> None:
    with (
        raw_server([OK + b"HTTP/1.1 500 Left over\r\n\r\n"], [OK]) as server,
        Connection(parse_address(server.url)) as connection,
    ):
        connection.push(CALLBACK)
        assert server.closed.acquire(timeout=DEADLINE)

        assert connection.push(CALLBACK).status == 200


@pytest.mark.parametrize("status", [204, 301, 302, 404, 500, 503])
def test_any_status_is_a_response(status: int) -> None:
    reply = f"HTTP/1.1 {status} Words\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n".encode()
    with raw_server([reply], [OK]) as server:
        answer = push(CALLBACK, parse_address(server.url))

        assert answer.status == status
        assert server.connections == 1


@pytest.mark.parametrize(
    "first",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + b"x" * 65536,
        b"SSH-2.0-OpenSSH_9\r\n",
    ],
)
def test_a_connection_that_cannot_be_reused_is_closed(first: bytes) -> None:
    with raw_server([first, None], [OK]) as server, Connection(parse_address(server.url)) as connection:
        with suppress(PushError):
            connection.push(CALLBACK)

        assert connection.push(CALLBACK).status == 200
        assert server.connections == 2


def test_a_chunked_response_is_joined_and_the_connection_kept() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n"
    with raw_server([chunked, chunked]) as server, Connection(parse_address(server.url)) as connection:
        bodies = [connection.push(CALLBACK).body for _ in range(2)]

    assert bodies == [b"hi!", b"hi!"]
    assert server.connections == 1


def test_a_response_to_head_has_no_body_whatever_its_length_says() -> None:
    head = Callback("HEAD", "/dlr", (("Host", "localhost"),))
    with (
        raw_server([b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", OK]) as server,
        Connection(parse_address(server.url)) as connection,
    ):
        answers = [connection.push(head), connection.push(head)]

    assert [(answer.status, answer.body) for answer in answers] == [(200, b"")] * 2
    assert server.connections == 1


@pytest.mark.parametrize("length", [b"Content-Length: 10000000\r\n", b""])
def test_a_huge_response_is_read_in_part(length: bytes) -> None:
    huge = b"HTTP/1.1 200 OK\r\n" + length + b"\r\n" + b"x" * 500_000
    with raw_server([huge], [OK]) as server, Connection(parse_address(server.url)) as connection:
        answer = connection.push(CALLBACK)
        after = connection.push(CALLBACK)

    assert (answer.status, answer.body) == (200, b"x" * 65536)
    assert after.status == 200


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 20",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"\x00" * 100,
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_without_a_valid_response_there_is_an_error_and_nothing_is_sent_again(reply: bytes) -> None:
    with raw_server([reply], [OK]) as server:
        with pytest.raises(PushError) as caught:
            push(CALLBACK, parse_address(server.url))

        assert caught.value.reason == "closed"
        assert server.requests == [to_wire(CALLBACK)]


@pytest.mark.parametrize(
    "rest", [b"Content-", b"Content-Length: 9\r\n\r\nhalf", b"Content-Length: 9\r\n\r\n"]
)
def test_a_status_counts_even_when_the_rest_of_the_response_is_missing(rest: bytes) -> None:
    with (
        raw_server([b"HTTP/1.1 200 OK\r\n" + rest], [OK]) as server,
        Connection(parse_address(server.url)) as connection,
    ):
        first = connection.push(CALLBACK)
        assert server.closed.acquire(timeout=DEADLINE)

        assert (first.status, connection.push(CALLBACK).status) == (200, 200)


def test_a_silent_target_runs_into_the_time_out() -> None:
    with raw_server([None]) as server, pytest.raises(PushError, match=r"no answer within 0\.05 s") as caught:
        push(CALLBACK, parse_address(server.url), timeout=0.05)

    assert caught.value.reason == "timeout"


def test_after_a_failure_the_next_push_has_a_connection_of_its_own() -> None:
    with raw_server([b""], [OK]) as server, Connection(parse_address(server.url)) as connection:
        with pytest.raises(PushError):
            connection.push(CALLBACK)

        assert connection.push(CALLBACK).status == 200


def test_https_to_a_plain_server_is_unreachable_and_sends_no_receipt() -> None:
    received: list[bytes] = []

    def listen_once(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            received.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=listen_once, args=(listener,))
        thread.start()
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(PushError) as caught:
            push(CALLBACK, parse_address(f"https://{host}/"))
        thread.join(DEADLINE)

    assert caught.value.reason == "unreachable"
    assert isinstance(caught.value.__cause__, ssl.SSLError)
    assert caught.value.message == f"https://{host} does not speak https (it answers in plain http)."
    assert caught.value.hint == f"If your application speaks plain http, use http://{host}"
    assert b"447700900001" not in received[0]


def test_a_high_file_descriptor_can_be_polled() -> None:
    resource = pytest.importorskip("resource")
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 1200:
        pytest.skip("this process may not open as many files")
    sockets = [socket.socket() for _ in range(1050)]
    try:
        with kept_open() as (server, connection):
            statuses = [connection.push(CALLBACK).status for _ in range(2)]
    finally:
        for one in sockets:
            one.close()

    assert statuses == [200, 200]
    assert server.connections == 1


def test_a_response_has_its_headers_as_they_arrived() -> None:
    answer = b"HTTP/1.1 200 OK\r\nX-b:  1 \r\nx-B:caf\xe9\r\nContent-Length: 0\r\nno header\r\n\r\n"
    with raw_server([b"HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n" + answer]) as server:
        response = push(CALLBACK, parse_address(server.url))

    assert response.headers == [("X-b", "1"), ("x-B", "caf\xe9"), ("Content-Length", "0")]
