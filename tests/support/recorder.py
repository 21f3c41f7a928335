"""A recorder with a store, a clock and the events that it publishes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from devkit.events import Event
from devkit.fixture.store import Store
from devkit.receiver.app import IncomingRequest, RequestKind, handle_one
from devkit.receiver.recorder import Recorder
from devkit.webhook.callback import Callback, compose

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SECRET = "test-signature-secret"
FIELDS = {
    "msisdn": "447700900001",
    "to": "AcmeInc",
    "network-code": "23410",
    "messageId": "0A0000001234567B",
    "status": "failed",
    "err-code": "2",
}


class SteppingClock:
    """Noon at first, and a step later at each call."""

    def __init__(self, step: timedelta) -> None:
        self.now, self.step = NOON - step, step

    def __call__(self) -> datetime:
        self.now += self.step
        return self.now


class RecordingSession:
    """A recorder with its store, and the events that it has published."""

    def __init__(
        self,
        root: Path,
        *,
        store: Store | None = None,
        step: timedelta = timedelta(milliseconds=250),
        **options: object,
    ) -> None:
        self.store = store or Store(root)
        self.events: list[Event] = []
        clock = SteppingClock(step)
        self.recorder = Recorder(self.store, self.events.append, clock, "n0nce", **options)  # type: ignore[arg-type]

    def handle(
        self, callback: Callback, kind: RequestKind = "receipt", captured: str = "", status: int = 200
    ) -> int:
        return handle_one(self.recorder.handle_batch, IncomingRequest(kind, callback, captured, status))

    @property
    def files(self) -> list[Path]:
        return [entry.path for entry in self.store.entries()]


def receipt(**changes: str) -> Callback:
    return compose({**FIELDS, **changes}, "form")
