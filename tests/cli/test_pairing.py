"""The application's response on the receipt's line."""

from datetime import UTC, datetime
from queue import SimpleQueue

import pytest

from devkit.cli.event_printer import AnsweredReceipt, Pairing, Published, paired
from devkit.events import Event, Notice
from devkit.events.session import Forwarded, ReceiptTaken

AT = datetime(2026, 11, 23, 13, 45, 47, tzinfo=UTC)


def events(pairing: Pairing) -> list[Event]:
    return [event for _, event in pairing.ready()]


def receipt(file: str, *, forwarded: bool = True) -> ReceiptTaken:
    return ReceiptTaken(
        file,
        "0A00",
        "delivered",
        "0",
        "Delivered",
        "absent",
        "",
        None,
        "",
        "get",
        "",
        False,
        forwarded=forwarded,
    )


def response(file: str) -> Forwarded:
    return Forwarded(file, "0A00", 200, 12.3, "")


class Now:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Now:
    return Now()


@pytest.fixture
def pairing(clock: Now) -> Pairing:
    return Pairing(clock, response_wait=0.5)


def test_a_receipt_waits_for_its_response(pairing: Pairing) -> None:
    pairing.add(AT, receipt("a"))
    assert events(pairing) == []

    pairing.add(AT, response("a"))
    assert events(pairing) == [AnsweredReceipt(receipt("a"), response("a"))]


def test_a_response_that_is_too_late_is_an_event_of_its_own(pairing: Pairing, clock: Now) -> None:
    pairing.add(AT, receipt("a"))
    assert pairing.seconds_left() == 0.5

    clock.now = 0.5
    assert events(pairing) == [AnsweredReceipt(receipt("a"))]
    pairing.add(AT, response("a"))
    assert events(pairing) == [response("a")]


def test_later_events_keep_their_order(pairing: Pairing) -> None:
    for event in (receipt("a"), receipt("b"), Notice("c"), response("b")):
        pairing.add(AT, event)
    assert events(pairing) == []

    pairing.add(AT, response("a"))
    assert events(pairing) == [
        AnsweredReceipt(receipt("a"), response("a")),
        AnsweredReceipt(receipt("b"), response("b")),
        Notice("c"),
    ]
    assert pairing.seconds_left() is None


def test_what_is_not_forwarded_does_not_wait(pairing: Pairing) -> None:
    pairing.add(AT, receipt("a", forwarded=False))

    assert events(pairing) == [receipt("a", forwarded=False)]


def test_at_the_end_all_events_are_given() -> None:
    queue: SimpleQueue[Published | None] = SimpleQueue()
    for published in ((AT, receipt("a")), (AT, Notice("b")), None):
        queue.put(published)

    assert list(paired(queue, Now())) == [(AT, AnsweredReceipt(receipt("a"))), (AT, Notice("b"))]
