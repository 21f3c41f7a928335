"""The receipts of a message, awaited in the files that a session writes."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from devkit.events import Event, Notice
from devkit.fixture.listing import Watch
from devkit.fixture.store import Store, read_name
from devkit.session.signals import Shutdown
from devkit.session.wait import (
    CLOCK_TOLERANCE,
    PendingMessage,
    ReceiptArrived,
    wait_for_receipts,
)
from tests.support.awaited_message import FIRST, SECOND, SENT, ended, record
from tests.support.clock import ManualClock
from tests.support.steps import Steps


def wait(
    store: Store, stop: Shutdown, *ids: str, runs: Callable[[], bool] = lambda: True, **options: object
) -> list[Event]:
    message = PendingMessage(ids or (FIRST,), SENT - CLOCK_TOLERANCE, SENT)
    return list(wait_for_receipts(message, store, stop, session_runs=runs, **options))  # type: ignore[arg-type]


def test_receipts_are_reported_as_they_arrive_until_the_final_one(store: Store) -> None:
    stop = Steps(
        lambda: record(store, "accepted", after=0.3),
        lambda: record(store, "buffered", after=1),
        lambda: record(store, "delivered", after=2),
    )

    *came, end = wait(store, stop)

    reported = [
        (event.status, event.after_ms, event.final) for event in came if isinstance(event, ReceiptArrived)
    ]
    assert reported == [("accepted", 300, False), ("buffered", 1000, False), ("delivered", 2000, True)]
    assert end == ended("final", delivered=1)
    assert not stop()


def test_each_part_must_have_its_final_receipt(store: Store) -> None:
    stop = Steps(
        lambda: record(store, "delivered", FIRST),
        lambda: record(store, "failed", SECOND, err_code="2"),
    )

    *came, end = wait(store, stop, FIRST, SECOND)

    assert [(event.part, event.status) for event in came if isinstance(event, ReceiptArrived)] == [
        (1, "delivered"),
        (2, "failed"),
    ]
    assert end == ended("final", FIRST, SECOND, delivered=1, failed=1)


def test_a_failure_comes_with_its_meaning_and_what_to_do(store: Store) -> None:
    record(store, "failed", err_code="2")

    came = wait(store, Steps())[0]

    assert isinstance(came, ReceiptArrived)
    assert (came.err_code, came.meaning) == ("2", "Absent Subscriber - Temporary")
    assert "retry" in came.advice
    assert came.network == "23410"


def test_a_receipt_that_was_there_before_the_answer_counts(store: Store) -> None:
    record(store, "delivered", after=-0.2)

    came, end = wait(store, Steps())

    assert isinstance(came, ReceiptArrived)
    assert came.after_ms == 0
    assert end == ended("final", delivered=1)


def test_receipts_of_other_messages_and_what_is_none_are_left_out(store: Store) -> None:
    record(store, "delivered", SECOND)
    record(store, "delivered", f"{FIRST}0")
    path = record(store, "accepted", FIRST)
    path.write_text("{}")
    path.with_name("notes.txt").write_text("mine")

    assert wait(store, Steps()) == [ended("stopped", open=1)]


def test_a_duplicate_is_reported_again_and_counted_once(store: Store) -> None:
    stop = Steps(
        lambda: (record(store, "delivered", FIRST, after=1), record(store, "delivered", FIRST, after=2))
    )

    *came, end = wait(store, stop, FIRST, SECOND)

    assert len(came) == 2
    assert end == ended("stopped", FIRST, SECOND, delivered=1, open=1)


def test_a_status_that_no_document_lists_ends_nothing(store: Store) -> None:
    record(store, "undelivered\x1b[31m", err_code="95")

    came, end = wait(store, Steps())

    assert isinstance(came, ReceiptArrived)
    assert (came.status, came.final, came.advice) == ("undelivered [31m", None, "")
    assert end == ended("stopped", open=1)


def test_midnight_is_no_end(store: Store) -> None:
    stop = Steps(lambda: record(store, "accepted", after=0.5), lambda: record(store, "delivered", after=1.5))

    *came, _ = wait(store, stop)

    days = {Path(event.file).parent.name for event in came if isinstance(event, ReceiptArrived)}
    assert days == {"2026-11-23", "2026-11-24"}


def test_a_long_silence_is_explained_once(store: Store) -> None:
    time = ManualClock()

    def later() -> None:
        time.now += 15

    record(store, "accepted")
    events = wait(store, Steps(later, later, later, later), clock=time)

    notices = [event.text for event in events if isinstance(event, Notice)]
    assert len(notices) == 1
    assert "Only intermediate receipts" in notices[0]
    assert "devkit doctor --wait" in notices[0]


def test_no_receipt_in_time_is_a_failed_expectation(store: Store) -> None:
    time = ManualClock()

    def later() -> None:
        time.now += 5

    end = wait(store, Steps(later, later, later), clock=time, timeout=10)[-1]

    assert end == ended("timeout", open=1)


def test_the_last_recording_of_a_session_is_reported_before_its_end(store: Store) -> None:
    def gone() -> bool:
        if not list(store.entries()):
            record(store, "accepted")
        return False

    came, end = wait(store, Steps(), runs=gone)

    assert isinstance(came, ReceiptArrived)
    assert end == ended("session-ended", open=1)


@pytest.mark.parametrize("status", ["expired", "rejected", "unknown", "failed"])
def test_every_other_final_status_is_not_delivered(store: Store, status: str) -> None:
    entry = read_name(record(store, status, err_code="1"))
    assert entry is not None
    message = PendingMessage((FIRST,), SENT)
    list(message.read([entry]))

    assert message.finished("final") == ended("final", failed=1)


def test_a_watch_yields_each_recording_once_and_none_from_before(store: Store) -> None:
    time = ManualClock()
    record(store, "accepted", after=-5)
    watch = Watch(store, SENT, time)
    before = watch.poll()
    paths = [record(store, "delivered", after=2), record(store, "buffered", after=1)]

    assert before == []
    assert [entry.path for entry in watch.poll()] == [paths[1], paths[0]]
    assert watch.poll() == []


def test_a_watch_sees_what_a_directory_with_a_coarse_clock_hides(store: Store) -> None:
    time = ManualClock()
    path = record(store, "accepted")
    watch = Watch(store, SENT, time)
    watch.poll()
    modified = path.parent.stat().st_mtime_ns
    record(store, "delivered")
    os.utime(
        path.parent, ns=(modified, modified)
    )  # as if both had happened in one tick of the file system's clock

    at_once = watch.poll()
    time.now += 2

    assert at_once == []
    assert [entry.status for entry in watch.poll()] == ["delivered"]


def test_a_watch_outlives_recordings_that_are_cleared_away(store: Store) -> None:
    path = record(store, "accepted")
    watch = Watch(store, SENT)
    watch.poll()
    path.unlink()
    path.parent.rmdir()

    assert watch.poll() == []
    record(store, "delivered")
    assert [entry.status for entry in watch.poll()] == ["delivered"]


def test_receipts_of_uuids_are_awaited_too(store: Store) -> None:
    first, second = "38eef590-711f-4360-a23d-80c38291eb1d", "38eef590-711f-4360-a23d-80c38291eb1e"
    record(store, "delivered", first)
    record(store, "delivered", second)

    *came, end = wait(store, Steps(), first, second)

    assert [event.message_id for event in came if isinstance(event, ReceiptArrived)] == [first, second]
    assert end == ended("final", first, second, delivered=2)
