"""Several connections used side by side in one thread."""

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from devkit.http.address import parse_address
from devkit.http.client import Connection
from devkit.replay.send import Task, run_tasks
from tests.support.clock import ManualClock
from tests.support.raw_socket import DEADLINE, OK, closed_port, raw_server

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def sleeping(name: str, moments: Sequence[float]) -> Task[str]:
    for moment in moments:
        yield float(moment)
        yield f"{name} {moment:g}"


def run(*tasks: Task[str], clock: ManualClock | None = None) -> list[str]:
    clock = clock or ManualClock(0.0)
    return list(run_tasks(tasks, clock=clock, sleep=clock.wait))


def sending(connection: Connection, count: int, name: str) -> Task[str]:
    for number in range(count):
        receive = connection.send(REQUEST, "GET")
        yield connection
        while (response := receive()) is None:
            yield connection
        yield f"{name} {number} {response.status}"


def test_there_may_be_nothing_to_do() -> None:
    assert run() == []
    assert run(iter([])) == []


def test_tasks_wake_in_the_order_of_time_and_those_of_one_time_in_the_order_in_which_they_slept() -> None:
    clock = ManualClock(0.0)

    reported = run(sleeping("a", [0, 3, 4]), sleeping("b", [1, 1, 4]), clock=clock)

    assert reported == ["a 0", "b 1", "b 1", "a 3", "b 4", "a 4"]
    assert clock.waits == [1, 2, 1]


def test_a_wake_up_time_that_has_passed_is_not_waited_for() -> None:
    moments = iter([0.0, 2.0, 2.0, 2.0])
    waits: list[float] = []

    assert list(run_tasks([sleeping("a", [1])], clock=lambda: next(moments), sleep=waits.append)) == ["a 1"]
    assert waits == [0.0]


def test_what_a_task_yields_is_passed_on_before_a_pause() -> None:
    clock = ManualClock(0.0)
    telling = run_tasks([sleeping("a", [0, 3])], clock=clock, sleep=clock.wait)

    assert next(telling) == "a 0"
    assert clock.waits == []


def test_what_a_task_yields_is_passed_on_while_the_next_response_is_expected() -> None:
    with raw_server([OK, OK]) as server, Connection(parse_address(server.url)) as connection:
        clock = ManualClock(0.0)
        telling = run_tasks([sending(connection, 2, "a")], clock=clock, sleep=clock.wait)
        assert next(telling) == "a 0 200"
        assert connection.time_left() > 0  # for the second answer
        assert list(telling) == ["a 1 200"]


def reported_beside(
    task: Callable[[Connection], Task[str]], script: Sequence[bytes], before: int
) -> list[str]:
    """What a task and five quick requests report. script: the responses on the task's first connection.

    The response after that comes when there were so many results `before` it.
    """
    go_on = threading.Event()

    def last_response() -> Iterator[bytes]:
        assert go_on.wait(DEADLINE), "the quick requests waited for the slow one"
        yield OK

    with (
        raw_server(*([script] if script else []), last_response()) as slow,
        raw_server([OK] * 5) as quick,
        Connection(parse_address(slow.url)) as first,
        Connection(parse_address(quick.url)) as second,
    ):
        reported: list[str] = []
        clock = ManualClock(0.0)
        for each in run_tasks([task(first), sending(second, 5, "quick")], clock=clock, sleep=clock.wait):
            reported.append(each)
            if len(reported) == before:
                go_on.set()
        assert len(slow.requests) == len(script) + 1
    return reported


def test_a_slow_response_delays_no_other_task() -> None:
    reported = reported_beside(lambda connection: sending(connection, 1, "slow"), [], before=5)

    assert reported == [*(f"quick {number} 200" for number in range(5)), "slow 0 200"]


def test_what_was_sent_again_delays_no_other_task() -> None:
    reported = reported_beside(lambda connection: sending(connection, 2, "again"), [OK, b""], before=6)

    assert sorted(reported) == ["again 0 200", "again 1 200", *(f"quick {number} 200" for number in range(5))]


def test_a_missing_response_ends_the_wait_of_its_own_task_only() -> None:
    def given_up(connection: Connection) -> Task[str]:
        receive = connection.send(REQUEST, "GET")
        yield connection
        with pytest.raises(Exception, match=r"no answer within 0.05 s"):
            receive()
        yield "given up"

    with (
        raw_server([None], [None]) as silent,
        raw_server([OK]) as other,
        Connection(parse_address(silent.url), timeout=0.05) as first,
        Connection(parse_address(silent.url), timeout=0.05) as second,
        Connection(parse_address(other.url)) as third,
    ):
        reported = run(given_up(first), given_up(second), sending(third, 1, "quick"))

    assert sorted(reported) == ["given up", "given up", "quick 0 200"]


def test_a_task_wakes_while_another_waits_for_a_response() -> None:
    with raw_server([None]) as silent, Connection(parse_address(silent.url), timeout=DEADLINE) as connection:
        clock = ManualClock(0.0)

        def never(connection: Connection) -> Task[str]:
            connection.send(REQUEST, "GET")
            clock.now = 7.0  # as if it had taken so long to ask
            yield connection

        telling = run_tasks([sleeping("a", [5, 6]), never(connection)], clock=clock, sleep=clock.wait)

        assert [next(telling), next(telling)] == ["a 5", "a 6"]
        assert clock.waits == []


def test_a_connection_that_was_never_opened_is_ready_at_once() -> None:
    def refused(number: int) -> Task[str]:
        with Connection(parse_address(f"http://127.0.0.1:{closed_port()}")) as connection:
            yield connection
            yield f"refused {number}"

    assert run(*map(refused, range(3))) == ["refused 0", "refused 1", "refused 2"]
