"""A length of time as people type it: `90s`, `10m`, `36h`, `30d`, `2w`."""

import re
from datetime import timedelta

from devkit.errors import UsageError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_WRITTEN = re.compile(r"([0-9]{1,5})\s*([smhdw])", re.IGNORECASE)  # 99999w still lies in the time of datetime


def parse_duration(text: str) -> timedelta:
    """The length of time in a text, whole numbers of one unit. Raises UsageError."""
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"Not a length of time: {text!r}.", hint="Write it as 90s, 10m, 36h, 30d or 2w.")
    return timedelta(**{_UNITS[match[2].lower()]: int(match[1])})
