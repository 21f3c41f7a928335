"""What a replay sends, in which order, and when."""

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Literal, get_args

from devkit.errors import UsageError
from devkit.fixture.format import load
from devkit.fixture.store import read_name
from devkit.webhook.callback import Callback
from devkit.webhook.receipt import Receipt, read

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


Order = Literal["recorded", "reversed", "shuffle"]
ORDERS: tuple[Order, ...] = get_args(Order)


@dataclass(frozen=True)  # without slots, for what is kept once it was asked for
class Recording:
    """A callback to send again, and the file that it is from."""

    path: Path
    recorded_at: datetime
    callback: Callback

    @cached_property
    def receipt(self) -> Receipt:
        """What it says; no fields when it cannot be read."""
        reading = read(self.callback)
        return reading if isinstance(reading, Receipt) else Receipt({})


@dataclass(frozen=True, slots=True)
class ScheduledRequest:
    """One sending of a recording. due: seconds from the start."""

    recording: Recording
    due: float


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """How recordings become shots.

    speed: times faster than recorded. max_wait: seconds. rate: receipts a second. seed: of the shuffle.
    duplicate: how often each receipt is sent in a row. repeat: how often the whole is sent.
    """

    order: Order = "recorded"
    seed: int = 0
    duplicate: int = 1
    repeat: int = 1
    speed: float = AT_ONCE
    max_wait: float | None = None
    rate: float | None = None


def load_recordings(paths: Iterable[Path]) -> list[Recording]:
    """The recordings in files: devkit's own in the order of time, any others in the order given.

    A sequence written by hand keeps the order of its names whatever its times say. Raises FixtureError.
    """
    paths = list(paths)
    entries = [read_name(path) for path in paths]
    known = [entry for entry in entries if entry is not None]
    if len(known) == len(paths):
        paths = [entry.path for entry in sorted(known, key=lambda entry: entry.recorded_at)]
    fixtures = ((path, load(path)) for path in paths)
    return [Recording(path, fixture.recorded_at, fixture.callback) for path, fixture in fixtures]


def arrange(recordings: Sequence[Recording], how: ReplayOptions) -> list[ScheduledRequest]:
    """The shots of a replay. The rhythm is that of the recorded order, whichever receipts fill its places."""
    times = [recording.recorded_at for recording in recordings]
    pauses = gaps(times, speed=how.speed, max_wait=how.max_wait)
    slots = list(_slots(recordings, pauses, how))
    due = due_times((pause for _, pause in slots), rate=how.rate)
    return [ScheduledRequest(recording, moment) for (recording, _), moment in zip(slots, due, strict=True)]


def _slots(
    recordings: Sequence[Recording], pauses: Sequence[float], how: ReplayOptions
) -> Iterator[tuple[Recording, float]]:
    chance = random.Random(how.seed)
    for _ in range(how.repeat):
        for recording, pause in zip(_ordered(recordings, how.order, chance), pauses, strict=True):
            yield recording, pause
            yield from [(recording, 0.0)] * (how.duplicate - 1)


def _ordered(recordings: Sequence[Recording], order: Order, chance: random.Random) -> list[Recording]:
    ordered = list(recordings)
    if order == "reversed":
        ordered.reverse()
    elif order == "shuffle":
        chance.shuffle(ordered)
    return ordered
