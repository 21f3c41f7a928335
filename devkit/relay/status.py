"""What the engine keeps, in numbers: since when, how many, how fast, and who sent. Reads nothing that is encrypted."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from devkit.errors import RelayError
from devkit.relay.entry import RelayEntry, parse_entry
from devkit.relay.stream import Engine, entry_time, id_parts

LATELY = timedelta(hours=1)
_BATCH = 500
_MOST = 20_000  # entries that are read; at a higher rate, the newest hour is not all read


@dataclass(frozen=True, slots=True)
class RelayStatus:
    """kept_since, newest: by the engine's clock; None when it keeps nothing. count: of all entries.

    lately: entries of the hour that ends with the newest one. owners: how many of them each member has; the empty
    name is for nobody's. receivers: when each took its last one. key_ids: of the keys that encrypted them, empty for
    none.
    """

    kept_since: datetime | None
    newest: datetime | None
    count: int
    lately: int
    owners: dict[str, int]
    receivers: dict[str, datetime]
    key_ids: tuple[str, ...]


def relay_status(engine: Engine) -> RelayStatus:
    """The status of the account's stream. Raises RelayError."""
    span = engine.span()
    owners: Counter[str] = Counter()
    receivers: dict[str, datetime] = {}
    keys: set[str] = set()
    lately = 0
    for entry_id, entry in _lately(engine, span.last):
        lately += 1
        owners[entry.who] += 1
        receivers[entry.receiver] = entry_time(entry_id)
        keys.add(entry.key_id)
    return RelayStatus(
        kept_since=entry_time(span.first) if span.first else None,
        newest=entry_time(span.last) if span.first else None,
        count=span.count,
        lately=lately,
        owners=dict(owners.most_common()),
        receivers=receivers,
        key_ids=tuple(sorted(keys)),
    )


def _lately(engine: Engine, last: str) -> Iterator[tuple[str, RelayEntry]]:
    """The entries of the hour that ends with the newest one."""
    after = f"{max(0, id_parts(last)[0] - int(LATELY.total_seconds() * 1000))}-0"
    for _ in range(0, _MOST, _BATCH):
        found = engine.read(after, 0, _BATCH)
        if not found:
            return
        after = found[-1].id
        for each in found:
            try:
                yield each.id, parse_entry(each.id, each.fields)
            except RelayError:  # of a newer devkit
                continue
