"""The time that a list is about: a duration until now, or two times."""

from datetime import UTC, datetime

from devkit.errors import UsageError
from devkit.fixture.listing import parse_duration

EVER = ("", "~")  # sorts after every key


def check_range(text: str) -> None:
    """Raise UsageError for what is no duration and not two times."""
    if "/" in text:
        read_interval(text)
    else:
        parse_duration(text)


def read_interval(text: str) -> tuple[datetime, datetime]:
    """The two times in a text such as `2026-11-23T12:20:00Z/2026-11-23T12:25:00Z`. Raises UsageError."""
    try:
        start, end = (datetime.fromisoformat(part).astimezone(UTC) for part in text.split("/"))
    except (ValueError, OverflowError):
        raise UsageError(
            f"Not a duration or two times: {text!r}.",
            hint="Write it as 10m, or as 2026-11-23T12:20:00Z/2026-11-23T12:25:00Z",
        ) from None
    return start, end


def keys_within(text: str, now: datetime) -> tuple[str, str]:
    """The first key of a time, and the first one after it."""
    if "/" in text:
        start, end = read_interval(text)
        return _key_at(start), _key_at(end)
    try:
        return _key_at(now - parse_duration(text)), EVER[1]
    except OverflowError:  # before the year 1
        return EVER


def _key_at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d/%H%M%S.%f}"
