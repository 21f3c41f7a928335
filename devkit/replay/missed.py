"""The receipts that the application has not accepted: their recordings, where to send them, what it answers now."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from devkit.errors import PushError, StoreError
from devkit.fixture.response_log import ResponseLog, missed
from devkit.fixture.store import Store
from devkit.http.client import Response
from devkit.replay.send import Observe


@dataclass(frozen=True, slots=True)
class MissedReceipts:
    """paths: of the recordings, in the order of time. deleted: how many others no longer exist.

    to: the URL that the newest was to be forwarded to; empty when nothing was missed.
    """

    paths: Sequence[Path]
    deleted: int = 0
    to: str = ""


def missed_receipts(private: Path, store: Store) -> MissedReceipts:
    """What was to be forwarded in the sessions of a project, and was not accepted since. private: its directory."""
    entries = missed(private)
    paths = [store.recorded / entry.file for entry in entries]
    existing = [path for path in paths if path.is_file()]
    return MissedReceipts(existing, len(paths) - len(existing), entries[-1].to if entries else "")


def log_responses(private: Path, to: str, clock: Callable[[], datetime]) -> Observe:
    """Keeps responses in the log of the project, so that what is accepted now is not missed any more. to: the URL."""
    log = ResponseLog(private, to, clock, replay=True)

    def observe(path: Path, received: Response | PushError) -> None:
        try:
            if isinstance(received, Response):
                log.add_response(str(path), received)
            else:
                log.add_failure(str(path), received.message, sent_again=received.sent_again)
        except OSError as error:
            raise StoreError(
                f"The application's responses cannot be kept in {private}: {error.strerror}.",
                hint="Free disk space or fix the directory; without them --missed sends receipts twice.",
            ) from error

    return observe
