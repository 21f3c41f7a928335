"""Deletes old recordings, in two steps: a plan that changes nothing, and carrying it out."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from devkit.errors import ConfigurationError
from devkit.store import Entry, Store, read_name
from devkit.tracked import tracked_files


@dataclass(frozen=True, slots=True)
class Doomed:
    """A file that goes. size: bytes."""

    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be deleted, oldest first, and what stays only because git tracks it."""

    doomed: tuple[Doomed, ...]
    tracked: tuple[Path, ...]

    @property
    def size(self) -> int:
        """Bytes, all in all."""
        return sum(doomed.size for doomed in self.doomed)


def plan(store: Store, *, before: datetime | None, keep: int) -> Plan:
    """The recordings made before a moment (any, when None), without the newest `keep` of all. Deletes nothing.

    Only files that devkit named, below `recorded`; what is behind a symbolic link is not looked at, and the links
    themselves stay. Raises ConfigurationError when `recorded` is a link, or when git will not say what it tracks.
    """
    if store.recorded.is_symlink():
        raise ConfigurationError(
            f"{store.recorded} is a symbolic link, and prune follows none.",
            hint="Set DEVKIT_FIXTURES to the directory that the recordings are really in.",
        )
    held = tracked_files(store.recorded)
    doomed: list[Doomed] = []
    tracked: list[Path] = []
    for number, (entry, size) in enumerate(_newest_first(store)):
        if number < keep or (before is not None and entry.recorded_at >= before):
            continue
        if entry.path.absolute() in held:
            tracked.append(entry.path)
        else:
            doomed.append(Doomed(entry.path, size))
    return Plan(tuple(reversed(doomed)), tuple(reversed(tracked)))


def carry_out(plan: Plan) -> Plan:
    """Delete what is planned, and the directories of days that are empty then. What was deleted.

    A file that has gone meanwhile is passed over. Raises ConfigurationError at the first that cannot be deleted.
    """
    gone = [doomed for doomed in plan.doomed if _delete(doomed.path)]
    for day in {doomed.path.parent for doomed in plan.doomed}:
        with suppress(OSError):  # it is not empty, as when a receipt has just been recorded in it
            day.rmdir()
    return Plan(tuple(gone), plan.tracked)


def _newest_first(store: Store) -> Iterator[tuple[Entry, int]]:
    for day in store.days():
        if day.is_symlink() or not day.is_dir():
            continue
        with os.scandir(day) as found:
            files = {item.name: item.stat().st_size for item in found if item.is_file(follow_symlinks=False)}
        for name in sorted(files, reverse=True):
            entry = read_name(day / name)
            if entry is not None:
                yield entry, files[name]


def _delete(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigurationError(
            f"Cannot delete {path}: {error.strerror}.", hint="Make its directory writable, then prune again."
        ) from error
    return True
