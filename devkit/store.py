"""The fixture files on disk: recorded receipts by day, found by their names without being opened."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path

from devkit import durable
from devkit.errors import ConfigurationError, StoreError
from devkit.fixture import Fixture, dump_document, format_time
from devkit.message_id import from_file_name
from devkit.receipt import Receipt, Unreadable

RECORDED = "recorded"
SAMPLES = "samples"

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = r"(?:[01]\d|2[0-3])[0-5]\d[0-5]\d\.\d{6}Z"
_NAME = re.compile(rf"({_TIME})-(\w+)-(\w+)-[0-9a-f]{{6}}\.json", re.ASCII)
_UNSAFE = re.compile(r"[^A-Za-z0-9_]")
_ID = 40  # characters of a message id in a name; a UUID has 36


Recording = tuple[Fixture, Receipt | Unreadable]  # what to record, and what its callback says


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A recorded file as its name tells it. status and message_id: reduced to what is safe in a file name.

    message_id: a UUID has its dashes; they are underscores in the name.
    """

    recorded_at: datetime
    path: Path
    status: str
    message_id: str

    def is_about(self, message: str) -> bool:
        """Whether its message id begins so, in any letter case, as far as file names can say it."""
        return safe(self.message_id, _ID).lower().startswith(safe(message, _ID).lower())


@dataclass(frozen=True, slots=True)
class Store:
    """The fixtures directory. Any number of threads may record at once."""

    root: Path
    # The days whose own names are known to be on disk.
    _days: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    @property
    def recorded(self) -> Path:
        return self.root / RECORDED

    @property
    def samples(self) -> Path:
        return self.root / SAMPLES

    def prepare(self) -> None:
        """Make the directory of recordings, try that it can be written, clear half-written leftovers away.

        Raises ConfigurationError.
        """
        try:
            durable.make_directory(self.recorded)
            durable.try_writing(self.recorded)
        except OSError as error:
            raise ConfigurationError(
                f"Receipts cannot be recorded in {self.recorded}: {error.strerror}.",
                hint="Make it writable, or set DEVKIT_FIXTURES to a directory that is.",
            ) from error
        for directory in (self.recorded, *self.days()):
            durable.remove_leftovers(directory)

    def record(self, fixture: Fixture, reading: Receipt | Unreadable) -> Path:
        """Write a fixture to a file of its own; it is safely on disk when this returns. Raises StoreError."""
        (result,) = self.record_all([(fixture, reading)])
        if isinstance(result, StoreError):
            raise result
        return Path(result)

    def record_all(self, recordings: Sequence[Recording]) -> list[str | StoreError]:
        """As `record`, for receipts that came at the same time: together they wait for the disk once. Gives paths."""
        results: list[str | StoreError] = []
        for day, group in groupby(recordings, _day):
            results += self._record_in(os.path.join(self.root, RECORDED, day), list(group))
        return results

    def _record_in(self, day: str, recordings: Sequence[Recording]) -> list[str | StoreError]:
        files = [
            (file_name(fixture.recorded_at, reading), dump_document(fixture, reading))
            for fixture, reading in recordings
        ]
        errors = self._create(day, files)
        if missing := [place for place, error in enumerate(errors) if isinstance(error, FileNotFoundError)]:
            self._days.clear()  # somebody cleared the recordings away
            again = self._create(day, [files[place] for place in missing])
            for place, error in zip(missing, again, strict=True):
                errors[place] = error
        return [
            _failure(day, error) if error else os.path.join(day, name)
            for (name, _), error in zip(files, errors, strict=True)
        ]

    def _create(self, day: str, files: Sequence[tuple[str, bytes]]) -> list[OSError | None]:
        if day not in self._days:
            try:
                durable.make_directory(Path(day))
                # Its own name must be on disk before a file in it counts, also when somebody else has just made it.
                durable.sync_directory(self.recorded)
            except OSError as error:
                return [error] * len(files)
            self._days.add(day)
        return durable.create_all(day, files)

    def days(self) -> list[Path]:
        """The directories of recorded days, newest first."""
        return [self.recorded / name for name in _names(self.recorded) if _is_day(name)]

    def entries(self) -> Iterator[Entry]:
        """The recorded files, newest first, read a day at a time."""
        for day in self.days():
            yield from filter(None, (read_name(day / name) for name in _names(day)))


def file_name(recorded_at: datetime, reading: Receipt | Unreadable) -> str:
    """A new name for a recording: time, status, message id and something unique, safe on every file system."""
    status, message_id = "unparsed", ""
    if isinstance(reading, Receipt):
        status, message_id = safe(reading.status, 20) or status, safe(reading.message_id, _ID)
    time = format_time(recorded_at).partition("T")[2].replace(":", "")
    return f"{time}-{status}-{message_id or 'noid'}-{os.urandom(3).hex()}.json"


def read_name(path: Path) -> Entry | None:
    """What a recorded file's name says; None for a file that devkit did not name."""
    day, name = ("", "", *path.parts)[-2:]
    match = _NAME.fullmatch(name)
    if match is None or not _DAY.fullmatch(day):
        return None
    try:
        moment = datetime.fromisoformat(f"{day}T{match[1]}")
    except ValueError:
        return None
    return Entry(moment, path, match[2], from_file_name(match[3]))


def is_recording(name: str) -> bool:
    """Whether a file in the directory of a day has a name that devkit gave."""
    return _NAME.fullmatch(name) is not None


def safe(text: str, limit: int) -> str:
    """Foreign text as part of a file name: only ASCII letters, digits and underscores, cut at limit."""
    return _UNSAFE.sub("_", text[:limit])


def _is_day(name: str) -> bool:
    if not _DAY.fullmatch(name):
        return False
    try:
        date.fromisoformat(name)
    except ValueError:
        return False
    return True


def _day(recording: Recording) -> str:
    return recording[0].recorded_at.astimezone(UTC).date().isoformat()


def _failure(day: str, error: OSError) -> StoreError:
    failure = StoreError(
        f"A receipt could not be recorded in {day}: {error.strerror}.",
        hint="Vonage will send it again. Make room or mend the directory; devkit need not be restarted.",
    )
    failure.__cause__ = error
    return failure


def _names(directory: Path) -> list[str]:
    """What is in a directory, last name first; nothing when it cannot be looked into, or has just gone."""
    try:
        return sorted(os.listdir(directory), reverse=True)
    except OSError:
        return []
