import json

import pytest

from devkit.errors import UsageError
from devkit.replay.result import Replayed, ReplaySummary, advice, is_expected, parse_expectation
from devkit.replay.send import Rules


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        ("2xx", [200, 204, 299], [199, 301, 500]),
        ("204", [204], [200]),
        ("200, 4XX", [200, 404], [201, 500]),
    ],
)
def test_an_expectation_matches_the_statuses_that_it_names(
    text: str, right: list[int], wrong: list[int]
) -> None:
    expectation = parse_expectation(text)

    assert all(is_expected(status, expectation) for status in right)
    assert not any(is_expected(status, expectation) for status in wrong)


def test_any_success_is_expected_by_default() -> None:
    assert Rules().expect == parse_expectation("2xx")


@pytest.mark.parametrize("text", ["", "ok", "2x", "20", "2000", "600", "2xx,", "xxx"])
def test_an_invalid_status_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="Not an HTTP status"):
        parse_expectation(text)


def test_the_summary_counts_each_outcome() -> None:
    summary = ReplaySummary(ok=12, failed=1)

    assert str(summary) == "replay: 12 ok, 1 failed, 0 unreachable"
    assert summary.as_json() == {"event": "summary", "ok": 12, "failed": 1, "unreachable": 0}


@pytest.mark.parametrize(
    ("summary", "code"),
    [
        (ReplaySummary(3, 0, 0), 0),
        (ReplaySummary(0, 0, 0), 0),
        (ReplaySummary(3, 1, 0), 1),
        (ReplaySummary(3, 0, 1), 4),
        (ReplaySummary(3, 1, 1), 4),
    ],
)
def test_unreachable_has_precedence_over_failed(summary: ReplaySummary, code: int) -> None:
    assert summary.exit_code == code


def test_a_line_has_its_event_first_and_every_field() -> None:
    line = json.dumps(Replayed("a.json", "0A00", "delivered", "ok", 200, 1.5).as_json())

    assert line == (
        '{"event": "replayed", "file": "a.json", "message_id": "0A00", "status": "delivered", '
        '"outcome": "ok", "answer": 200, "ms": 1.5, "problem": "", "hint": "", "sent_again": false, '
        '"err_code": "", "recorded_at": ""}'
    )


@pytest.mark.parametrize(
    ("status", "signed", "word"),
    [
        (301, False, "--to"),
        (404, True, "--path"),
        (405, False, "--path"),
        (401, True, "--now --resign"),
        (400, True, "--now --resign"),
        (401, False, "log"),
        (500, True, "log"),
    ],
)
def test_the_advice_fits_the_status(status: int, signed: bool, word: str) -> None:
    assert word in advice(status, old_signature=signed)
