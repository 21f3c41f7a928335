"""All that send receipts over kept-alive connections report exactly what was answered, whenever the target hangs up."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devkit.fixture.response_log import ResponseLog
from devkit.http.address import parse_address
from devkit.receiver.forward import Forwarder
from devkit.replay.result import Replayed
from devkit.replay.schedule import Recording, ScheduledRequest
from devkit.replay.send import Rules, replay
from devkit.simulator import run_simulator
from devkit.webhook.callback import compose
from tests.support.event_recorder import EventRecorder
from tests.support.hanging_up_server import (
    HangingUpServer,
    after,
    after_next_request,
    amid_next_response,
    at_next_request,
    hanging_up_server,
)
from tests.support.raw_socket import DEADLINE, Conversation
from tests.support.simulator_client import JUMPING, send

COUNT = 12
# When a server hangs up is a race with the next request: each outcome of it, and moments in which either may win.
ENDINGS = [at_next_request, after_next_request, *map(after, (0, 0.5, 1, 2, 5, 10, 20))]
NAMES = ["at next request", "after next request", "0", "0.5", "1", "2", "5", "10", "20 ms"]
hang_ups = pytest.mark.parametrize("ending", ENDINGS, ids=NAMES)
after_either = pytest.mark.parametrize("status", [200, 500])
with_jobs = pytest.mark.parametrize("jobs", [1, 4])


def id_of(request: bytes) -> str:
    found = re.search(rb'messageId(?:=|":")([\w-]+)', request)
    assert found
    return found[1].decode()


def every_third_fails(request: bytes) -> int:
    return 200 if int(id_of(request), 16) % 3 else 500


def statuses(target: HangingUpServer) -> dict[str, int]:
    """What each receipt was answered; every one has been once."""
    found = {id_of(request): status for request, status in target.answered}
    assert len(found) == len(target.answered)
    return found


def replayed(target: HangingUpServer, jobs: int) -> list[Replayed]:
    requests = [
        ScheduledRequest(
            Recording(
                Path(f"{number}.json"),
                datetime(2026, 11, 23, tzinfo=UTC),
                compose({"messageId": f"{number:04X}", "status": "delivered"}, "form", target="/dlr"),
            ),
            0,
        )
        for number in range(COUNT)
    ]
    return list(replay(requests, parse_address(target.url), lambda callback: callback, Rules(jobs=jobs)))


@hang_ups
@after_either
@with_jobs
def test_a_replay_reports_what_each_receipt_was_answered(
    ending: Conversation, status: int, jobs: int
) -> None:
    with hanging_up_server(every_third_fails, ending, hang_up_after=status) as target:
        outcomes = replayed(target, jobs)

        assert {each.message_id: each.answer for each in outcomes} == statuses(target)
        assert len(outcomes) == COUNT


@with_jobs
@pytest.mark.parametrize(("ending", "taken"), [(at_next_request, 1), (after_next_request, 2)])
def test_a_replay_says_which_receipts_were_sent_again(ending: Conversation, taken: int, jobs: int) -> None:
    with hanging_up_server(every_third_fails, ending, hang_up_after=200) as target:
        outcomes = replayed(target, jobs)

        again = [each.message_id for each in outcomes if each.sent_again]
        counts = Counter(map(id_of, target.requests))
    assert again
    assert counts == {each.message_id: taken if each.sent_again else 1 for each in outcomes}


@with_jobs
def test_after_a_5xx_nothing_has_to_be_sent_again(jobs: int) -> None:
    with hanging_up_server(lambda _: 500, after_next_request, hang_up_after=500) as target:
        outcomes = replayed(target, jobs)

        assert [(each.answer, each.sent_again) for each in outcomes] == [(500, False)] * COUNT
        assert len(target.requests) == COUNT


@with_jobs
def test_a_receipt_that_got_the_begin_of_an_answer_is_not_sent_again(jobs: int) -> None:
    with hanging_up_server(lambda _: 200, amid_next_response, hang_up_after=200) as target:
        outcomes = replayed(target, jobs)

        answered = statuses(target)
        assert len(target.requests) == COUNT
    assert len(answered) < COUNT
    assert [each.answer for each in outcomes] == [answered.get(each.message_id) for each in outcomes]
    assert not any(each.sent_again for each in outcomes)
    assert {each.problem for each in outcomes} == {
        "",
        f"{target.url} closed the connection without a valid response.",
    }


@pytest.fixture
def forwarded(tmp_path: Path) -> Callable[[HangingUpServer], list[tuple[str, int | None, bool]]]:
    """Forwards receipts of one message, which go over one connection: their ids, answers, and whether sent again."""

    def forward(target: HangingUpServer) -> list[tuple[str, int | None, bool]]:
        recorder = EventRecorder()
        log = ResponseLog(tmp_path, target.url, lambda: datetime.now(UTC))
        with Forwarder(parse_address(target.url), recorder, log) as forwarder:
            for number in range(COUNT):
                callback = compose({"messageId": f"{number:04X}", "status": "delivered"}, "json")
                forwarder.offer(callback, "of one lane", f"{number:04X}")
            recorder.wait_for(forwarded=COUNT)
        return [(event.file, event.answer, event.sent_again) for event in recorder.forwarded]

    return forward


Forward = Callable[[HangingUpServer], list[tuple[str, int | None, bool]]]


@hang_ups
@after_either
def test_what_is_forwarded_gets_there_and_its_answer_is_told(
    forwarded: Forward, ending: Conversation, status: int
) -> None:
    with hanging_up_server(every_third_fails, ending, hang_up_after=status) as target:
        events = forwarded(target)

        assert {file: answer for file, answer, _ in events} == statuses(target)


def test_an_event_says_that_a_receipt_was_forwarded_again(forwarded: Forward) -> None:
    with hanging_up_server(lambda _: 200, after_next_request, hang_up_after=200) as target:
        events = forwarded(target)

        counts = Counter(map(id_of, target.requests))
    assert [again for *_, again in events] == [False, *[True] * (COUNT - 1)]
    assert counts == {file: 2 if again else 1 for file, _, again in events}


@hang_ups
@after_either
def test_each_attempt_of_the_simulator_has_the_answer_that_was_given(
    ending: Conversation, status: int
) -> None:
    numbers: Iterator[int] = iter(range(1000))

    def every_third_in_time_fails(_: bytes) -> int:
        return 200 if next(numbers) % 3 else 500

    with (
        hanging_up_server(every_third_in_time_fails, ending, hang_up_after=status) as target,
        run_simulator(JUMPING) as simulator,
    ):
        for _ in range(4):
            send(simulator, callback=f"{target.url}/dlr")
        assert simulator.wait_idle(DEADLINE)

        answers = Counter((each.message_id, each.answer) for each in simulator.deliveries)
    assert answers == Counter((id_of(request), status) for request, status in target.answered)
    assert sum(count for (_, answer), count in answers.items() if answer == 200) == 12


def test_the_simulator_says_that_a_receipt_was_sent_again() -> None:
    with (
        hanging_up_server(lambda _: 200, after_next_request, hang_up_after=200) as target,
        run_simulator(JUMPING) as simulator,
    ):
        send(simulator, callback=f"{target.url}/dlr")
        assert simulator.wait_idle(DEADLINE)

        attempts = [
            (each.status, each.attempt, each.answer, each.sent_again) for each in simulator.deliveries
        ]
    assert attempts == [
        ("accepted", 1, 200, False),
        ("buffered", 1, 200, True),
        ("delivered", 1, 200, True),
    ]
    assert len(target.requests) == 5
