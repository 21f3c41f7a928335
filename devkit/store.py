"""The fixture files on disk: recorded receipts by day, found by their names without being opened."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from devkit import durable
from devkit.errors import StoreError
from devkit.fixture import Fixture, dump_document
from devkit.receipt import Receipt, Unreadable

RECORDED = "recorded"
SAMPLES = "samples"

_NAME = re.compile(r"(\d{6}\.\d{6})Z-(\w+)-(\w+)-[0-9a-f]{6}\.json", re.ASCII)
_UNSAFE = re.compile(r"[^A-Za-z0-9_]")


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A recorded file as its name tells it. status and message_id: reduced to what is safe in a file name."""

    recorded_at: datetime
    path: Path
    status: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Store:
    """The fixtures directory. Any number of threads may record at once."""

    root: Path

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
        durable.make_directory(self.recorded)
        durable.try_writing(self.recorded)
        for day in self.days():
            durable.remove_leftovers(day)

    def record(self, fixture: Fixture, reading: Receipt | Unreadable) -> Path:
        """Write a fixture to a file of its own; it is safely on disk when this returns. Raises StoreError."""
        day = self.recorded / fixture.recorded_at.astimezone(UTC).strftime("%Y-%m-%d")
        path = day / file_name(fixture.recorded_at, reading)
        data = dump_document(fixture, reading)
        try:
            try:
                durable.create(path, data)
            except FileNotFoundError:
                durable.make_directory(day)
                durable.create(path, data)
        except OSError as error:
            raise StoreError(
                f"A receipt could not be recorded in {day}: {error.strerror}.",
                hint="Vonage will send it again. Make room or mend the directory; devkit need not be restarted.",
            ) from error
        return path

    def days(self) -> list[Path]:
        """The directories of recorded days, newest first."""
        try:
            found = [path for path in self.recorded.iterdir() if _is_day(path.name)]
        except OSError:
            return []
        return sorted(found, reverse=True)

    def entries(self) -> Iterator[Entry]:
        """The recorded files, newest first, read a day at a time."""
        for day in self.days():
            names = sorted((path.name for path in day.iterdir()), reverse=True)
            yield from filter(None, (read_name(day / name) for name in names))


def file_name(recorded_at: datetime, reading: Receipt | Unreadable) -> str:
    """A new name for a recording: time, status, message id and something unique, safe on every file system."""
    status, message_id = "unparsed", ""
    if isinstance(reading, Receipt):
        status, message_id = reading.status, reading.message_id
    time = recorded_at.astimezone(UTC).strftime("%H%M%S.%f")
    return f"{time}Z-{safe(status, 20)}-{safe(message_id, 40) or 'noid'}-{secrets.token_hex(3)}.json"


def read_name(path: Path) -> Entry | None:
    """What a recorded file's name says; None for a file that devkit did not name."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    try:
        moment = datetime.strptime(path.parent.name + match[1], "%Y-%m-%d%H%M%S.%f")
    except ValueError:
        return None
    return Entry(moment.replace(tzinfo=UTC), path, match[2], match[3])


def safe(text: str, limit: int) -> str:
    """Foreign text as part of a file name: only ASCII letters, digits and underscores, cut at limit."""
    return _UNSAFE.sub("_", text[:limit])


def _is_day(name: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\d", name, re.ASCII) is not None
