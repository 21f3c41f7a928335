"""A server that handles requests that arrived together in one thread."""

import errno
import logging
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest
from waitress import wasyncore

from devkit.http.channel import Channel, Parser
from devkit.http.request import ReceivedRequest
from tests.support.raw_socket import DEADLINE, Place, answer_on, read_to_end, talk, wait_until
from tests.support.wsgi_server import CLOSE, App, running, status_of

ASK = b"GET /%d HTTP/1.1\r\n\r\n"


class Handler:
    """Handles every request; the first batch waits for `go_on`. batches: the paths of requests that came together.

    after: runs after the responses.
    """

    def __init__(
        self, then: Callable[[str], int | None] = lambda path: 201, *, after: Callable[[], object] = bool
    ) -> None:
        self.batches: list[list[str]] = []
        self.entered, self.go_on = threading.Event(), threading.Event()
        self._then, self._after = then, after

    def __call__(self, requests: Sequence[ReceivedRequest]) -> tuple[list[int | None], Callable[[], None]]:
        self.batches.append([request.callback.path for request in requests])
        self.entered.set()
        self.go_on.wait(DEADLINE)
        return [self._then(path) for path in self.batches[-1]], self._finish

    def _finish(self) -> None:
        self._after()


@contextmanager
def busy_server(handler: Handler, app: App | None = None) -> Iterator[Place]:
    """The server is busy with `GET /0` when the block begins, until `go_on` is set."""
    with (
        running(app or App(), handle_batch=handler) as place,
        socket.create_connection(place, DEADLINE) as first,
    ):
        first.sendall(ASK % 0)
        assert handler.entered.wait(DEADLINE)
        yield place
        assert answer_on(first)[0] == 201


def ask_on_connections(place: Place, count: int, stack: ExitStack) -> list[socket.socket]:
    connections = [stack.enter_context(socket.create_connection(place, DEADLINE)) for _ in range(count)]
    for number, connection in enumerate(connections, start=1):
        connection.sendall(ASK % number)
    return connections


def test_requests_that_arrive_while_it_is_busy_are_handled_together() -> None:
    handler, app = Handler(), App()
    with busy_server(handler, app) as place, ExitStack() as stack:
        asking = ask_on_connections(place, 20, stack)
        handler.go_on.set()

        assert [answer_on(connection)[0] for connection in asking] == [201] * 20

    first, *others = handler.batches
    assert first == ["/0"]
    assert sorted(path for batch in others for path in batch) == sorted(
        f"/{number}" for number in range(1, 21)
    )
    assert len(others) <= 2  # connections accepted in one round may be read in the next
    assert app.taken == []


def test_a_batch_has_its_limit() -> None:
    handler = Handler()
    with busy_server(handler) as place, ExitStack() as stack:
        asking = ask_on_connections(place, 150, stack)
        handler.go_on.set()

        assert {answer_on(connection)[0] for connection in asking} == {201}

    assert sum(map(len, handler.batches)) == 151
    assert 1 < max(map(len, handler.batches)) <= 64


def test_only_unhandled_requests_go_to_the_application() -> None:
    handler, app = Handler(lambda path: None if path == "/2" else 201), App()
    with busy_server(handler, app) as place, ExitStack() as stack:
        asking = ask_on_connections(place, 3, stack)
        handler.go_on.set()

        assert [answer_on(connection)[0] for connection in asking] == [201, 200, 201]

    assert [callback.path for callback in app.taken] == ["/2"]


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"GET / HTTP/1.1\r\n", b""),
        (b"GET / HTTP/1.1\r\nConnection: keep-alive\r\n", b""),
        (b"GET / HTTP/1.1\r\nConnection: Close\r\n", b""),
        (b"GET / HTTP/1.0\r\n", b""),
        (b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n", b""),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\n", b"hi"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", b"2\r\nhi\r\n0\r\n\r\n"),
    ],
)
def test_a_response_is_the_same_from_the_batch_handler_and_from_the_application(
    head: bytes, body: bytes
) -> None:
    def answers(status: int | None) -> list[bytes]:
        handler = Handler(lambda path: status)
        handler.go_on.set()
        with (
            running(App(), handle_batch=handler) as place,
            socket.create_connection(place, DEADLINE) as connection,
        ):
            connection.sendall(head + b"\r\n" + body)
            first = b""
            while not first.endswith(b"\r\n\r\n"):
                first += connection.recv(1000)
            with suppress(ConnectionError):  # where it was closed already
                connection.sendall(b"GET /last HTTP/1.1\r\n" + CLOSE + b"\r\n")
            found = [first, read_to_end(connection)]
        return [re.sub(rb"Date: [^\r]+", b"Date: -", answer) for answer in found]

    given = answers(200)

    assert given == answers(None)
    assert b" 200 OK\r\nContent-Length: 0\r\n" in given[0] or b" 200 OK\r\nConnection: " in given[0]


