"""A message whose receipts are recorded one by one, and how a wait for it ends."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from devkit.fixture.format import Fixture
from devkit.fixture.store import Store
from devkit.session.wait import Reason, WaitFinished
from devkit.webhook.callback import compose

SENT = datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)
FIRST, SECOND = "0A0000001234567B", "0A0000001234567C"


def record(
    store: Store, status: str, message_id: str = FIRST, *, after: float = 1.0, err_code: str = "0"
) -> Path:
    """Record a receipt some seconds after the send."""
    fields = {"msisdn": "447700900001", "messageId": message_id, "status": status, "err-code": err_code}
    fixture = Fixture(SENT + timedelta(seconds=after), compose({**fields, "network-code": "23410"}, "get"))
    return store.record(fixture, fixture.read())


def ended(reason: Reason, *ids: str, delivered: int = 0, failed: int = 0, open: int = 0) -> WaitFinished:  # noqa: A002
    """The end of a wait for parts of these ids to be delivered."""
    reached = delivered > 0 and not failed and not open
    return WaitFinished(reason, delivered, failed, open, reached, ids or (FIRST,))
