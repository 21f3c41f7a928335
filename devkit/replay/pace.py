"""When each receipt of a replay is due: the recorded rhythm, or a faster one. Pure."""

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import accumulate, pairwise

from devkit.errors import UsageError

AT_ONCE = math.inf  # the speed that waits for nothing


def parse_speed(text: str) -> float:
    """How many times faster than recorded: `max`, `1x`, `10x`, `0.5`. Raises UsageError."""
    if text.lower() == "max":
        return AT_ONCE
    try:
        speed = float(text.lower().removesuffix("x"))
    except ValueError:
        speed = 0.0
    if not 0 < speed < AT_ONCE:
        raise UsageError(
            f"Not a speed: {text!r}.", hint="Use --speed max, --speed 1x (as recorded) or --speed 10x."
        )
    return speed


def gaps(times: Sequence[datetime], *, speed: float, max_wait: float | None) -> list[float]:
    """Seconds to let pass before each receipt; 0 before the first, never negative.

    times: when they were recorded. max_wait: no gap is longer than this, in seconds of the replay.
    """
    longest = math.inf if max_wait is None else max_wait
    between = ((later - earlier).total_seconds() / speed for earlier, later in pairwise(times))
    return [0.0 for _ in times[:1]] + [min(max(gap, 0.0), longest) for gap in between]


def due_times(gaps: Iterable[float], *, rate: float | None) -> Iterator[float]:
    """Seconds from the start at which each receipt is due. rate: at most so many in a second, on average."""
    least = 1 / rate if rate else 0.0
    spaced = (max(gap, least) if place else 0.0 for place, gap in enumerate(gaps))
    return accumulate(spaced)
