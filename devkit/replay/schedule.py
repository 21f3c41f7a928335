"""Which recordings a replay sends, in which order, and when."""

import gc
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import accumulate, pairwise, repeat
from pathlib import Path
from typing import ClassVar, Literal, TypedDict, get_args

from devkit.errors import UsageError
from devkit.events import Event
from devkit.fixture.format import format_time, load
from devkit.fixture.select import display_path
from devkit.fixture.store import read_name
from devkit.webhook.callback import Callback, to_wire
from devkit.webhook.masking import one_line
from devkit.webhook.receipt import Webhook, read, webhook_in

AT_ONCE = math.inf  # the speed without any gaps
_MAX_REQUESTS = 5_000_000  # a schedule of so many takes 800 MB


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
    """Seconds to wait before each receipt: 0 before the first, never negative.

    times: when the receipts were recorded. max_wait: seconds, the longest gap of the replay.
    """
    longest = math.inf if max_wait is None else max_wait
    between = ((later - earlier).total_seconds() / speed for earlier, later in pairwise(times))
    return [0.0 for _ in times[:1]] + [min(max(gap, 0.0), longest) for gap in between]


def due_times(gaps: Iterable[float], *, rate: float | None) -> Iterator[float]:
    """When each receipt is due, in seconds from the start. rate: the most receipts a second, on average."""
    least = 1 / rate if rate else 0.0
    spaced = (max(gap, least) if place else 0.0 for place, gap in enumerate(gaps))
    return accumulate(spaced)


Order = Literal["recorded", "reversed", "shuffle"]
ORDERS: tuple[Order, ...] = get_args(Order)


class Identity(TypedDict):
    """Which receipt an event is about. file, recorded_at (UTC): empty for a triggered one.

    The texts of the receipt are cut, and have no control characters.
    """

    file: str
    message_id: str
    status: str
    err_code: str
    recorded_at: str


def identify(receipt: Webhook, file: str = "", recorded_at: str = "") -> Identity:
    return Identity(
        file=file,
        message_id=one_line(receipt.message_id, 60),
        status=one_line(receipt.status, 30),
        err_code=one_line(receipt.err_code, 30),
        recorded_at=recorded_at,
    )


@dataclass(frozen=True)  # without slots, because cached_property needs a __dict__
class Recording:
    """A callback to send again, and the file that holds it."""

    path: Path
    recorded_at: datetime
    callback: Callback

    @cached_property
    def receipt(self) -> Webhook:
        """The receipt in the callback; one without fields when it cannot be read."""
        return webhook_in(read(self.callback))

    @property
    def identity(self) -> Identity:
        return identify(self.receipt, display_path(self.path), format_time(self.recorded_at))


@dataclass(frozen=True, slots=True)
class ScheduledRequest:
    """A recording and when to send it. due: seconds from the start."""

    recording: Recording
    due: float


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """How recordings become a schedule.

    speed: times faster than recorded. max_wait: seconds. rate: receipts a second. seed: of the shuffle.
    duplicate: how often each receipt is sent in a row. repeat: how often all receipts are sent.
    """

    order: Order = "recorded"
    seed: int = 0
    duplicate: int = 1
    repeat: int = 1
    speed: float = AT_ONCE
    max_wait: float | None = None
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Planned(Event):
    """A receipt would be sent. bytes: of the request. path: without the query. due: seconds from the start.

    The other fields are those of `Identity`.
    """

    name: ClassVar[str] = "planned"
    file: str
    message_id: str
    status: str
    method: str
    path: str
    bytes: int
    due: float
    err_code: str = ""
    recorded_at: str = ""


def load_recordings(paths: Iterable[Path]) -> list[Recording]:
    """The recordings in the files: those named by devkit in the order of time, any others in the given order.

    So a sequence written by hand keeps the order of its names, whatever its times are. Raises FixtureError.
    """
    with _garbage_collection_off():
        fixtures = [(path, load(path)) for path in _in_order(list(paths))]
        return [Recording(path, fixture.recorded_at, fixture.callback) for path, fixture in fixtures]


@contextmanager
def _garbage_collection_off() -> Iterator[None]:
    """Objects that are created inside are never searched for garbage: they are needed until the replay ends.

    The searches would take a seventh of the processor time of a replay of thousands.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _in_order(paths: Sequence[Path]) -> Sequence[Path]:
    entries = [read_name(path) for path in paths]
    known = [entry for entry in entries if entry is not None]
    if len(known) < len(paths):
        return paths
    return [entry.path for entry in sorted(known, key=lambda entry: entry.recorded_at)]


def arrange(recordings: Sequence[Recording], options: ReplayOptions) -> list[ScheduledRequest]:
    """The schedule of a replay. The gaps are those of the recorded order, also when the receipts have another one.

    Raises UsageError when it would not fit into memory.
    """
    count = len(recordings) * options.repeat * options.duplicate
    if count > _MAX_REQUESTS:
        raise UsageError(
            f"{count} receipts are too many for one replay.",
            hint=f"Send at most {_MAX_REQUESTS}: use a smaller --repeat or --duplicate.",
        )
    times = [recording.recorded_at for recording in recordings]
    pauses = gaps(times, speed=options.speed, max_wait=options.max_wait)
    slots = list(_slots(recordings, pauses, options))
    due = due_times((pause for _, pause in slots), rate=options.rate)
    return [ScheduledRequest(recording, moment) for (recording, _), moment in zip(slots, due, strict=True)]


def _slots(
    recordings: Sequence[Recording], pauses: Sequence[float], options: ReplayOptions
) -> Iterator[tuple[Recording, float]]:
    order = _orders(recordings, options)
    for _ in range(options.repeat):
        for recording, pause in zip(next(order), pauses, strict=True):
            yield recording, pause
            yield from [(recording, 0.0)] * (options.duplicate - 1)


def _orders(recordings: Sequence[Recording], options: ReplayOptions) -> Iterator[Sequence[Recording]]:
    """The order of each repetition. A shuffle gives a new one each time."""
    if options.order != "shuffle":
        yield from repeat(recordings if options.order == "recorded" else recordings[::-1])
    import random  # takes long to import

    generator = random.Random(options.seed)
    while True:
        shuffled = list(recordings)
        generator.shuffle(shuffled)
        yield shuffled


def plan(
    scheduled: Iterable[ScheduledRequest], transform: Callable[[Callback], Callback]
) -> Iterator[Planned]:
    """What a replay would send."""
    for request in scheduled:
        callback = transform(request.recording.callback)
        yield Planned(
            **request.recording.identity,
            method=callback.method,
            path=callback.path,
            bytes=len(to_wire(callback)),
            due=round(request.due, 3),
        )
