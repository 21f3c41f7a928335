"""Lengths of time as people type them."""

from datetime import UTC, datetime, timedelta

import pytest

from devkit.duration import parse_duration
from devkit.errors import UsageError


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("10m", timedelta(minutes=10)),
        ("36h", timedelta(hours=36)),
        ("30d", timedelta(days=30)),
        ("2w", timedelta(weeks=2)),
        ("1 D", timedelta(days=1)),
        ("0s", timedelta()),
    ],
)
def test_each_unit(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "1.5h", "1y", "1h30m", "999999999d", "\u0661\u0660m"])
def test_anything_else_is_a_usage_error_that_shows_how(text: str) -> None:
    with pytest.raises(UsageError, match="Not a length of time") as caught:
        parse_duration(text)

    assert "10m" in caught.value.hint


def test_the_longest_still_leads_to_a_moment() -> None:
    assert (datetime(2026, 1, 1, tzinfo=UTC) - parse_duration("99999w")).year == 109
