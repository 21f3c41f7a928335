"""How far a follower has read the relay's stream, and what it missed because the relay no longer keeps it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from devkit.durable import files as durable
from devkit.durable.regular_file import read_regular_file
from devkit.errors import ConfigurationError, StoreError, UsageError
from devkit.fixture.listing import parse_duration
from devkit.relay.stream import Span, entry_time, id_parts
from devkit.webhook.strict_json import InvalidJson, parse

BEGINNING = "0-0"  # before every entry

_ID = re.compile(r"\d{1,19}(-\d{1,19})?", re.ASCII)
_MAX_COUNTER = 2**64 - 1  # of the entries of a millisecond
_MAX_SIZE = 64 * 1024  # bytes; a position has some fifty


@dataclass(frozen=True, slots=True)
class PositionFile:
    """The id of the last entry that was read, for each account and selection. One process at a time moves it."""

    path: Path

    def read(self, key: str) -> str:
        """The position with a key; empty when there is none. Raises ConfigurationError."""
        return self._read().get(key, "")

    def move(self, key: str, entry_id: str) -> None:
        """Set a position, on disk when this returns. Raises ConfigurationError, StoreError."""
        content = json.dumps({**self._read(), key: entry_id}, indent=2) + "\n"
        try:
            durable.replace(self.path, content.encode())
        except OSError as error:
            raise StoreError(
                f"The position in the relay could not be written to {self.path}: {error.strerror}.",
                hint="Free disk space or fix the directory; what was read is read again later.",
            ) from error

    def _read(self) -> Mapping[str, str]:
        try:
            found = parse(read_regular_file(self.path, _MAX_SIZE), max_depth=2)
        except FileNotFoundError:
            return {}
        except (OSError, InvalidJson) as error:
            raise self._unusable() from error
        if isinstance(found, dict) and all(
            isinstance(each, str) and _ID.fullmatch(each) for each in found.values()
        ):
            return found
        raise self._unusable()

    def _unusable(self) -> ConfigurationError:
        # To begin anywhere else could skip receipts in silence.
        return ConfigurationError(
            f"{self.path} does not say how far the relay was read.",
            hint="Delete it: all that the relay keeps is then read again, and each receipt stays one file.",
        )


def parse_start(text: str, now: datetime, span: Span) -> str:
    """The position that `--since` names: `start`, `now`, a duration such as `2h`, or the id of an entry.

    span: what the stream holds; a position after its newest entry would wait for the engine's clock. Raises UsageError.
    """
    newest = span.last or BEGINNING
    if text == "start":
        return BEGINNING
    if text == "now":
        return newest
    if _ID.fullmatch(text):
        return min(text if "-" in text else f"{text}-0", newest, key=id_parts)
    moment = _moment(text, now)
    # Before the oldest entry, nobody knows whether something was there.
    return BEGINNING if id_parts(moment) < id_parts(span.first) else min(moment, newest, key=id_parts)


def _moment(text: str, now: datetime) -> str:
    """The position before the entries of the last `2h`."""
    try:
        milliseconds = int((now - parse_duration(text)).timestamp() * 1000)
    except (UsageError, OverflowError) as error:
        raise UsageError(
            f"--since does not take {text!r}.", hint="Write 2h, start, now, or the id of an entry."
        ) from error
    return f"{milliseconds - 1}-{_MAX_COUNTER}" if milliseconds > 0 else BEGINNING


@dataclass(frozen=True, slots=True)
class Missing:
    """What a follower cannot get any more.

    trimmed: the entries between two moments are older than the relay keeps them. emptied: the relay lost all that it
    had, so it is read from its beginning; until is the same moment as since then. UTC.
    """

    kind: Literal["trimmed", "emptied"]
    since: datetime
    until: datetime


def find_missing(position: str, read: str, first: str, last: str) -> Missing | None:
    """What is missing after a position; None when nothing is.

    read: the first entry that was just read after the position, empty when there was none. first, last: the oldest
    entry and the newest id of the stream, asked after that; empty when there is none. The engine itself says nothing:
    it continues with the next entry that it has.
    """
    at = id_parts(position)
    if at == id_parts(BEGINNING):
        return None
    since = entry_time(position)
    if not read and id_parts(last) < at:
        return Missing("emptied", since, since)
    # An entry that is older than `first` was trimmed after it was read, so those before it were there too.
    if read and at < id_parts(first) <= id_parts(read):
        return Missing("trimmed", since, entry_time(read))
    if not read and not first and id_parts(last) > at:
        return Missing("trimmed", since, entry_time(last))
    return None


def utc(moment: datetime) -> str:
    """A moment as events have it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
