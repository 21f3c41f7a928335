import logging
import socket
import string
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waitress import wasyncore

from devkit.http.request import ReceivedRequest
from devkit.http.server import MAX_BODY
from tests.support.raw_socket import DEADLINE, answer_on, read_to_end, talk
from tests.support.wsgi_server import CLOSE, App, Running, status_of
from tests.support.wsgi_server import running as serving


def leave_all(requests: Sequence[ReceivedRequest]) -> tuple[list[None], Callable[[], None]]:
    return [None for _ in requests], lambda: None


@pytest.fixture(scope="module", params=[{}, {"handle_batch": leave_all}])
def running(request: pytest.FixtureRequest) -> Running:
    """The server with threads, and with everything in one."""
    return partial(serving, **request.param)


def test_headers_come_in_order_case_and_multiplicity(running: Running) -> None:
    head = b"POST /x HTTP/1.1\r\nhOSt: a.test\r\nX-Twice: 2\r\nx-twice:  1 \t\r\nX_Under: u\r\nX-Empty:\r\n"
    with running(app := App()) as place:
        talk(place, head + b"X-Latin: caf\xe9\r\nContent-Length: 2\r\n" + CLOSE + b"\r\nhi")

    assert app.taken[0].headers == (
        ("hOSt", "a.test"),
        ("X-Twice", "2"),
        ("x-twice", "1"),
        ("X_Under", "u"),
        ("X-Empty", ""),
        ("X-Latin", "café"),
        ("Content-Length", "2"),
        ("Connection", "close"),
    )
    assert app.taken[0].body == b"hi"
    assert app.notes == [""]


def test_a_folded_header_is_joined_and_noted(running: Running) -> None:
    with running(app := App()) as place:
        talk(place, b"GET / HTTP/1.1\r\nX-Fold: one\r\n  two\r\n\tthree\r\n" + CLOSE + b"\r\n")

    assert app.taken[0].header("X-Fold") == "one two three"
    assert app.notes == ["a header that was folded over several lines was joined"]


def test_a_chunked_body_is_joined_and_noted(running: Running) -> None:
    body = b"3\r\nsta\r\n4;name=value\r\ntus=\r\n0\r\nX-Trailer: t\r\n\r\n"
    with running(app := App()) as place:
        talk(place, b"POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n" + CLOSE + b"\r\n" + body)

    assert app.taken[0].body == b"status="
    assert app.taken[0].header("Transfer-Encoding") == "Chunked"
    assert app.notes == ["the body arrived in chunks and was joined"]


@pytest.mark.parametrize(
    "target", ["/%7e%2F%zz?a=%41;b", "//a//b", "/x;y=1?", "/caf\xe9?\xff=\x80", "http://a.test/p?q", "*"]
)
def test_the_target_is_kept_to_the_byte(running: Running, target: str) -> None:
    with running(app := App()) as place:
        talk(place, b"GET " + target.encode("latin-1") + b" HTTP/1.1\r\n" + CLOSE + b"\r\n")

    assert [callback.target for callback in app.taken] == [target]


_TOKEN = st.text(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~", min_size=1, max_size=20)
_VALUE = st.text([chr(code) for code in range(0x20, 0x100) if code != 0x7F], max_size=30).map(
    lambda text: text.strip(" ")
)
_MEANT_FOR_THE_SERVER = ("content-length", "transfer-encoding", "connection", "expect")


@pytest.fixture(scope="module")
def kept_alive(running: Running) -> Iterator[tuple[App, socket.socket]]:
    with running(app := App()) as place, socket.create_connection(place) as connection:
        yield app, connection


@given(
    st.lists(
        st.tuples(_TOKEN.filter(lambda name: name.lower() not in _MEANT_FOR_THE_SERVER), _VALUE), max_size=100
    )
)
def test_any_headers_arrive_as_they_were_sent(
    kept_alive: tuple[App, socket.socket], pairs: list[tuple[str, str]]
) -> None:
    app, connection = kept_alive
    lines = "".join(f"{name}: {value}\r\n" for name, value in pairs)

    connection.sendall(f"GET / HTTP/1.1\r\n{lines}\r\n".encode("latin-1"))

    assert answer_on(connection)[0] == 200
    assert app.taken[-1].headers == tuple(pairs)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 2, 3\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: +1\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: two\r\nExpect: 100-continue\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding:\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked,\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: ,chunked\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", 501),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked;q=1\r\n", 501),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\n", 501),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n", 501),
        (b"GET / HTTP/1.1\r\nX-Bare: a\nb: c\r\n", 400),
        (b"GET / HTTP/1.1\r\nX Space: a\r\n", 400),
        (b"GET / HTTP/1.1\r\n folded: first\r\n", 400),
        (b"get / HTTP/1.1\r\n", 400),
        (b"GET http://[/ HTTP/1.1\r\n", 400),
        (b"GET /caf\xe9 and more HTTP/1.1\r\n", 400),
        *((b"GET /p%cq HTTP/1.1\r\n" % control, 400) for control in (*range(0x20), 0x7F)),
        (b"GET /caf\xe9\tq HTTP/1.1\r\n", 400),
        (b"GET \t/ HTTP/1.1\r\n", 400),
        (b"G\tET / HTTP/1.1\r\n", 400),
        (b"\x16\x03\x01\x02\x00 hello\r\n", 400),
        (b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 33_000 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 101, 431),
        (b"GET / HTTP/1.1\r\na:b\r\n" + b" c\r\n" * 100, 431),
        (b"POST / HTTP/1.1\r\nContent-Length: 9\r\n" + b"a:b\r\n" * 100, 431),
        (b"POST / HTTP/1.1\r\nContent-Length: 65537\r\n", 413),
        (b"POST / HTTP/1.1\r\nContent-Length: 65537\r\nExpect: 100-continue\r\n", 413),
    ],
)
def test_a_bad_request_is_refused_with_an_empty_body(running: Running, head: bytes, status: int) -> None:
    with running(app := App()) as place:
        answer = talk(place, head + b"\r\n")

    assert status_of(answer) == status
    assert app.taken == []


