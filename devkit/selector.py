"""Finds the fixture files that a user means: by path, pattern, name, message or age. Opens none of them."""

import glob
import os
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from devkit.catalogue import samples_directory
from devkit.errors import FixtureError
from devkit.store import Entry, Store, read_name, safe

_LATEST = re.compile(r"latest(?::(\d{1,9}))?", re.ASCII)
_RECORDED_NAME = re.compile(r"\d{6}\.\d{6}Z-", re.ASCII)
_SUFFIX = ".json"
_SHOWN = 8  # names in a hint
_COMPARED = 100  # characters; how alike two texts are takes the product of their lengths to find


def select(
    store: Store, selectors: Iterable[str], *, here: Path = Path(), packaged: Path | None = None
) -> list[Path]:
    """The files that the selectors name, in the order of the selectors. Raises FixtureError for one that finds none.

    A selector is `latest` or `latest:N`; a path, a sample's name or a pattern (looked up in `here`, then among
    the fixtures, then among the packaged samples); a recording's file name; a message id or its unique beginning.
    Each gives its files in name order, which for recordings is the order of time.
    """
    places = (here, store.root, store.recorded, store.samples, packaged or samples_directory())
    return [path for selector in selectors for path in _find(store, selector, places)]


def _find(store: Store, selector: str, places: tuple[Path, ...]) -> list[Path]:
    latest = _LATEST.fullmatch(selector)
    if latest is not None:
        return _latest(store, int(latest[1] or 1))
    return (
        _by_path(selector, places)
        or _by_pattern(selector, places)
        or _by_recorded_name(store, selector)
        or _by_message(store, selector)
        or _nothing(store, selector, places[-1])
    )


def _latest(store: Store, count: int) -> list[Path]:
    if count == 0:
        raise FixtureError("latest:0 means no fixture at all.", hint="Ask for at least one: latest:1")
    newest = list(islice(store.entries(), count))
    if not newest:
        raise FixtureError(
            f"No receipts have been recorded in {shown(store.recorded)}.",
            hint="Record some with: devkit dev --offline",
        )
    return [entry.path for entry in reversed(newest)]


def _by_path(selector: str, places: tuple[Path, ...]) -> list[Path]:
    for place in places if selector else ():  # an empty one would be the directory that we are in
        for path in (place / selector, place / f"{selector}{_SUFFIX}"):
            if os.path.isfile(path):
                return [path]
            if found := _sequence(path):
                return found
    return []


def _sequence(directory: Path) -> list[Path]:
    """The fixtures in a directory; those one level below when it has none itself, as the directory of days."""
    return _files(directory) or [path for below in _listing(directory) for path in _files(below)]


def _files(directory: Path) -> list[Path]:
    return [path for path in _listing(directory) if path.name.endswith(_SUFFIX)]


def _listing(directory: Path) -> list[Path]:
    return [directory / name for name in sorted(_names(directory)) if not name.startswith(".")]


def _names(directory: Path) -> list[str]:
    if not os.path.isdir(directory):
        return []
    try:
        return os.listdir(directory)
    except OSError as error:
        raise FixtureError(
            f"{directory}: {error.strerror}", hint=f"Look at its mode with: ls -ld {directory}"
        ) from error


def _by_pattern(selector: str, places: tuple[Path, ...]) -> list[Path]:
    if not glob.has_magic(selector) or "\0" in selector:  # which no file's name holds, and glob raises on
        return []
    for place in places:
        found = [place / name for name in sorted(glob.glob(selector, root_dir=place, recursive=True))]
        files = [path for path in found if path.name.endswith(_SUFFIX) and path.is_file()]
        if paths := files or [path for directory in found for path in _sequence(directory)]:
            return paths
    return []


def _by_recorded_name(store: Store, selector: str) -> list[Path]:
    """A recording by its file name alone: the day in front of it need not be typed."""
    if not _RECORDED_NAME.match(selector):
        return []
    paths = (day / f"{selector.removesuffix(_SUFFIX)}{_SUFFIX}" for day in store.days())
    return [path for path in paths if os.path.isfile(path)][:1]


def _by_message(store: Store, selector: str) -> list[Path]:
    prefix = safe(selector, 40).lower()
    found = [entry for entry in _named(store, prefix) if entry.message_id != "noid"] if prefix else []
    exact = [entry for entry in found if safe(entry.message_id, 40).lower() == prefix]
    chosen = exact or found
    messages = sorted({entry.message_id for entry in chosen})
    if len({message.lower() for message in messages}) > 1:
        raise FixtureError(
            f"{len(messages)} messages begin with {selector!r}.", hint=f"Type more of it: {_some(messages)}"
        )
    return [entry.path for entry in sorted(chosen)]


def _named(store: Store, prefix: str) -> Iterator[Entry]:
    for day in store.days():
        for name in _names(day):
            # Most names are passed over by this, so that a hundred thousand of them cost little.
            if f"-{prefix}" in name.lower():
                entry = read_name(day / name)
                if entry and entry.is_about(prefix):
                    yield entry


def _nothing(store: Store, selector: str, packaged: Path) -> list[Path]:
    names = sorted({*_sample_names(store.samples), *_sample_names(packaged)})
    raise FixtureError(f"No fixture named {selector!r} in {shown(store.root)}.", hint=_hint(selector, names))


def _sample_names(samples: Path) -> Iterator[str]:
    """What samples are called: their paths without the ending, and the directories that are sequences."""
    for path in samples.rglob(f"*{_SUFFIX}"):
        name = path.relative_to(samples)
        yield str(name.with_suffix("").as_posix())
        if name.parent.name:
            yield name.parent.as_posix()


def _hint(selector: str, names: list[str]) -> str:
    if not names:
        return "Record receipts with: devkit dev --offline"
    if len(selector) > _COMPARED:
        return f"It is too long to look for one like it. There are: {_some(names)}"
    from difflib import get_close_matches

    # `out-of-order` is close to `sequence/out-of-order` too.
    short = {name.rpartition("/")[2]: name for name in names}
    near = [
        *get_close_matches(selector, names, _SHOWN, 0.6),
        *(short[name] for name in get_close_matches(selector, short, _SHOWN, 0.6)),
    ]
    return f"There are: {_some(list(dict.fromkeys(near)) or names)}"


def _some(names: list[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def shown(path: Path) -> str:
    """A path as people read it: from the current directory when it lies below that; devkit's samples by name."""
    text, here = str(path), os.getcwd()
    if text.startswith(here):  # compared as text, since a replay asks for each receipt
        if text == here:
            return "."
        if here.endswith(os.sep) or text[len(here)] == os.sep:
            return text[len(here) :].lstrip(os.sep)
    if path.suffix and path.is_relative_to(samples_directory()):
        return path.relative_to(samples_directory()).with_suffix("").as_posix()
    return text
