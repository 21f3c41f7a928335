"""What is needed to give an account's former callback back, kept on disk from before it is changed."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from devkit import durable
from devkit.errors import ConfigurationError
from devkit.record import BadRecord, read_record


@dataclass(frozen=True, slots=True)
class Journal:
    """Of one registration. since: UTC, as text.

    earlier_url: another URL of ours, which the account still holds if `our_url` came not to be saved.
    """

    host: str
    api_key: str
    former_url: str
    our_url: str
    since: str
    pid: int
    earlier_url: str = ""

    @property
    def identity(self) -> tuple[str, str]:
        """The account that it is about."""
        return self.host, self.api_key

    def covers(self, url: str) -> bool:
        """Whether a callback is one that this registration has set."""
        return bool(url) and url in (self.our_url, self.earlier_url)


def read_journal(path: Path) -> Journal | None:
    """The journal of a session that has not given the callback back; None when there is none.

    Raises ConfigurationError for one that cannot be read.
    """
    try:
        return read_record(path, Journal)
    except BadRecord as error:
        raise ConfigurationError(
            f"{path} cannot be read, so the account's former callback is not known: {error}.",
            hint="Look the callback up in the Vonage dashboard, then delete the file.",
        ) from error


def write_journal(path: Path, journal: Journal) -> None:
    """Put it on disk, where it is when this returns. Raises ConfigurationError."""
    try:
        durable.replace(path, json.dumps(asdict(journal), indent=2).encode())
    except OSError as error:
        raise ConfigurationError(
            f"Cannot write {path}: {error.strerror}. Nothing was changed at Vonage.",
            hint="Make it writable: without it the former callback could not be given back after a crash.",
        ) from error
