"""Checks fixture files on disk: each one's content, and that git tracks no recording."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from devkit import durable
from devkit.check.fault import Fault, faults_in
from devkit.fixture import MAX_SIZE, dumps, load
from devkit.regular_file import read_regular_file
from devkit.store import Store
from devkit.tracked import tracked_files

_TRACKED = "git tracks this recording, and recordings are private; take it out with: git rm --cached"


@dataclass(frozen=True, slots=True)
class Checked:
    """A file and what is wrong with it, which may be nothing. fixed: it was written anew."""

    path: Path
    faults: tuple[Fault, ...]
    fixed: bool = False


def check(paths: Iterable[Path], *, fix: bool) -> Iterator[Checked]:
    """Check the files among the paths and the `.json` files below the directories; hidden ones and links are left out.

    fix: write a file anew whose only fault is a stale copy. Raises OSError when that can't be done.
    """
    for path in paths:
        for file in _files_below(path) if path.is_dir() else [path]:
            checked = check_file(file)
            yield fix_file(file) if fix and checked.faults and _is_stale(checked) else checked


def check_file(path: Path) -> Checked:
    """What is wrong with the content of a file."""
    try:
        return Checked(path, tuple(faults_in(read_regular_file(path, MAX_SIZE))))
    except OSError as error:
        return Checked(path, (Fault(1, error.strerror or "it cannot be read"),))


def fix_file(path: Path) -> Checked:
    """Write a file's derived copies anew; the rest stays as it is. Raises FixtureError and OSError."""
    real = path.resolve()
    mode = real.stat().st_mode
    durable.replace(real, dumps(load(real)))
    real.chmod(mode)
    return Checked(path, check_file(path).faults, fixed=True)


def tracked_recordings(store: Store, paths: Iterable[Path]) -> list[Checked]:
    """The recordings at or below the paths that git tracks, each with that as its fault. Raises ConfigurationError."""
    places = [path.absolute() for path in paths]
    return [
        Checked(file, (Fault(1, f"{_TRACKED} {os.path.relpath(file)}"),))
        for file in sorted(tracked_files(store.recorded))
        if any(file == place or place in file.parents for place in places)
    ]


def _is_stale(checked: Checked) -> bool:
    return all(fault.stale for fault in checked.faults)


def _files_below(directory: Path) -> Iterator[Path]:
    for place, below, names in os.walk(directory):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            file = Path(place, name)
            if name.endswith(".json") and not name.startswith(".") and not file.is_symlink():
                yield file