def test_requests_sent_together_on_one_connection_are_answered_in_turn() -> None:
    handler = Handler(lambda path: 200 + int(path[1:]))
    handler.go_on.set()
    with running(App(), handle_batch=handler) as place:
        answers = talk(place, ASK % 1 + ASK % 2 + ASK % 3 + b"GET /4 HTTP/1.1\r\n" + CLOSE + b"\r\n")

    assert [int(answer.split()[1]) for answer in answers.split(b"\r\n\r\n")[:-1]] == [201, 202, 203, 204]
    assert handler.batches == [["/1"], ["/2"], ["/3"], ["/4"]]


def test_many_requests_sent_together_delay_no_other_connection() -> None:
    with ExitStack() as stack:

        def handle(path: str) -> int:
            if path == "/1":
                late.sendall(ASK % 99)
            return 201

        handler = Handler(handle)
        handler.go_on.set()
        place = stack.enter_context(running(App(), handle_batch=handler))
        late, greedy = (stack.enter_context(socket.create_connection(place, DEADLINE)) for _ in range(2))
        greedy.sendall(together(8))

        assert answer_on(late)[0] == 201
        assert read_to_end(greedy).count(b"HTTP/1.1 201 ") == 8

    taken = [path for batch in handler.batches for path in batch]
    assert taken.index("/99") <= 2
    assert [path for path in taken if path != "/99"] == [f"/{number}" for number in range(1, 9)]


def together(count: int) -> bytes:
    """Requests for one connection, numbered from 1 on; the last one ends it."""
    return (
        b"".join(ASK % number for number in range(1, count))
        + b"GET /%d HTTP/1.1\r\n" % count
        + CLOSE
        + b"\r\n"
    )


def test_a_request_is_read_when_the_one_before_it_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    parse_header = Parser.parse_header

    def parse(self: Parser, header_plus: bytes) -> None:
        read.append(header_plus.split()[1])
        parse_header(self, header_plus)

    def handle(path: str) -> int:
        known.append(len(read))
        return 201

    monkeypatch.setattr(Parser, "parse_header", parse)
    known: list[int] = []
    handler = Handler(handle)
    handler.go_on.set()
    with running(App(), handle_batch=handler) as place:
        assert talk(place, together(400)).count(b"HTTP/1.1 201 ") == 400

    assert known == list(range(1, 401))


def test_a_stop_answers_what_was_sent_together() -> None:
    handler = Handler()
    with ExitStack() as stack:
        serving = stack.enter_context(ExitStack())
        place = serving.enter_context(running(App(), handle_batch=handler))
        greedy = stack.enter_context(socket.create_connection(place, DEADLINE))
        greedy.sendall(b"".join(ASK % number for number in range(20)))
        assert handler.entered.wait(DEADLINE)
        handler.go_on.set()
        serving.close()

        assert read_to_end(greedy).count(b"HTTP/1.1 201 ") == 20


def test_a_refused_request_is_not_handed_over() -> None:
    handler = Handler()
    handler.go_on.set()
    with running(App(), handle_batch=handler) as place:
        assert status_of(talk(place, b"GET http://[/ HTTP/1.1\r\n\r\n")) == 400

    assert not any(handler.batches)


