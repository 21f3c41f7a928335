"""The charts of the overview, as geometry for a template."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice

from devkit.inspector.context import InspectorContext
from devkit.inspector.index import is_alone, status_of
from devkit.inspector.template_filters import span
from devkit.webhook.timeline import stage

WIDTH, HEIGHT = 640, 160
_BINS = 60
_STEPS = tuple(
    timedelta(seconds=size) for size in (1, 5, 15, 60, 300, 900, 3600, 10800, 43200, 86400, 604800)
)
_ORDER = ("delivered", "accepted", "buffered", "unknown", "expired", "rejected", "failed")
_TICKS = tuple(timedelta(seconds=size) for size in (0.1, 1, 10, 60, 600, 3600, 36000, 259200))


@dataclass(frozen=True, slots=True)
class Bar:
    """One status in one stretch of time."""

    x: float
    y: float
    width: float
    height: float
    status: str
    title: str


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """Receipts over time. step: the width of a bar in words. totals: of each status, the most frequent first."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    most: int
    step: str
    totals: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class NetworkDelays:
    """The delays of one network. dots: where they lie. median, slowest: in words."""

    network: str
    dots: tuple[float, ...]
    middle: float
    count: int
    median: str
    slowest: str


def histogram(receipts: Sequence[tuple[datetime, str]], zone: tzinfo | None = UTC) -> Histogram | None:
    """When receipts of which status were recorded; None when there are none. zone: of the times in words."""
    if not receipts:
        return None
    first, last = min(at for at, _ in receipts), max(at for at, _ in receipts)
    step = next((step for step in _STEPS if (last - first) / step < _BINS), _STEPS[-1])
    start = first.timestamp() // step.total_seconds() * step.total_seconds()
    bins: dict[int, Counter[str]] = defaultdict(Counter)
    for at, status in receipts:
        bins[int((at.timestamp() - start) // step.total_seconds())][status] += 1
    count = max(12, max(bins) + 1)
    most = max(each.total() for each in bins.values())
    totals = Counter(status for _, status in receipts)
    statuses = sorted(totals, key=lambda status: (_place(status), status))
    bars = [bar for place, each in bins.items() for bar in _stack(place, each, statuses, count, most)]
    ticks = tuple(
        _time_tick(start, step, place, count, zone) for place in range(0, count, max(1, count // 6))
    )
    return Histogram(tuple(bars), ticks, most, span(step), tuple(totals.most_common()))


def _stack(
    place: int, counted: Counter[str], statuses: Sequence[str], count: int, most: int
) -> Iterable[Bar]:
    width, y = WIDTH / count, float(HEIGHT)
    for status in statuses:
        if counted[status]:
            height = counted[status] / most * HEIGHT
            y -= height
            title = f"{counted[status]} {status}"
            yield Bar(
                round(place * width, 2), round(y, 2), round(width * 0.86, 2), round(height, 2), status, title
            )


def _time_tick(start: float, step: timedelta, place: int, count: int, zone: tzinfo | None) -> Tick:
    moment = datetime.fromtimestamp(start + place * step.total_seconds(), UTC).astimezone(zone)
    hours = "%H:%M" if step >= timedelta(minutes=1) else "%H:%M:%S"
    form = "%d %b" if step >= timedelta(hours=3) else "%d %b %H:%M" if step >= timedelta(hours=1) else hours
    return Tick(round(place * WIDTH / count, 2), moment.strftime(form))


def _place(status: str) -> int:
    return _ORDER.index(status) if status in _ORDER else len(_ORDER)


def lanes(delays: Iterable[tuple[str, timedelta]]) -> list[NetworkDelays]:
    """The delays until the final receipt, by network, the busiest network first."""
    grouped: dict[str, list[timedelta]] = defaultdict(list)
    for network, delay in delays:
        grouped[network or "no network"].append(delay)
    return [
        _lane(name, sorted(grouped[name])) for name in sorted(grouped, key=lambda name: -len(grouped[name]))
    ]


def _lane(network: str, delays: Sequence[timedelta]) -> NetworkDelays:
    middle = delays[len(delays) // 2]
    return NetworkDelays(
        network=network,
        dots=tuple(delay_x(delay) for delay in delays),
        middle=delay_x(middle),
        count=len(delays),
        median=span(middle),
        slowest=span(delays[-1]),
    )


def delay_ticks() -> list[Tick]:
    """The marks below the lanes."""
    labels = ("0.1 s", "1 s", "10 s", "1 min", "10 min", "1 h", "10 h", "72 h")
    return [Tick(delay_x(delay), label) for delay, label in zip(_TICKS, labels, strict=True)]


def delay_x(delay: timedelta) -> float:
    """Where a delay lies, on a scale by factors: seconds and days both have to be told apart."""
    low, high = (math.log10(each.total_seconds()) for each in (_TICKS[0], _TICKS[-1]))
    seconds = min(max(delay.total_seconds(), _TICKS[0].total_seconds()), _TICKS[-1].total_seconds())
    return round((math.log10(seconds) - low) / (high - low) * WIDTH, 2)


def is_final(status: str) -> bool:
    """Whether a status ends a message."""
    return stage(status) == "final"


_RECEIPTS = 20_000  # newest ones in the histogram
_MESSAGES = 300  # newest ones among the delays; each opens one file


@dataclass(frozen=True, slots=True)
class Overview:
    """receipts: how many are drawn of how many there are. lanes: of the newest messages that have ended."""

    histogram: Histogram | None
    receipts: int
    recorded: int
    lanes: tuple[NetworkDelays, ...]
    ticks: tuple[Tick, ...]


def read_overview(context: InspectorContext) -> Overview:
    """The charts as of now."""
    keys = list(islice(context.index.newest_first(), _RECEIPTS))
    drawn = [(moment_of(key), status_of(key)) for key in keys]
    return Overview(
        histogram=histogram(drawn, context.options.zone),
        receipts=len(drawn),
        recorded=context.index.count(),
        lanes=tuple(lanes(_delays(context, keys))),
        ticks=tuple(delay_ticks()),
    )


def moment_of(key: str) -> datetime:
    """When a recording was made, by its key: `2026-11-23/134547.123456Z-...`."""
    return datetime.fromisoformat(f"{key[:10]}T{key[11:13]}:{key[13:15]}:{key[15:24]}+00:00")


def _delays(context: InspectorContext, keys: list[str]) -> list[tuple[str, timedelta]]:
    delays: list[tuple[str, timedelta]] = []
    sends = context.sends()
    ends: dict[str, str] = {}  # the first final receipt of each message, by its first receipt
    for key in keys:
        if len(delays) == _MESSAGES:
            break
        if not is_final(status_of(key)) or is_alone(key):
            continue
        group = context.index.message_of(key)
        if not group:
            continue
        if group[0] not in ends:
            ends[group[0]] = next(each for each in group if is_final(status_of(each)))
        # Each message once, by its first final receipt; one that came alone tells no delay, unless its send is known.
        if key != ends[group[0]]:
            continue
        row = context.rows.read(key)
        if row is None:
            continue
        send = sends.get(row.message_id)
        if send or group[0] != key:
            start = send.at if send else moment_of(group[0])
            delays.append((row.network, max(row.at - start, timedelta())))
    return delays
