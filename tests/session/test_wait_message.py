"""Which message a wait is for, and what ends it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from devkit.errors import FixtureError
from devkit.events import Event
from devkit.fixture.format import Fixture
from devkit.fixture.store import Store
from devkit.session.signals import Shutdown
from devkit.session.wait import Reason, ReceiptArrived, WaitFinished, find_message, wait_for_receipts
from devkit.webhook.callback import compose
from devkit.webhook.timeline import SentMessage
from tests.support.awaited_message import FIRST, SECOND, SENT, ended, record
from tests.support.steps import Steps


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    store.prepare()
    return store


def wait_until(
    store: Store, until: str, *ids: str, statuses: tuple[str, ...], timeout: float = 0
) -> WaitFinished:
    """How a wait for these parts ends when the statuses were recorded before it, in this order."""
    for after, status in enumerate(statuses):
        record(store, status, after=after)
    message = find_message(store, ids or (FIRST,), until, SENT, session_runs=True)
    *_, end = wait_for_receipts(message, store, Steps(), session_runs=lambda: True, timeout=timeout)
    assert isinstance(end, WaitFinished)
    return end


@pytest.mark.parametrize(
    ("until", "statuses", "reason", "reached"),
    [
        ("final", ("accepted", "delivered"), "final", True),
        ("final", ("accepted", "failed"), "final", False),
        ("final", ("accepted",), "timeout", False),
        ("final", ("unheard-of",), "timeout", False),
        ("delivered", ("delivered",), "reached", True),
        ("delivered", ("expired",), "final", False),
        ("delivered", ("failed", "delivered"), "final", False),  # the first final status counts
        ("failed", ("accepted", "failed"), "reached", True),
        ("failed", ("delivered",), "final", False),
        ("accepted", ("accepted",), "reached", True),
        ("accepted", ("delivered", "accepted"), "reached", True),  # in the wrong order
        ("accepted", ("delivered",), "timeout", False),  # it may still come
        ("accepted", ("rejected",), "final", False),
        ("any", ("buffered",), "reached", True),
        ("any", ("failed",), "reached", True),
        ("any", (), "timeout", False),
    ],
)
def test_what_was_waited_for_decides_the_end(
    store: Store, until: str, statuses: tuple[str, ...], reason: Reason, reached: bool
) -> None:
    end = wait_until(store, until, statuses=statuses)

    assert (end.reason, end.reached) == (reason, reached)


@pytest.mark.parametrize(
    ("until", "reason"),
    [("final", "timeout"), ("any", "timeout"), ("delivered", "final"), ("failed", "timeout")],
)
def test_every_part_must_get_there_and_a_wrong_end_of_one_is_enough(
    store: Store, until: str, reason: Reason
) -> None:
    end = wait_until(store, until, FIRST, SECOND, statuses=("failed",))

    assert end == WaitFinished(reason, 0, 1, 1, False, (FIRST, SECOND))


def test_a_recorded_message_is_found_by_the_beginning_of_its_id_on_any_day(store: Store) -> None:
    record(store, "accepted", after=-3 * 86400)
    record(store, "delivered")

    message = find_message(store, [FIRST[:14], FIRST], "final", SENT, session_runs=False)
    came, last, end = wait_for_receipts(message, store, Steps(), session_runs=lambda: False)

    assert isinstance(came, ReceiptArrived)
    assert isinstance(last, ReceiptArrived)
    assert (came.status, came.after_ms, came.recorded_at) == ("accepted", 0, "2026-11-20T23:59:59.000000Z")
    assert (last.status, last.after_ms) == ("delivered", 3 * 86400_000 + 1000)
    assert end == ended("final", delivered=1)


def test_an_id_that_begins_several_messages_is_no_message(store: Store) -> None:
    record(store, "accepted", FIRST)
    record(store, "accepted", SECOND)

    with pytest.raises(FixtureError, match="2 ids begin or end with"):
        find_message(store, [FIRST[:-1]], "final", SENT, session_runs=True)


@pytest.mark.parametrize("ids", [[FIRST, SECOND], [SECOND]])
def test_a_message_that_nothing_can_record_is_an_error_at_once(store: Store, ids: list[str]) -> None:
    record(store, "accepted", FIRST)

    with pytest.raises(FixtureError, match=f"No receipt of message '{SECOND}' is recorded, and no session"):
        find_message(store, ids, "final", SENT, session_runs=False)
    assert find_message(store, ids, "final", SENT, session_runs=True).ids == tuple(ids)


def newest(store: Store, stop: Shutdown, **options: object) -> list[Event]:
    message = find_message(store, [], "final", SENT, session_runs=True)
    return list(wait_for_receipts(message, store, stop, session_runs=lambda: True, **options))  # type: ignore[arg-type]


def test_without_an_id_the_message_whose_first_receipt_is_the_newest_is_awaited(store: Store) -> None:
    record(store, "accepted", FIRST, after=0.1)
    record(store, "accepted", SECOND, after=0.2)
    record(store, "delivered", FIRST, after=0.3)

    came, end = newest(store, Steps())

    assert isinstance(came, ReceiptArrived)
    assert came.message_id == SECOND
    assert end == ended("stopped", SECOND, open=1)


def test_a_message_that_comes_during_the_wait_is_the_newest(store: Store) -> None:
    record(store, "accepted", FIRST, after=0.1)
    stop = Steps(
        lambda: record(store, "accepted", SECOND, after=0.2),
        lambda: record(store, "failed", FIRST, after=0.3),
        lambda: record(store, "delivered", SECOND, after=2.2),
    )

    *came, end = newest(store, stop)

    reported = [(each.message_id, each.after_ms) for each in came if isinstance(each, ReceiptArrived)]
    assert reported == [(FIRST, 0), (SECOND, 0), (SECOND, 2000)]
    assert end == ended("final", SECOND, delivered=1)


def test_the_first_message_at_all_is_awaited_too(store: Store) -> None:
    came, end = newest(store, Steps(lambda: record(store, "delivered")))

    assert isinstance(came, ReceiptArrived)
    assert end == ended("final", delivered=1)
    with pytest.raises(FixtureError, match="No receipt of any message is recorded"):
        find_message(Store(store.root / "other"), [], "final", SENT, session_runs=False)


def test_without_any_message_the_wait_ends_in_time(store: Store) -> None:
    assert newest(store, Steps(), timeout=0) == [WaitFinished("timeout", 0, 0, 0)]


def test_what_is_no_receipt_is_no_message(store: Store) -> None:
    fixture = Fixture(SENT, compose({}, "json"))
    store.record(fixture, fixture.read())

    assert newest(store, Steps(), timeout=0) == [WaitFinished("timeout", 0, 0, 0)]


THIRD = "0A0000001234567D"


def sends(*parts: str, after: float = 0) -> Callable[[], dict[str, SentMessage]]:
    message = SentMessage(SENT + timedelta(seconds=after), parts)
    return lambda: dict.fromkeys(parts, message)


def test_one_part_stands_for_all_of_a_text_that_devkit_sent(store: Store) -> None:
    record(store, "delivered", SECOND, after=2)

    message = find_message(store, [SECOND], "final", SENT, read_sends=sends(FIRST, SECOND), session_runs=True)
    came, end = wait_for_receipts(message, store, Steps(), session_runs=lambda: True, timeout=0)

    assert isinstance(came, ReceiptArrived)
    assert (came.part, came.after_ms) == (2, 2000)
    assert end == ended("timeout", FIRST, SECOND, delivered=1, open=1)


def test_a_sent_message_without_a_receipt_is_a_message(store: Store) -> None:
    message = find_message(store, [FIRST], "final", SENT, read_sends=sends(FIRST), session_runs=False)

    assert list(wait_for_receipts(message, store, Steps(), session_runs=lambda: False)) == [
        ended("session-ended", open=1)
    ]


def newest_of(store: Store, read_sends: Callable[[], dict[str, SentMessage]]) -> tuple[str, ...]:
    message = find_message(store, [], "final", SENT, read_sends=read_sends, session_runs=True)
    *_, end = wait_for_receipts(message, store, Steps(), session_runs=lambda: True, timeout=0)
    assert isinstance(end, WaitFinished)
    return end.message_ids


def test_the_newest_message_can_be_one_that_has_no_receipt_yet(store: Store) -> None:
    record(store, "accepted", THIRD, after=1)

    assert newest_of(store, sends(FIRST, SECOND, after=2)) == (FIRST, SECOND)
    assert newest_of(store, sends(FIRST, SECOND)) == (THIRD,)
    record(store, "delivered", SECOND, after=3)
    assert newest_of(store, sends(FIRST, SECOND, after=2)) == (FIRST, SECOND)
    assert newest_of(Store(store.root / "other"), sends(FIRST)) == (FIRST,)


def test_the_parts_of_a_text_are_no_newer_messages_than_each_other(store: Store) -> None:
    known: dict[str, SentMessage] = {}

    def send() -> None:
        known.update(sends(FIRST, SECOND, after=0.1)())
        record(store, "delivered", FIRST, after=0.2)

    record(store, "accepted", THIRD, after=0)
    stop = Steps(send, lambda: record(store, "delivered", SECOND, after=0.3))
    message = find_message(store, [], "final", SENT, read_sends=lambda: known, session_runs=True)
    _, *came, end = wait_for_receipts(message, store, stop, session_runs=lambda: True)

    reported = [(each.part, each.after_ms) for each in came if isinstance(each, ReceiptArrived)]
    assert reported == [(1, 100), (2, 200)]
    assert end == ended("final", FIRST, SECOND, delivered=2)
