from devkit.http.address import parse_address
from devkit.http.connection_pool import ConnectionPool
from devkit.webhook.callback import Callback
from tests.support.clock import ManualClock
from tests.support.raw_socket import DEADLINE, OK, raw_server

REQUEST = Callback("GET", "/", (("Host", "x"),))


def test_a_connection_is_used_again_unless_it_was_idle_for_long() -> None:
    timer = ManualClock()
    with raw_server((OK, OK), (OK,)) as server, ConnectionPool(timer=timer) as pool:
        for timer.now in (0, 0.5, 5):
            assert pool.push(REQUEST, parse_address(server.url)).status == 200

    assert server.connections == 2
    assert len(server.requests) == 3


def test_an_idle_connection_is_closed_without_another_request() -> None:
    timer = ManualClock()
    with raw_server((OK, None)) as server, ConnectionPool(timer=timer, idle_seconds=1) as pool:
        pool.push(REQUEST, parse_address(server.url))
        timer.now += 0.9
        pool.close_idle()
        before = pool.has_idle
        timer.now += 0.1
        pool.close_idle()

        assert (before, pool.has_idle) == (True, False)
        assert server.closed.acquire(timeout=DEADLINE)


def test_a_connection_in_use_is_closed_when_the_pool_was_closed_meanwhile() -> None:
    with raw_server((OK, None)) as server:
        pool = ConnectionPool()
        pool.close()
        pool.push(REQUEST, parse_address(server.url))

        assert server.closed.acquire(timeout=DEADLINE)
