"""The charts of the overview, as coordinates for a template."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice

from devkit.fixture.store import id_in_name
from devkit.inspector.index import Index, Rows, is_alone, moment_of, name_of, status_of
from devkit.inspector.template_filters import interval
from devkit.webhook.timeline import SentMessage, stage

WIDTH, HEIGHT = 640, 160
_BINS = 60
_STEPS = tuple(
    timedelta(seconds=size) for size in (1, 5, 15, 60, 300, 900, 3600, 10800, 43200, 86400, 604800)
)
_ORDER = (
    "delivered",
    "read",
    "accepted",
    "submitted",
    "buffered",
    "unknown",
    "expired",
    "rejected",
    "undeliverable",
    "failed",
)


@dataclass(frozen=True, slots=True)
class Bar:
    """The receipts with one status in one interval."""

    y: float
    height: float
    status: str


@dataclass(frozen=True, slots=True)
class Column:
    """The receipts in an interval. within: the filter for them, see `search.read_interval`. words: it, to read."""

    x: float
    width: float
    within: str
    words: str
    counts: tuple[tuple[str, int], ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """Receipts over time. step: the interval of a column. most: of the highest. totals: by status, largest first."""

    columns: tuple[Column, ...]
    ticks: tuple[Tick, ...]
    most: int
    step: timedelta
    totals: tuple[tuple[str, int], ...]


def histogram(receipts: Sequence[tuple[datetime, str]], zone: tzinfo | None = UTC) -> Histogram | None:
    """The times and statuses of receipts as bars; None without receipts. zone: of the labels."""
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
    columns = []
    for place, each in sorted(bins.items()):
        counts = [(status, each[status]) for status in statuses if each[status]]
        times = _moment(start, step, place), _moment(start, step, place + 1)
        columns.append(_column(place, count, times, zone, counts, most))
    ticks = (_time_tick(start, step, place, count, zone) for place in range(0, count, max(1, count // 6)))
    return Histogram(tuple(columns), tuple(ticks), most, step, tuple(totals.most_common()))


def _column(
    place: int,
    count: int,
    times: tuple[datetime, datetime],
    zone: tzinfo | None,
    counts: Sequence[tuple[str, int]],
    most: int,
) -> Column:
    width = WIDTH / count
    return Column(
        x=round(place * width, 2),
        width=round(width * 0.86, 2),
        within="/".join(f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in times),
        words=interval(*times, zone),
        counts=tuple(counts),
        bars=tuple(_stack(counts, most)),
    )


def _stack(counts: Sequence[tuple[str, int]], most: int) -> Iterator[Bar]:
    y = float(HEIGHT)
    for status, number in counts:
        height = number / most * HEIGHT
        y -= height
        yield Bar(round(y, 2), round(height, 2), status)


def _moment(first: float, step: timedelta, place: int) -> datetime:
    return datetime.fromtimestamp(first + place * step.total_seconds(), UTC)


def _time_tick(start: float, step: timedelta, place: int, count: int, zone: tzinfo | None) -> Tick:
    moment = _moment(start, step, place).astimezone(zone)
    hours = "%H:%M" if step >= timedelta(minutes=1) else "%H:%M:%S"
    form = "%d %b" if step >= timedelta(hours=3) else "%d %b %H:%M" if step >= timedelta(hours=1) else hours
    return Tick(round(place * WIDTH / count, 2), moment.strftime(form))


def _place(status: str) -> int:
    return _ORDER.index(status) if status in _ORDER else len(_ORDER)


@dataclass(frozen=True, slots=True)
class NetworkDelays:
    """The delays of one network. dots: their x coordinates. middle: that of the median."""

    network: str
    dots: tuple[float, ...]
    middle: float
    median: timedelta
    slowest: timedelta


def network_delays(delays: Iterable[tuple[str, timedelta]]) -> list[NetworkDelays]:
    """The delays until the final receipt, by network, the busiest network first."""
    grouped: dict[str, list[timedelta]] = defaultdict(list)
    for network, delay in delays:
        grouped[network or "no network"].append(delay)
    by_size = sorted(grouped.items(), key=lambda item: -len(item[1]))
    return [_one_network(network, sorted(delays)) for network, delays in by_size]


def _one_network(network: str, delays: Sequence[timedelta]) -> NetworkDelays:
    median = delays[len(delays) // 2]
    return NetworkDelays(network, tuple(map(delay_x, delays)), delay_x(median), median, delays[-1])


_MARKS = {
    "0.1 s": timedelta(seconds=0.1),
    "1 s": timedelta(seconds=1),
    "10 s": timedelta(seconds=10),
    "1 min": timedelta(minutes=1),
    "10 min": timedelta(minutes=10),
    "1 h": timedelta(hours=1),
    "10 h": timedelta(hours=10),
    "72 h": timedelta(hours=72),
}
_SHORTEST, _LONGEST = min(_MARKS.values()), max(_MARKS.values())


def delay_x(delay: timedelta) -> float:
    """The x coordinate of a delay. The scale is logarithmic, since delays are seconds or days."""
    low, high = math.log10(_SHORTEST.total_seconds()), math.log10(_LONGEST.total_seconds())
    seconds = min(max(delay, _SHORTEST), _LONGEST).total_seconds()
    return round((math.log10(seconds) - low) / (high - low) * WIDTH, 2)


_RECEIPTS = 20_000  # the newest ones are in the histogram
_MESSAGES = 300  # the newest ones are among the delays; each opens one file


@dataclass(frozen=True, slots=True)
class Overview:
    """receipts: how many of the recorded ones are in the histogram. networks: of the newest completed messages."""

    histogram: Histogram | None
    receipts: int
    recorded: int
    networks: tuple[NetworkDelays, ...]
    ticks: tuple[Tick, ...]


def read_overview(
    index: Index, rows: Rows, sends: Mapping[str, SentMessage], zone: tzinfo | None
) -> Overview:
    """The charts of all recordings. sends: by message id. zone: of the labels."""
    keys = list(islice(index.newest_first(), _RECEIPTS))
    delays = islice(_delays(index, rows, sends, keys), _MESSAGES)
    return draw([(moment_of(key), status_of(key)) for key in keys], delays, index.count(), zone)


def draw(
    receipts: Sequence[tuple[datetime, str]],
    delays: Iterable[tuple[str, timedelta]],
    recorded: int,
    zone: tzinfo | None,
) -> Overview:
    """The charts of these receipts. delays: of messages until the final receipt, by network."""
    return Overview(
        histogram=histogram(receipts, zone),
        receipts=len(receipts),
        recorded=recorded,
        networks=tuple(network_delays(delays)),
        ticks=tuple(Tick(delay_x(delay), label) for label, delay in _MARKS.items()),
    )


def _delays(
    index: Index, rows: Rows, sends: Mapping[str, SentMessage], keys: Iterable[str]
) -> Iterator[tuple[str, timedelta]]:
    """The network of each completed message and its delay, by its first final receipt."""
    ends: dict[str, str] = {}  # the first final receipt of each message, by its first receipt
    sent = set(map(id_in_name, sends))
    for key in keys:
        if is_alone(key) or not _is_final(key):
            continue
        group = index.part_of(key)
        # A final receipt that came alone has a delay only if its send is known.
        if not group or (group[0] == key and name_of(key) not in sent):
            continue
        if group[0] not in ends:
            ends[group[0]] = next(filter(_is_final, group))
        row = rows.read(key) if key == ends[group[0]] else None
        if row is None:
            continue
        send = sends.get(row.message_id)
        if send or group[0] != key:
            start = send.at if send else moment_of(group[0])
            yield row.network, max(row.at - start, timedelta())


def _is_final(key: str) -> bool:
    return stage(status_of(key)) == "final"
