import threading
from collections.abc import Iterator
from itertools import count

import pytest

from devkit.errors import TunnelError
from devkit.http.server import listen, serve
from devkit.receiver.app import IncomingRequest, TokenAccess, create_receiver
from devkit.session.reachability import wait_until_reachable
from devkit.session.signals import Shutdown, ShutdownRequested
from devkit.webhook.callback import REACHABILITY_HEADER
from tests.support.raw_socket import OK, closed_port, raw_server
from tests.support.slow_server import slow_server

NONCE = "n0nce"
PATH = "/webhooks/delivery-receipt/t0ken"


class ShortStop(Shutdown):
    """Does not wait between checks, and counts them."""

    pauses = 0

    def wait(self, seconds: float | None = None) -> bool:
        self.pauses += 1
        return self()


class Received(threading.Event):
    """Is set by a receiver that gets the nonce of each check, or of none from now on. Does not wait."""

    def __init__(self, *, arrives: bool = True) -> None:
        super().__init__()
        self.arrives = arrives

    def wait(self, timeout: float | None = None) -> bool:
        return self.arrives or self.is_set()


def clock(tries: int = 1) -> Iterator[float]:
    """Seconds that run out after so many tries: the first look is at the start, the others after each try."""
    yield 0.0
    yield from (0.0 for _ in range(tries - 1))
    yield from count(1000.0)


def check(
    url: str, *, received: threading.Event | None = None, stop: Shutdown | None = None, tries: int = 1
) -> None:
    ticks = clock(tries)
    wait_until_reachable(
        url, NONCE, received or threading.Event(), stop or ShortStop(), clock=lambda: next(ticks)
    )


def test_it_returns_once_our_own_receiver_got_the_nonce() -> None:
    received = threading.Event()
    arrivals: list[IncomingRequest] = []

    def handle(incoming: IncomingRequest) -> int:
        arrivals.append(incoming)
        received.set()
        return 200

    listener = listen("127.0.0.1", 0)
    with serve(create_receiver(handle, TokenAccess("t0ken")), listener):
        check(f"http://127.0.0.1:{listener.getsockname()[1]}{PATH}", received=received)

    (arrival,) = arrivals
    assert arrival.kind == "probe"
    assert arrival.callback.header(REACHABILITY_HEADER) == NONCE
    assert arrival.callback.header("ngrok-skip-browser-warning") == "1"


def test_another_program_that_answers_200_is_not_us() -> None:
    with (
        raw_server([OK]) as server,
        pytest.raises(TunnelError, match="another program answered in our place") as caught,
    ):
        check(f"{server.url}{PATH}", received=Received(arrives=False))

    assert "t0ken" not in caught.value.message + caught.value.hint


def test_the_nonce_of_an_earlier_check_does_not_count() -> None:
    received = Received(arrives=False)
    received.set()

    with (
        raw_server([b"HTTP/1.1 502 Words\r\nContent-Length: 0\r\n\r\n"], [OK]) as server,
        pytest.raises(TunnelError, match="another program answered in our place"),
    ):
        check(f"{server.url}{PATH}", received=received, tries=2)


@pytest.mark.parametrize("status", [204, 302, 404, 502])
def test_anything_but_200_is_not_enough_even_with_the_nonce_received(status: int) -> None:
    received = Received()
    reply = f"HTTP/1.1 {status} Words\r\nContent-Length: 0\r\n\r\n".encode()

    with (
        raw_server([reply]) as server,
        pytest.raises(TunnelError, match=rf"does not lead here: it answered {status}\.$"),
    ):
        check(f"{server.url}{PATH}", received=received)


def test_nobody_there_in_time_is_a_tunnel_error_with_one_full_stop() -> None:
    with pytest.raises(TunnelError, match=r"does not lead here: nobody answers at .*\)\.$"):
        check(f"http://127.0.0.1:{closed_port()}{PATH}")


def test_it_asks_again_until_the_tunnel_is_known_everywhere() -> None:
    stop = ShortStop()
    not_yet = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

    with raw_server([not_yet], [not_yet], [OK]) as server:
        check(f"{server.url}{PATH}", received=Received(), stop=stop, tries=3)

    assert stop.pauses == 2
    assert [request.split(b"\r\n")[0] for request in server.requests] == [f"GET {PATH} HTTP/1.1".encode()] * 3


def test_a_shutdown_request_ends_it() -> None:
    stop = ShortStop()
    stop.request()

    with pytest.raises(ShutdownRequested):
        check(f"http://127.0.0.1:{closed_port()}{PATH}", stop=stop)


def test_a_shutdown_request_between_two_checks_ends_it() -> None:
    class AskedWhileWaiting(ShortStop):
        def wait(self, seconds: float | None = None) -> bool:
            self.request()
            return True

    with pytest.raises(ShutdownRequested):
        check(f"http://127.0.0.1:{closed_port()}{PATH}", stop=AskedWhileWaiting(), tries=5)


def test_a_url_that_drips_is_said_not_to_lead_here_within_the_whole_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("devkit.session.reachability._PUBLIC_TIMEOUT", 0.3)
    received = threading.Event()

    with (
        slow_server(
            b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x", on_request=received.set
        ) as server,
        pytest.raises(
            TunnelError, match=r"does not lead here: .* gave no complete response within 0\.3 s\.$"
        ),
    ):
        wait_until_reachable(f"{server.url}{PATH}", NONCE, received, ShortStop())


def test_the_last_check_has_only_the_time_that_is_left() -> None:
    ticks = iter([0.0, 19.8, 20.1])  # the start, and after each of two checks

    not_yet = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

    with raw_server([not_yet], [None]) as server, pytest.raises(TunnelError, match=r"within 0\.2 s\.$"):
        wait_until_reachable(
            f"{server.url}{PATH}", NONCE, threading.Event(), ShortStop(), clock=lambda: next(ticks)
        )


def test_a_shutdown_request_during_a_check_ends_it() -> None:
    stop = ShortStop()

    with (
        slow_server(b"HTTP/1.1 200 OK\r\n", b"X", on_request=stop.request) as server,
        pytest.raises(ShutdownRequested),
    ):
        check(f"{server.url}{PATH}", stop=stop)
