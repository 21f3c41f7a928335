"""What a replay sends, in which order and when. Order, duplicates and repeats are the faults that receipts have."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from devkit.callback import Callback
from devkit.fixture import load
from devkit.receipt import Receipt, read
from devkit.replay.pace import AT_ONCE, due_times, gaps
from devkit.store import read_name

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
class Shot:
    """One sending of a recording. due: seconds from the start."""

    recording: Recording
    due: float


@dataclass(frozen=True, slots=True)
class Arrangement:
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


def arrange(recordings: Sequence[Recording], how: Arrangement) -> list[Shot]:
    """The shots of a replay. The rhythm is that of the recorded order, whichever receipts fill its places."""
    times = [recording.recorded_at for recording in recordings]
    pauses = gaps(times, speed=how.speed, max_wait=how.max_wait)
    slots = list(_slots(recordings, pauses, how))
    due = due_times((pause for _, pause in slots), rate=how.rate)
    return [Shot(recording, moment) for (recording, _), moment in zip(slots, due, strict=True)]


def _slots(
    recordings: Sequence[Recording], pauses: Sequence[float], how: Arrangement
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
