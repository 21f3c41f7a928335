"""One line for each receipt, in the columns that fit."""

from dataclasses import replace

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.cli.event_printer import AnsweredReceipt, session_lines
from devkit.cli.receipt_line import Cell, fit, numbered_reason, since_cell
from devkit.events.session import Forwarded, ReceiptTaken
from tests.support.receipt_event import RECEIPT as EVENT

RECEIPT = replace(EVENT, forwarded=True, sender="AcmeInc", client_ref="order-7")
ANSWERED = AnsweredReceipt(RECEIPT, Forwarded(RECEIPT.file, RECEIPT.message_id, 500, 12.3, ""))


def line(receipt: ReceiptTaken | AnsweredReceipt, width: int | None) -> str:
    (shown,) = session_lines(receipt, width)
    return click.unstyle(shown)[12:]


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (60, "failed      1234567B  -> 500 12 ms  2 Absent..."),
        (80, "failed      1234567B  +2.3 s   -> 500 12 ms  sig ok  2 Absent Sub..."),
        (
            120,
            "failed      1234567B  +2.3 s   -> 500 12 ms  sig ok  *********001  order-7  "
            "2 Absent Subscriber - Temporary",
        ),
        (
            None,
            "failed      1234567B  +2.3 s   -> 500 12 ms  sig ok  *********001  order-7  from AcmeInc  "
            "network 23410  2 Absent Subscriber - Temporary",
        ),
    ],
)
def test_a_receipt_fits_the_terminal_and_is_whole_in_a_pipe(width: int | None, shown: str) -> None:
    assert line(ANSWERED, width) == shown


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("status", ["delivered", "failed", "\u5931\u6557" * 20, "x" * 300, "\u202e" * 30])
def test_no_line_is_wider_than_the_terminal(width: int, status: str) -> None:
    receipt = replace(RECEIPT, status=status, message_id=status, client_ref=status, order="duplicate")
    for event in (receipt, AnsweredReceipt(receipt, ANSWERED.answer), replace(receipt, problem=status * 9)):
        (shown,) = session_lines(event, width)
        shown = click.unstyle(shown)
        assert len(shown) + sum(char in "\u5931\u6557" for char in shown) <= width


def test_without_an_error_there_is_no_err_code() -> None:
    delivered = replace(RECEIPT, status="delivered", err_code="0", meaning="Delivered")

    assert line(delivered, 80) == "delivered   1234567B  +2.3 s   sig ok  *********001  order-7"
    assert numbered_reason("0", "No reason given", "expired") == "0 No reason given"


def test_a_response_that_did_not_come_is_said() -> None:
    unanswered = AnsweredReceipt(RECEIPT, Forwarded(RECEIPT.file, "", None, None, "Nobody answers."))

    assert "-> no answer" in line(unanswered, 60)
    assert "->" not in line(AnsweredReceipt(RECEIPT), 60)


def test_duplicates_and_late_receipts_are_marked() -> None:
    assert "  duplicate  " in line(replace(RECEIPT, order="duplicate"), 80)
    assert "  late  " in line(replace(RECEIPT, order="late"), 80)


def test_the_parts_of_a_text_are_numbered_and_times_count_from_its_send() -> None:
    part = replace(RECEIPT, part=2, parts=3, sent_ms=3500)

    assert line(part, 80).startswith("failed      1234567B  2/3  +3.5 s ")
    assert line(replace(part, parts=1, part=1), 80).startswith("failed      1234567B  +3.5 s ")


def test_less_important_cells_are_left_out_first() -> None:
    cells = [Cell("always"), Cell("second", 2), Cell("first", 1), Cell("detail", 4)]

    assert [fit(cells, "", width) for width in (31, 21, 20, 13, 12, 3)] == [
        "always  second  first  detail",
        "always  second  first",
        "always  first",
        "always  first",
        "always",
        "always",
    ]


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [(None, ""), (0, "+0.0 s"), (99_900, "+99.9 s"), (100_000, "+2 min"), (7_200_000, "+2.0 h")],
)
def test_the_time_since_the_first_receipt_has_at_most_seven_columns(
    milliseconds: int | None, shown: str
) -> None:
    assert since_cell(milliseconds).text == shown


@given(st.text(max_size=40), st.integers(20, 120))
def test_a_reason_is_cut_to_what_is_left(text: str, width: int) -> None:
    shown = fit([Cell("status", width=10)], text, width)

    assert shown.startswith("status")
    assert shown.isprintable()
    if text.isascii() and text.isprintable() and text.strip() == text:
        assert len(shown) <= width
