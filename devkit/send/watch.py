"""New recordings as they come, seen in the files that a session writes: there is no other channel to it."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from devkit.store import Entry, Store, read_name

# Seconds. A directory that looks unchanged is listed all the same after a while: the times of some file systems are
# as coarse as that, and those of some shared folders lag behind.
_AT_LEAST_EVERY = 2.0


@dataclass(slots=True)
class Watch:
    """The recordings from a moment on, each told once. Opens no file. For one thread."""

    store: Store
    since: datetime
    clock: Callable[[], float] = time.monotonic
    _seen: set[str] = field(default_factory=set, init=False)
    _listed: dict[Path, tuple[int, float]] = field(default_factory=dict, init=False)

    def news(self) -> list[Entry]:
        """What was recorded since the last look, oldest first."""
        first = self.since.astimezone(UTC).date().isoformat()
        days = [day for day in self.store.days() if day.name >= first]
        return sorted(entry for day in days for entry in self._new_in(day) if entry.recorded_at >= self.since)

    def _new_in(self, day: Path) -> list[Entry]:
        try:
            changed, now = day.stat().st_mtime_ns, self.clock()
            before, listed = self._listed.get(day, (-1, 0.0))
            if changed == before and now - listed < _AT_LEAST_EVERY:
                return []
            names = set(os.listdir(day)) - self._seen
        except OSError:  # somebody cleared the recordings away
            return []
        self._listed[day] = (changed, now)
        self._seen |= names
        return [entry for name in names if (entry := read_name(day / name))]
