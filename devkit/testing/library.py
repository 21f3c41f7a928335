"""Fixture files for tests, by name: the project's own first, then devkit's sample catalogue."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from devkit.errors import FixtureError
from devkit.fixture import format as fixture
from devkit.fixture.select import select
from devkit.fixture.store import Store, samples_directory
from devkit.testing.receipts import SampleReceipt


def load(name: str | Path, directories: Sequence[Path] = ()) -> SampleReceipt:
    """The receipt in one fixture file. Raises FixtureError, also when the name means several files.

    name: a path, or the name of a file with or without `.json` (`delivered`), looked up in the directories
    in turn and then among the samples that come with devkit.
    """
    found = load_all(name, directories)
    if len(found) > 1:
        names = ", ".join(receipt.name for receipt in found[:4])
        raise FixtureError(f"{str(name)!r} means {len(found)} fixtures: {names}, ...", hint="Use load_all.")
    return found[0]


def load_all(pattern: str | Path, directories: Sequence[Path] = ()) -> list[SampleReceipt]:
    """The receipts in all files that a pattern means, in name order. Raises FixtureError when there are none.

    pattern: as for `load`, or a directory (a sequence), or with `*`, `?`, `[...]` and `**`.
    The first directory in which it means something is the one that counts.
    """
    if isinstance(pattern, Path):
        return [_load(path, pattern.parent) for path in _select(str(pattern.absolute()), Path())]
    places = (*directories, samples_directory())
    for place in places:
        if found := _found(pattern, place):
            return [_load(path, place) for path in found]
    raise _not_found(pattern, places)


def _found(pattern: str, place: Path) -> list[Path]:
    # Names are said without `.json`, so `*-form` is meant without it as well.
    for spelled in (pattern, f"{pattern}.json"):
        with suppress(FixtureError):
            return _select(spelled, place)
    return []


def _select(pattern: str, place: Path) -> list[Path]:
    return select(Store(place), [pattern], here=place, packaged=place)


def _not_found(pattern: str, places: Sequence[Path]) -> FixtureError:
    """The errors of all places as one: where was looked, and what is there instead."""
    hints = []
    for place in places:
        try:
            _select(pattern, place)
        except FixtureError as error:
            hints.append(error.hint)
    where = ", ".join(map(str, places[:-1])) or "devkit's samples"
    return FixtureError(f"No fixture named {pattern!r} in {where}.", hint=hints[0])


def _load(path: Path, place: Path) -> SampleReceipt:
    read = fixture.load(path)
    inside = path.relative_to(place) if path.is_relative_to(place) else Path(path.name)
    return SampleReceipt(read.callback, inside.with_suffix("").as_posix(), read.recorded_at)
