from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given

from devkit.errors import UsageError
from devkit.fixture.format import Fixture, dumps, loads
from devkit.http.address import Address, Destination, parse_address, readdress
from devkit.replay.result import Replayed, parse_expectation
from devkit.replay.schedule import Recording, ScheduledRequest
from devkit.replay.send import Rules, replay
from devkit.webhook.callback import Callback, compose, to_wire
from devkit.webhook.new_webhook import compose_messages
from tests.support.clock import ManualClock
from tests.support.raw_socket import OK, closed_port, raw_server
from tests.support.recording_server import Response, recording_server
from tests.support.strategies import callbacks

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def receipt(message_id: str = "0A00", **fields: str) -> Callback:
    whole = {"msisdn": "447700900001", "messageId": message_id, "status": "delivered", **fields}
    return compose(whole, "get", target="/dlr", host="dlr.example.com")


def request(callback: Callback, due: float = 0, name: str = "a.json") -> ScheduledRequest:
    return ScheduledRequest(Recording(Path(name), NOW, callback), due)


def requests(count: int, due: Sequence[float] = ()) -> list[ScheduledRequest]:
    return [
        request(receipt(f"{place:04}"), due[place] if due else 0, f"{place}.json") for place in range(count)
    ]


def unchanged(callback: Callback) -> Callback:
    return callback


def results(address: Address, what: Sequence[ScheduledRequest], rules: Rules | None = None) -> list[Replayed]:
    return list(replay(what, address, unchanged, rules or Rules()))


def ends(outcomes: list[Replayed]) -> list[str]:
    return [outcome.outcome for outcome in outcomes]


def test_receipts_are_sent_in_order_over_one_connection() -> None:
    what = requests(5)
    with raw_server([OK] * 5) as server:
        outcomes = results(parse_address(server.url), what)

    assert ends(outcomes) == ["ok"] * 5
    assert [outcome.file for outcome in outcomes] == [f"{place}.json" for place in range(5)]
    assert server.requests == [to_wire(one.recording.callback) for one in what]
    assert server.connections == 1


@given(callback=callbacks)
def test_any_recording_arrives_as_recorded_except_for_the_documented_changes(callback: Callback) -> None:
    loaded = loads(dumps(Fixture(NOW, callback))).callback
    with raw_server([OK]) as server:
        address = parse_address(server.url)
        to = Destination(address.netloc)
        [outcome] = replay([request(loaded)], address, lambda one: readdress(one, to), Rules())

    assert outcome.outcome == "ok"
    assert server.requests == [to_wire(readdress(callback, to))]


def test_a_result_names_the_receipt_and_the_status() -> None:
    with raw_server([OK]) as server:
        [outcome] = results(parse_address(server.url), requests(1))

    assert (outcome.file, outcome.message_id, outcome.status) == ("0.json", "0000", "delivered")
    assert (outcome.answer, outcome.problem, outcome.hint) == (200, "", "")
    assert outcome.ms is not None
    assert outcome.ms >= 0


@pytest.mark.parametrize(
    ("status", "expect", "end"),
    [
        (204, "2xx", "ok"),
        (500, "2xx", "failed"),
        (301, "2xx", "failed"),
        (500, "5xx", "ok"),
        (200, "204", "failed"),
    ],
)
def test_a_response_is_judged_by_the_expectation(status: int, expect: str, end: str) -> None:
    reply = f"HTTP/1.1 {status} Words\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n".encode()
    with raw_server([reply]) as server:
        [outcome] = results(parse_address(server.url), requests(1), Rules(expect=parse_expectation(expect)))

    assert (outcome.outcome, outcome.answer) == (end, status)
    assert bool(outcome.hint) is (end == "failed")


def test_a_redirect_is_not_followed() -> None:
    with raw_server([OK]) as other:
        reply = f"HTTP/1.1 301 Moved\r\nLocation: {other.url}/\r\nContent-Length: 0\r\n\r\n".encode()
        with raw_server([reply]) as server:
            [outcome] = results(parse_address(server.url), requests(1))

        assert outcome.outcome == "failed"
        assert "not followed" in outcome.hint
        assert other.requests == []


def test_after_a_closed_connection_the_next_receipt_gets_a_new_one() -> None:
    with raw_server([b""], [OK]) as server:
        outcomes = results(parse_address(server.url), requests(2))

    assert ends(outcomes) == ["failed", "ok"]
    assert outcomes[0].answer is None
    assert "closed the connection" in outcomes[0].problem
    assert len(server.requests) == 2


def test_a_slow_response_is_a_failure_and_the_next_receipt_is_sent() -> None:
    with raw_server([None], [None]) as server:
        outcomes = results(parse_address(server.url), requests(2), Rules(timeout=0.05))

    assert ends(outcomes) == ["failed", "failed"]
    assert len(server.requests) == 2
    assert "no answer within 0.05 s" in outcomes[0].problem


def test_a_closed_port_is_unreachable() -> None:
    outcomes = results(parse_address(f"http://127.0.0.1:{closed_port()}"), requests(2))

    assert ends(outcomes) == ["unreachable"] * 2
    assert "--to" in outcomes[0].hint


