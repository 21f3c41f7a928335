"""What the charts of the overview show: from names, and from the files of the newest messages only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from devkit.inspector.chart import Histogram, Lane, Tick, delay_ticks, histogram, is_final, lanes
from devkit.inspector.index import is_alone, status_of
from devkit.inspector.source import Sources

_RECEIPTS = 20_000  # newest ones in the histogram
_MESSAGES = 300  # newest ones among the delays; each opens one file


@dataclass(frozen=True, slots=True)
class Picture:
    """receipts: how many are drawn of how many there are. lanes: of the newest messages that have ended."""

    histogram: Histogram | None
    receipts: int
    recorded: int
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]


def read_picture(sources: Sources) -> Picture:
    """The charts as of now."""
    keys = list(islice(sources.index.newest_first(), _RECEIPTS))
    drawn = [(moment_of(key), status_of(key)) for key in keys]
    return Picture(
        histogram=histogram(drawn, sources.options.zone),
        receipts=len(drawn),
        recorded=sources.index.count(),
        lanes=tuple(lanes(_delays(sources, keys))),
        ticks=tuple(delay_ticks()),
    )


def moment_of(key: str) -> datetime:
    """When a recording was made, by its key: `2026-11-23/134547.123456Z-...`."""
    return datetime.fromisoformat(f"{key[:10]}T{key[11:13]}:{key[13:15]}:{key[15:24]}+00:00")


def _delays(sources: Sources, keys: list[str]) -> list[tuple[str, timedelta]]:
    delays: list[tuple[str, timedelta]] = []
    sends = sources.sends()
    ends: dict[str, str] = {}  # the first final receipt of each message, by its first receipt
    for key in keys:
        if len(delays) == _MESSAGES:
            break
        if not is_final(status_of(key)) or is_alone(key):
            continue
        group = sources.index.message_of(key)
        if not group:
            continue
        if group[0] not in ends:
            ends[group[0]] = next(each for each in group if is_final(status_of(each)))
        # Each message once, by its first final receipt; one that came alone tells no delay, unless its send is known.
        if key != ends[group[0]]:
            continue
        row = sources.rows.read(key)
        if row is None:
            continue
        send = sends.get(row.message_id)
        if send or group[0] != key:
            start = send.at if send else moment_of(group[0])
            delays.append((row.network, max(row.at - start, timedelta())))
    return delays