def test_a_bug_is_a_500_with_an_empty_body_and_the_server_continues(
    caplog: pytest.LogCaptureFixture,
) -> None:
    handler = Handler(lambda path: 1 // 0 if path == "/1" else 201)
    handler.go_on.set()
    with (
        running(App(), handle_batch=handler) as place,
        caplog.at_level(logging.CRITICAL, "devkit.http.channel"),
    ):
        assert status_of(talk(place, b"GET /1 HTTP/1.1\r\n" + CLOSE + b"\r\n")) == 500
        assert status_of(talk(place, b"GET /2 HTTP/1.1\r\n" + CLOSE + b"\r\n")) == 201


def test_the_work_after_the_responses_delays_the_stop_only() -> None:
    answered, done = threading.Event(), []
    handler = Handler(after=lambda: done.append(answered.wait(DEADLINE)))
    handler.go_on.set()
    with (
        running(App(), handle_batch=handler) as place,
        socket.create_connection(place, DEADLINE) as connection,
    ):
        connection.sendall(ASK % 1)
        assert answer_on(connection)[0] == 201
        assert done == []
        answered.set()

    assert done == [True]


def test_a_bug_after_the_responses_changes_no_response(caplog: pytest.LogCaptureFixture) -> None:
    handler = Handler(after=lambda: 1 // 0)
    handler.go_on.set()
    with (
        running(App(), handle_batch=handler) as place,
        caplog.at_level(logging.CRITICAL, "devkit.http.channel"),
    ):
        for _ in range(2):
            assert status_of(talk(place, b"GET /1 HTTP/1.1\r\n" + CLOSE + b"\r\n")) == 201


def test_a_client_that_leaves_before_its_response_is_no_error() -> None:
    handler = Handler()
    with busy_server(handler) as place:
        with socket.create_connection(place, DEADLINE) as gone:
            gone.sendall(ASK % 1)
        handler.go_on.set()

        assert status_of(talk(place, b"GET /2 HTTP/1.1\r\n" + CLOSE + b"\r\n")) == 201


def test_a_response_that_cannot_be_sent_closes_one_connection_only(monkeypatch: pytest.MonkeyPatch) -> None:
    send, failures = wasyncore.dispatcher.send, iter([errno.ETIMEDOUT])

    def fail_once(self: Any, data: bytes, do_close: bool = True) -> int:
        if code := next(failures, 0):
            raise OSError(code, os.strerror(code))
        return send(self, data, do_close)

    handler = Handler()
    handler.go_on.set()
    with running(App(), handle_batch=handler) as place:
        monkeypatch.setattr(wasyncore.dispatcher, "send", fail_once)

        assert talk(place, ASK % 1) == b""
        assert status_of(talk(place, b"GET /2 HTTP/1.1\r\n" + CLOSE + b"\r\n")) == 201


def test_a_bug_in_responding_closes_one_connection_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    respond, mistakes = Channel.respond, iter([True])

    def fail_once(self: Channel, status: int | None) -> None:
        1 // (0 if next(mistakes, False) else 1)
        respond(self, status)

    monkeypatch.setattr(Channel, "respond", fail_once)
    handler = Handler()
    handler.go_on.set()
    with (
        running(App(), handle_batch=handler) as place,
        caplog.at_level(logging.CRITICAL, "devkit.http.channel"),
    ):
        assert talk(place, ASK % 1) == b""
        assert status_of(talk(place, b"GET /2 HTTP/1.1\r\n" + CLOSE + b"\r\n")) == 201


def test_a_response_that_is_sent_in_parts_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    send = wasyncore.dispatcher.send
    handler = Handler()
    handler.go_on.set()
    with (
        running(App(), handle_batch=handler) as place,
        socket.create_connection(place, DEADLINE) as connection,
    ):
        monkeypatch.setattr(
            wasyncore.dispatcher, "send", lambda self, data, do_close=True: send(self, data[:7], do_close)
        )
        connection.sendall(ASK % 1)

        assert answer_on(connection)[0] == 201


def test_a_stop_answers_the_requests_in_progress() -> None:
    handler, stop, stopped = Handler(), threading.Event(), threading.Event()
    places: list[Place] = []

    def session() -> None:
        with running(App(), handle_batch=handler) as place:
            places.append(place)
            stop.wait(DEADLINE)
        stopped.set()

    thread = threading.Thread(target=session)
    thread.start()
    wait_until(lambda: bool(places))
    with socket.create_connection(places[0], DEADLINE) as connection:
        connection.sendall(ASK % 1)
        assert handler.entered.wait(DEADLINE)
        stop.set()
        assert not stopped.is_set()
        handler.go_on.set()

        assert status_of(read_to_end(connection)) == 201
    thread.join(DEADLINE)
    assert stopped.is_set()
