"""Samples as files: what they are called, and how they are written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devkit import durable
from devkit.errors import StoreError, UsageError
from devkit.fixture import Fixture, dumps
from devkit.keep.plan import Redaction
from devkit.keep.survivor import find_survivor
from devkit.receipt import Unreadable
from devkit.vocabulary import ERR_CODES

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}(/[A-Za-z0-9][A-Za-z0-9_-]{0,79}){0,3}")
_STEP = re.compile(r"\d\d+-.+\.json", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sample:
    """A redacted recording and the file that it goes to."""

    redaction: Redaction
    path: Path


def assign(redactions: Sequence[Redaction], samples: Path, name: str = "") -> list[Sample]:
    """The files that redacted recordings go to, below the directory samples.

    One recording goes to NAME.json, several to a sequence NAME/01-status.json and so on, in their order;
    without a name each is called after its status, err-code and transport. Raises UsageError.
    """
    name = name.removesuffix(".json")
    if name and not _NAME.fullmatch(name):
        raise UsageError(
            "A sample's name has letters, digits, - and _ only, and / between directories.",
            hint="For example: --name delivered-late",
        )
    names = _names([each.fixture for each in redactions], name)
    for redaction, text in zip(redactions, names, strict=True):
        _require_anonymous(redaction, text)
    return [Sample(each, samples / f"{text}.json") for each, text in zip(redactions, names, strict=True)]


def require_free(samples: Sequence[Sample], *, force: bool = False) -> None:
    """Raises UsageError when a file is in the way. force: only when it is a step of an older sequence."""
    paths = {sample.path for sample in samples}
    for path in sorted(paths):
        if path.exists() and not force:
            raise _in_the_way(path)
        strange = set(_steps(path)) - paths
        if strange:
            raise UsageError(
                f"{path.parent} holds a step that is not among the new ones: {min(strange).name}",
                hint="Delete it first, or choose another --name",
            )


def write(samples: Sequence[Sample], *, force: bool = False) -> None:
    """Put the samples on disk: none when one of them is in the way. Raises UsageError and StoreError.

    force: replace files that are there.
    """
    require_free(samples, force=force)
    for sample in samples:
        _write(sample.path, dumps(sample.redaction.fixture), force=force)


def _write(path: Path, data: bytes, *, force: bool) -> None:
    try:
        durable.make_directory(path.parent)
        (durable.replace if force else durable.create)(path, data)
    except FileExistsError:
        raise _in_the_way(path) from None
    except OSError as error:
        raise StoreError(
            f"{path} could not be written: {error.strerror}.",
            hint="Make room or mend the directory, then try again.",
        ) from error


def _in_the_way(path: Path) -> UsageError:
    return UsageError(f"{path} is there already.", hint="Choose another --name, or replace it: --force")


def _names(fixtures: Sequence[Fixture], name: str) -> list[str]:
    words = [describe(each) for each in fixtures]
    if not name:
        before = [words[:at].count(word) for at, word in enumerate(words)]
        return [f"{word}-{count + 1}" if count else word for word, count in zip(words, before, strict=True)]
    if len(fixtures) == 1:
        return [name]
    return [f"{name}/{at:02d}-{word}" for at, word in enumerate(words, 1)]


def describe(fixture: Fixture) -> str:
    """A file name's stem after what a fixture says: `delivered-json`, `failed-illegal-number`."""
    reading = fixture.read()
    if isinstance(reading, Unreadable):
        return "unreadable"
    code = reading.err_code
    reason = ERR_CODES[code].slug if code in ERR_CODES else f"err-code-{code}"
    via = fixture.callback.transport
    words = [reading.status, "" if code in ("", "0") else reason, "" if via == "get" else via]
    return re.sub(r"[^a-z0-9]+", "-", "-".join(filter(None, words)).lower()).strip("-")[:80] or "receipt"


def _require_anonymous(redaction: Redaction, name: str) -> None:
    survivor = find_survivor(redaction.originals, {"name": name.encode()})
    if survivor:
        raise UsageError(
            f"The name of the sample holds the value of {survivor[0]}, which was replaced.",
            hint="Say what it shows, for example: --name delivered-late",
        )


def _steps(path: Path) -> list[Path]:
    """The files of the sequence that a path belongs to."""
    if not _STEP.fullmatch(path.name):
        return []
    return [other for other in path.parent.glob("*.json") if _STEP.fullmatch(other.name)]
