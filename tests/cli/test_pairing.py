"""The application's response on the receipt's line."""

from datetime import UTC, datetime
from queue import SimpleQueue

import pytest

from devkit.cli.event_printer import AnsweredReceipt, Pairing, paired, session_lines
from devkit.events import Event, Notice
from devkit.events.session import Forwarded, ReceiptTaken


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
    pairing.add(receipt("a"))
    assert list(pairing.ready()) == []

    pairing.add(response("a"))
    assert list(pairing.ready()) == [AnsweredReceipt(receipt("a"), response("a"))]


def test_a_response_that_is_too_late_is_an_event_of_its_own(pairing: Pairing, clock: Now) -> None:
    pairing.add(receipt("a"))
    assert pairing.seconds_left() == 0.5

    clock.now = 0.5
    assert list(pairing.ready()) == [AnsweredReceipt(receipt("a"))]
    pairing.add(response("a"))
    assert list(pairing.ready()) == [response("a")]


def test_later_events_keep_their_order(pairing: Pairing) -> None:
    for event in (receipt("a"), receipt("b"), Notice("c"), response("b")):
        pairing.add(event)
    assert list(pairing.ready()) == []

    pairing.add(response("a"))
    assert list(pairing.ready()) == [
        AnsweredReceipt(receipt("a"), response("a")),
        AnsweredReceipt(receipt("b"), response("b")),
        Notice("c"),
    ]
    assert pairing.seconds_left() is None


def test_what_is_not_forwarded_does_not_wait(pairing: Pairing) -> None:
    pairing.add(receipt("a", forwarded=False))

    assert list(pairing.ready()) == [receipt("a", forwarded=False)]


def test_at_the_end_all_events_are_given() -> None:
    queue: SimpleQueue[Event | None] = SimpleQueue()
    for event in (receipt("a"), Notice("b"), None):
        queue.put(event)

    assert list(paired(queue, clock=Now())) == [AnsweredReceipt(receipt("a")), Notice("b")]


def test_a_receipt_that_waited_has_the_time_at_which_it_was_taken() -> None:
    at = datetime(2026, 11, 23, 13, 45, 47, tzinfo=UTC)

    (line,) = session_lines(AnsweredReceipt(receipt("a"), at=at))

    assert f"{at.astimezone():%H:%M:%S}" in line
