import socket
import threading
import time
from contextlib import ExitStack

import pytest

from devkit.errors import ConfigurationError
from devkit.http import server
from devkit.http.server import listen
from tests.support.raw_socket import DEADLINE, Place, answer_on, read_to_end, talk, wait_until
from tests.support.wsgi_server import CLOSE, App, running, status_of


@pytest.mark.parametrize("start", [b"GE", b"POST / HTTP/1.1\r\nContent-Length: 9999\r\n\r\n", b""])
def test_what_drips_in_or_stays_idle_is_cut_off(start: bytes) -> None:
    with running(app := App(), timeout=0.2) as place, socket.create_connection(place) as connection:
        connection.sendall(start)
        connection.settimeout(0.02)

        def cut_off() -> bool:
            try:
                if start:
                    connection.sendall(b"x")  # a byte at a time does not extend the time limit
                return connection.recv(1) == b""
            except TimeoutError:
                return False
            except ConnectionError:
                return True

        wait_until(cut_off)

    assert app.taken == []


def test_a_slow_application_is_waited_for_longer_than_a_slow_request() -> None:
    time_is_over = threading.Event()
    with (
        running(App(during=lambda: time_is_over.wait(DEADLINE)), timeout=0.1) as place,
        socket.create_connection(place) as working,
        socket.create_connection(place) as idle,
    ):
        working.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert read_to_end(idle) == b""
        time_is_over.set()

        assert answer_on(working)[0] == 200


def test_two_hundred_idle_connections_delay_no_request() -> None:
    with running(app := App()) as place, ExitStack() as stack:
        for number in range(200):
            idle = stack.enter_context(socket.create_connection(place, DEADLINE))
            if number % 2:
                idle.sendall(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf")
        answer = talk(place, b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n")

    assert status_of(answer) == 200
    assert len(app.taken) == 1


def test_a_stop_finishes_the_requests_in_progress_and_closes_everything() -> None:
    before = set(threading.enumerate())
    entered, go_on, stop = threading.Event(), threading.Event(), threading.Event()
    places: list[Place] = []

    def during() -> None:
        entered.set()
        go_on.wait(DEADLINE)

    def session() -> None:
        with running(App(during)) as place:
            places.append(place)
            stop.wait(DEADLINE)

    thread = threading.Thread(target=session)
    thread.start()
    wait_until(lambda: bool(places))
    with socket.create_connection(places[0]) as working, socket.create_connection(places[0]) as idle:
        working.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert entered.wait(DEADLINE)
        stop.set()
        wait_until(lambda: not answers(places[0]))  # it is stopping
        go_on.set()

        assert answer_on(working)[0] == 200
        assert read_to_end(working) == b""
        assert read_to_end(idle) == b""
    thread.join(DEADLINE)
    wait_until(lambda: set(threading.enumerate()) <= before)


def answers(place: Place) -> bool:
    try:
        socket.create_connection(place, DEADLINE).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return False  # a reset when it was still in the queue as the socket closed
    return True


def test_a_request_without_end_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_STOP_SECONDS", 2)
    started, ended = threading.Event(), threading.Event()

    def wait() -> None:
        started.set()
        ended.wait(DEADLINE)

    with running(App(during=wait)) as place:
        connection = socket.create_connection(place)
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        started.wait(DEADLINE)
        began = time.monotonic()
    seconds = time.monotonic() - began
    ended.set()
    connection.close()

    assert 2 <= seconds < 3.5


def test_the_port_is_free_again_at_once() -> None:
    with running(App()) as place:
        talk(place, b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n")

    with listen("127.0.0.1", place[1]) as again:
        assert again.getsockname() == place


def test_the_error_for_a_busy_port_says_how_to_choose_another() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Port {port} cannot be used") as caught:
            listen("127.0.0.1", port, option="--inspector-port")

    assert "--inspector-port" in caught.value.hint


def test_a_port_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="70000"):
        listen("127.0.0.1", 70_000)


@pytest.mark.parametrize(
    ("files", "most"), [(1024, 924), (256, 156), (64, 100), (1_000_000, 1100), (-1, 1100)]
)
def test_no_more_connections_are_taken_than_files_may_be_open(
    monkeypatch: pytest.MonkeyPatch, files: int, most: int
) -> None:
    resource = pytest.importorskip("resource")
    from devkit.http.server import _most_connections

    monkeypatch.setattr(resource, "getrlimit", lambda kind: (files, files))

    assert _most_connections() == most


def test_files_with_high_numbers_are_served() -> None:
    resource = pytest.importorskip("resource")
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 1200:
        pytest.skip("this process may not open as many files")
    with ExitStack() as stack:
        for _ in range(1050):
            stack.enter_context(socket.socket())
        place = stack.enter_context(running(App()))

        assert status_of(talk(place, b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n")) == 200