def test_a_hundred_header_lines_are_taken(running: Running) -> None:
    with running(app := App()) as place:
        answer = talk(place, b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 99 + CLOSE + b"\r\n")

    assert status_of(answer) == 200
    assert len(app.taken[0].headers) == 100


def test_a_chunked_body_above_the_limit_is_refused(running: Running) -> None:
    chunk = b"2000\r\n" + b"x" * 8192 + b"\r\n"
    with running(app := App()) as place:
        answer = talk(
            place, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 8 + chunk[:50]
        )

    assert status_of(answer) == 413
    assert app.taken == []


def test_a_body_at_the_limit_is_taken(running: Running) -> None:
    with running(app := App()) as place:
        head = f"POST / HTTP/1.1\r\nContent-Length: {MAX_BODY}\r\n".encode()
        answer = talk(place, head + CLOSE + b"\r\n" + b"x" * MAX_BODY)

    assert status_of(answer) == 200
    assert app.taken[0].body == b"x" * MAX_BODY


def test_100_continue_is_sent_when_it_is_expected(running: Running) -> None:
    with running(app := App()) as place, socket.create_connection(place, DEADLINE) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n" + CLOSE + b"\r\n"
        )
        received = connection.recv(100)
        connection.sendall(b"hi")
        answer = read_to_end(connection)

    assert received == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert status_of(answer) == 200
    assert app.taken[0].body == b"hi"


def test_100_continue_is_not_sent_for_a_request_without_a_body(running: Running) -> None:
    with running(App()) as place:
        answer = talk(place, b"GET / HTTP/1.1\r\nExpect: 100-continue\r\n" + CLOSE + b"\r\n")

    assert status_of(answer) == 200


def test_requests_sent_together_are_answered_in_turn(running: Running) -> None:
    with running(app := App()) as place:
        answer = talk(place, b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n" + CLOSE + b"\r\n")

    assert answer.count(b"200 OK") == 2
    assert [callback.target for callback in app.taken] == ["/1", "/2"]


def test_hundreds_of_requests_sent_together_are_answered_in_turn(running: Running) -> None:
    requests = [b"POST /%d HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi" % number for number in range(600)]
    with running(app := App()) as place:
        answer = talk(place, b"".join(requests) + b"GET /last HTTP/1.1\r\n" + CLOSE + b"\r\n")

    assert answer.count(b"200 OK") == 601
    assert [callback.target for callback in app.taken] == [f"/{number}" for number in range(600)] + ["/last"]
    assert {callback.body for callback in app.taken[:-1]} == {b"hi"}


def test_a_request_that_came_in_part_with_the_one_before_it_is_read_to_its_end(running: Running) -> None:
    with running(app := App()) as place, socket.create_connection(place, DEADLINE) as connection:
        connection.sendall(b"GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Le")
        assert answer_on(connection)[0] == 200
        connection.sendall(b"ngth: 2\r\n" + CLOSE + b"\r\nhi")

        assert status_of(read_to_end(connection)) == 200

    assert [(callback.target, callback.body) for callback in app.taken] == [("/1", b""), ("/2", b"hi")]


def test_100_continue_comes_after_the_responses_before_it(running: Running) -> None:
    with running(app := App()) as place, socket.create_connection(place, DEADLINE) as connection:
        head = b"POST /2 HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n" + CLOSE + b"\r\n"
        connection.sendall(b"GET /1 HTTP/1.1\r\n\r\n" + head)
        received = b""
        while b"100 Continue\r\n\r\n" not in received:
            received += connection.recv(1000)
        connection.sendall(b"hi")

        assert received.startswith(b"HTTP/1.1 200 OK\r\n")
        assert received.endswith(b"\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
        assert status_of(read_to_end(connection)) == 200

    assert app.taken[1].body == b"hi"


def test_100_continue_is_sent_once_while_a_thread_ends_its_response(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, sent, again = wasyncore.dispatcher.send, [], threading.Event()

    def send_slowly(self: Any, data: bytes, do_close: bool = True) -> int:
        if bytes(data) == b"HTTP/1.1 100 Continue\r\n\r\n":
            sent.append(threading.current_thread().name)
            again.set() if len(sent) > 1 else again.wait(0.2)  # two threads would both be here
        return send(self, data, do_close)

    monkeypatch.setattr(wasyncore.dispatcher, "send", send_slowly)
    with running(App()) as place, socket.create_connection(place, DEADLINE) as connection:
        head = b"POST /2 HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n" + CLOSE + b"\r\n"
        connection.sendall(b"GET /1 HTTP/1.1\r\n\r\n" + head)
        received = b""
        while b"100 Continue\r\n\r\n" not in received:
            received += connection.recv(1000)
        connection.sendall(b"hi")

        assert status_of(read_to_end(connection)) == 200

    assert sent == [f"server-{place[1]}"]


def test_a_bug_in_the_application_is_a_500_with_an_empty_body(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with running(App(during=lambda: 1 / 0)) as place, caplog.at_level(logging.CRITICAL, "waitress"):
        answer = talk(place, b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n")

    assert status_of(answer) == 500
