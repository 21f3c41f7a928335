"""Several connections used side by side in one thread."""

import threading
from collections.abc import Iterator, Sequence

import pytest

from devkit.http.address import parse_address
from devkit.http.client import Connection
from devkit.replay.send import Lane, take_turns
from tests.support.raw_socket import DEADLINE, OK, closed_port, raw_server

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Clock:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def resting(name: str, moments: Sequence[float]) -> Lane[str]:
    for moment in moments:
        yield float(moment)
        yield f"{name} {moment:g}"


def turns(*lanes: Lane[str], clock: Clock | None = None) -> list[str]:
    clock = clock or Clock()
    return list(take_turns(lanes, clock=clock, wait=clock.wait))


def asking(connection: Connection, count: int, name: str) -> Lane[str]:
    for number in range(count):
        answer = connection.ask(REQUEST, "GET")
        yield connection
        while (came := answer()) is None:
            yield connection
        yield f"{name} {number} {came.status}"


def test_there_may_be_nothing_to_do() -> None:
    assert turns() == []
    assert turns(iter([])) == []


def test_pauses_end_in_the_order_of_time_and_of_one_moment_in_that_of_their_begin() -> None:
    clock = Clock()

    told = turns(resting("a", [0, 3, 4]), resting("b", [1, 1, 4]), clock=clock)

    assert told == ["a 0", "b 1", "b 1", "a 3", "b 4", "a 4"]
    assert clock.waits == [1, 2, 1]


def test_a_pause_that_ends_while_nobody_looks_is_not_waited_for() -> None:
    moments, waits = iter([0.0, 2.0, 2.0, 2.0]), []

    assert list(take_turns([resting("a", [1])], clock=lambda: next(moments), wait=waits.append)) == ["a 1"]
    assert waits == [0.0]


def test_what_a_lane_has_to_tell_is_told_before_a_pause() -> None:
    clock = Clock()
    telling = take_turns([resting("a", [0, 3])], clock=clock, wait=clock.wait)

    assert next(telling) == "a 0"
    assert clock.waits == []


def test_what_a_lane_has_to_tell_is_told_while_the_next_answer_is_awaited() -> None:
    with raw_server([OK, OK]) as server, Connection(parse_address(server.url)) as connection:
        clock = Clock()
        telling = take_turns([asking(connection, 2, "a")], clock=clock, wait=clock.wait)
        assert next(telling) == "a 0 200"
        assert connection.patience() > 0  # for the second answer
        assert list(telling) == ["a 1 200"]


def test_an_answer_that_is_slow_holds_no_other_lane_up() -> None:
    go_on = threading.Event()

    def slow(connection: Connection) -> Lane[str]:
        answer = connection.ask(REQUEST, "GET")
        yield connection
        assert go_on.is_set(), "it was let go on before its answer was there"
        yield f"slow {answer().status}"

    def held() -> Iterator[bytes]:
        assert go_on.wait(DEADLINE)
        yield OK

    with (
        raw_server(held()) as one,
        raw_server([OK] * 5) as other,
        Connection(parse_address(one.url)) as first,
        Connection(parse_address(other.url)) as second,
    ):
        told = []
        clock = Clock()
        for each in take_turns([slow(first), asking(second, 5, "quick")], clock=clock, wait=clock.wait):
            told.append(each)
            if len(told) == 5:
                go_on.set()

    assert told == [*(f"quick {number} 200" for number in range(5)), "slow 200"]


def test_what_was_sent_again_holds_no_other_lane_up() -> None:
    go_on = threading.Event()

    def held() -> Iterator[bytes]:
        assert go_on.wait(DEADLINE), "the other lane waited for what was sent again"
        yield OK

    with (
        raw_server([OK, b""], held()) as one,
        raw_server([OK] * 5) as other,
        Connection(parse_address(one.url)) as first,
        Connection(parse_address(other.url)) as second,
    ):
        told = []
        clock = Clock()
        lanes = [asking(first, 2, "again"), asking(second, 5, "quick")]
        for each in take_turns(lanes, clock=clock, wait=clock.wait):
            told.append(each)
            if len(told) == 6:
                go_on.set()

    assert sorted(told) == ["again 0 200", "again 1 200", *(f"quick {number} 200" for number in range(5))]
    assert len(one.requests) == 3


def test_an_answer_that_does_not_come_is_given_up_for_its_own_lane_only() -> None:
    def given_up(connection: Connection) -> Lane[str]:
        answer = connection.ask(REQUEST, "GET")
        yield connection
        with pytest.raises(Exception, match=r"no answer within 0.05 s"):
            answer()
        yield "given up"

    with (
        raw_server([None], [None]) as silent,
        raw_server([OK]) as other,
        Connection(parse_address(silent.url), timeout=0.05) as first,
        Connection(parse_address(silent.url), timeout=0.05) as second,
        Connection(parse_address(other.url)) as third,
    ):
        told = turns(given_up(first), given_up(second), asking(third, 1, "quick"))

    assert sorted(told) == ["given up", "given up", "quick 0 200"]


def test_a_pause_ends_while_an_answer_is_awaited() -> None:
    with raw_server([None]) as silent, Connection(parse_address(silent.url), timeout=DEADLINE) as connection:
        clock = Clock()

        def never(connection: Connection) -> Lane[str]:
            connection.ask(REQUEST, "GET")
            clock.now = 7.0  # as if it had taken so long to ask
            yield connection

        telling = take_turns([resting("a", [5, 6]), never(connection)], clock=clock, wait=clock.wait)

        assert [next(telling), next(telling)] == ["a 5", "a 6"]
        assert clock.waits == []


def test_a_connection_that_was_never_made_is_waited_for_by_nobody() -> None:
    def refused(number: int) -> Lane[str]:
        with Connection(parse_address(f"http://127.0.0.1:{closed_port()}")) as connection:
            yield connection
            yield f"refused {number}"

    assert turns(*map(refused, range(3))) == ["refused 0", "refused 1", "refused 2"]
