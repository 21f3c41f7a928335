from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.errors import UsageError
from devkit.replay.schedule import AT_ONCE, due_times, gaps, parse_speed

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


def times(*seconds: float) -> list[datetime]:
    return [START + timedelta(seconds=second) for second in seconds]


@pytest.mark.parametrize(
    ("text", "speed"),
    [("max", AT_ONCE), ("MAX", AT_ONCE), ("1x", 1), ("10X", 10), ("0.5", 0.5), ("1e2x", 100)],
)
def test_a_speed_is_a_factor(text: str, speed: float) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["", "x", "0", "0x", "-1x", "nan", "inf", "infx", "fast", "1xx"])
def test_an_invalid_speed_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="Not a speed"):
        parse_speed(text)


def test_the_recorded_gaps_are_kept() -> None:
    assert gaps(times(0, 2, 2, 5.5), speed=1, max_wait=None) == [0, 2, 0, 3.5]


def test_a_speed_shortens_the_gaps() -> None:
    assert gaps(times(0, 2, 12), speed=10, max_wait=None) == [0, 0.2, 1]
    assert gaps(times(0, 2, 12), speed=AT_ONCE, max_wait=None) == [0, 0, 0]


def test_no_gap_is_longer_than_allowed() -> None:
    assert gaps(times(0, 1, 259_200), speed=1, max_wait=2) == [0, 1, 2]
    assert gaps(times(0, 10, 100), speed=10, max_wait=2) == [0, 1, 2]


def test_times_that_go_backwards_are_no_gap() -> None:
    assert gaps(times(5, 0, 3), speed=1, max_wait=None) == [0, 0, 3]


def test_nothing_has_no_gaps() -> None:
    assert gaps([], speed=1, max_wait=None) == []
    assert list(due_times([], rate=5)) == []


def test_due_times_add_the_gaps_up() -> None:
    assert list(due_times([0, 2, 0, 3], rate=None)) == [0, 2, 2, 5]


def test_a_rate_keeps_receipts_apart_and_longer_gaps_as_they_are() -> None:
    assert list(due_times([0, 0, 0, 3], rate=4)) == [0, 0.25, 0.5, 3.5]


@given(
    seconds=st.lists(st.floats(0, 1e6), max_size=20),
    speed=st.floats(0.01, 1000) | st.just(AT_ONCE),
    max_wait=st.none() | st.floats(0, 100),
    rate=st.none() | st.floats(0.1, 1000),
)
def test_due_times_begin_at_zero_and_never_go_backwards(
    seconds: list[float], speed: float, max_wait: float | None, rate: float | None
) -> None:
    due = list(due_times(gaps(times(*seconds), speed=speed, max_wait=max_wait), rate=rate))

    assert len(due) == len(seconds)
    assert due[:1] in ([], [0])
    assert all(earlier <= later for earlier, later in pairwise(due))