@pytest.mark.parametrize("jobs", [1, 3])
def test_another_machine_is_refused_before_anything_is_sent(jobs: int) -> None:
    with pytest.raises(UsageError, match="not on this machine"):
        results(parse_address("http://192.0.2.1"), requests(3), Rules(jobs=jobs))


def test_fail_fast_sends_no_more_after_a_failure() -> None:
    bad = b"HTTP/1.1 500 Words\r\nContent-Length: 0\r\n\r\n"
    with raw_server([OK, bad, OK, OK]) as server:
        outcomes = results(parse_address(server.url), requests(4), Rules(fail_fast=True))

    assert ends(outcomes) == ["ok", "failed"]
    assert len(server.requests) == 2


def test_fail_fast_ends_every_job() -> None:
    address = parse_address(f"http://127.0.0.1:{closed_port()}")

    outcomes = results(address, requests(200), Rules(fail_fast=True, jobs=4))

    assert 1 <= len(outcomes) <= 4


@pytest.mark.parametrize(
    ("rules", "hinted"), [(Rules(), True), (Rules(renewed=True), False)], ids=["as it was", "renewed"]
)
def test_a_refused_old_signature_gets_the_hint_to_renew_it(rules: Rules, hinted: bool) -> None:
    reply = b"HTTP/1.1 401 Words\r\nContent-Length: 0\r\n\r\n"
    token = compose_messages(b'{"message_uuid":"a","status":"read"}', "a.b.c")
    with raw_server([reply] * 3) as server:
        what = [request(receipt(sig="abc", timestamp="1")), request(receipt()), request(token)]
        outcomes = results(parse_address(server.url), what, rules)

    assert ["--now --resign" in outcome.hint for outcome in outcomes] == [hinted, False, hinted]


def waits(due: Sequence[float], *, work: float = 0) -> list[float]:
    """The pauses between requests that are due at these times. work: seconds that each takes."""
    clock = ManualClock()

    def transform(callback: Callback) -> Callback:
        clock.now += work
        return callback

    with raw_server([OK] * len(due)) as server:
        address = parse_address(server.url)
        rules = Rules(fresh=True)  # so that the clock goes on with each receipt
        list(replay(requests(len(due), due), address, transform, rules, clock=clock, sleep=clock.wait))
    return [round(seconds, 6) for seconds in clock.waits]


def test_each_receipt_waits_until_it_is_due() -> None:
    assert waits([0, 2, 2, 5]) == [2, 3]


def test_the_time_that_sending_takes_is_not_added_to_the_gaps() -> None:
    assert waits([0, 2, 4, 6], work=0.5) == [1.5, 1.5, 1.5]


def test_after_a_slow_receipt_the_next_ones_catch_up() -> None:
    assert waits([0, 2, 4, 10], work=3) == [1]


@pytest.mark.parametrize("fresh", [True, False])
def test_a_fresh_receipt_is_transformed_when_it_is_due(fresh: bool) -> None:
    clock, made = ManualClock(100.0), []

    def transform(callback: Callback) -> Callback:
        made.append(clock.now)
        return callback

    with raw_server([OK] * 2) as server:
        address = parse_address(server.url)
        list(
            replay(requests(2, [0, 7]), address, transform, Rules(fresh=fresh), clock=clock, sleep=clock.wait)
        )

    assert made == [100, 107 if fresh else 100]


def test_with_jobs_every_receipt_arrives_once_and_those_of_a_message_in_order() -> None:
    what = [request(receipt(f"{message:04}", scts=f"{step}")) for step in range(5) for message in range(12)]
    with recording_server() as server:
        outcomes = results(parse_address(server.url), what, Rules(jobs=4))

    targets = [request.target for request in server.arrived]
    assert ends(outcomes) == ["ok"] * 60
    assert sorted(targets) == sorted(one.recording.callback.target for one in what)
    for message in range(12):
        sent = [
            one.recording.callback.target
            for one in what
            if f"={message:04}&" in one.recording.callback.target
        ]
        assert [target for target in targets if target in sent] == sent


def test_jobs_send_at_the_same_time() -> None:
    def respond(_: Callback) -> Response:
        return Response(200 if server.wait_for_arrival(lambda: server.connections > 1) else 503)

    with recording_server(respond) as server:
        outcomes = results(parse_address(server.url), requests(8), Rules(jobs=4))

    assert ends(outcomes) == ["ok"] * 8


def test_a_bug_in_a_job_is_not_swallowed() -> None:
    def broken(callback: Callback) -> Callback:
        raise ZeroDivisionError

    with recording_server() as server, pytest.raises(ZeroDivisionError):
        list(replay(requests(4), parse_address(server.url), broken, Rules(jobs=2)))


def test_nothing_to_send_is_nothing() -> None:
    assert results(parse_address("http://127.0.0.1:9"), []) == []
    assert results(parse_address("http://127.0.0.1:9"), [], Rules(jobs=3)) == []
