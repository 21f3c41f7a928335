"""Waiting for the statuses of the Messages API, among webhooks that say nothing about the message."""

from datetime import timedelta

from devkit.events import Event
from devkit.fixture.format import Fixture
from devkit.fixture.store import Store
from devkit.session.wait import (
    CLOCK_TOLERANCE,
    NewestMessage,
    PendingMessage,
    ReceiptArrived,
    WaitFinished,
    wait_for_receipts,
)
from devkit.webhook.callback import compose
from devkit.webhook.new_webhook import make_inbound_fields, make_status_fields
from tests.support.awaited_message import SENT, record
from tests.support.steps import Steps

UUID = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
OTHER = "bbbbbbbb-bbbb-4ccc-8ddd-0123456789ab"


def put(store: Store, fields: dict[str, object], after: float = 1.0) -> None:
    fixture = Fixture(SENT + timedelta(seconds=after), compose(fields, "json"))
    store.record(fixture, fixture.read())


def status(store: Store, word: str, after: float = 1.0, message: str = UUID, error: str = "") -> None:
    put(store, make_status_fields(word, message_uuid=message, timestamp=SENT, error=error), after)


def wait(store: Store, *words: str, until: str = "final") -> tuple[list[ReceiptArrived], WaitFinished]:
    steps = [lambda word=word, after=after: status(store, word, after) for after, word in enumerate(words)]
    message = PendingMessage((UUID,), SENT - CLOCK_TOLERANCE, SENT, until)
    found: list[Event] = list(
        wait_for_receipts(message, store, Steps(*steps), session_runs=lambda: True, timeout=None)
    )
    (end,) = (event for event in found if isinstance(event, WaitFinished))
    return [event for event in found if isinstance(event, ReceiptArrived)], end


def test_a_message_ends_with_its_final_status(store: Store) -> None:
    came, end = wait(store, "submitted", "delivered", "read")

    assert [(event.status, event.final, event.part) for event in came] == [
        ("submitted", False, 1),
        ("delivered", True, 1),
    ]
    assert (end.reason, end.delivered, end.failed, end.reached) == ("final", 1, 0, True)


def test_what_was_read_was_delivered(store: Store) -> None:
    for until in ("final", "delivered"):
        end = wait(store, "submitted", "read", until=until)[1]
        assert (end.delivered, end.reached) == (1, True)


def test_a_wait_for_read_goes_on_after_delivered(store: Store) -> None:
    came, end = wait(store, "submitted", "delivered", "read", until="read")

    assert [event.status for event in came] == ["submitted", "delivered", "read"]
    assert (end.reason, end.delivered, end.reached) == ("reached", 1, True)


def test_a_rejection_names_its_error_and_what_to_do(store: Store) -> None:
    status(store, "rejected", error="1240")
    (came,), end = wait(store)

    assert (came.err_code, came.meaning) == ("1240", "Illegal number")
    assert "opted out" in came.advice
    assert (end.reason, end.failed, end.reached) == ("final", 1, False)


def test_a_wait_for_submitted_ends_with_it(store: Store) -> None:
    came, end = wait(store, "submitted", until="submitted")

    assert [event.status for event in came] == ["submitted"]
    assert (end.reason, end.reached) == ("reached", True)


def test_only_receipts_and_statuses_say_what_became_of_a_message(store: Store) -> None:
    put(store, make_inbound_fields("Hi", message_uuid=UUID, timestamp=SENT))
    put(store, {"request_id": UUID, "type": "event", "status": "delivered"})

    came, _ = wait(store, "submitted", "delivered")

    assert [event.status for event in came] == ["submitted", "delivered"]


def test_the_newest_message_is_none_of_those_either(store: Store) -> None:
    status(store, "submitted", 1, OTHER)
    put(store, make_inbound_fields("Hi", message_uuid=UUID, timestamp=SENT), 2)
    put(store, {"request_id": "ab12", "type": "event", "status": "failed"}, 3)
    steps = Steps(lambda: status(store, "delivered", 4, OTHER))
    message = NewestMessage((), SENT - CLOCK_TOLERANCE)

    *came, end = wait_for_receipts(message, store, steps, session_runs=lambda: True)

    assert [event.status for event in came if isinstance(event, ReceiptArrived)] == ["submitted", "delivered"]
    assert isinstance(end, WaitFinished)
    assert end.message_ids == (OTHER,)


def test_receipts_are_awaited_as_before(store: Store) -> None:
    record(store, "failed", UUID, err_code="2")
    (came,), end = wait(store)

    assert (came.status, came.err_code, end.failed) == ("failed", "2", 1)
