"""Makes thousands of recordings, as a session does but without syncing them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devkit.fixture.format import Fixture, dumps
from devkit.fixture.store import RECORDED, file_name
from devkit.webhook.callback import TRANSPORTS, compose

STATUSES = ("accepted", "buffered", "delivered")
RARE = "failed"  # one receipt in a hundred

_START = datetime(2026, 11, 1, tzinfo=UTC)
_APART = timedelta(seconds=26)  # 100,000 of them fill a month


def make_recordings(fixtures: Path, count: int) -> None:
    """Fill a fixtures directory with receipts."""
    for fixture in receipts(count):
        day = fixtures / RECORDED / f"{fixture.recorded_at:%Y-%m-%d}"
        day.mkdir(mode=0o700, parents=True, exist_ok=True)
        reading = fixture.read()
        (day / file_name(fixture.recorded_at, reading)).write_bytes(dumps(fixture, reading))


def receipts(count: int) -> Iterator[Fixture]:
    """Three receipts for each message, in the transports get, form and json in turn."""
    for number in range(count):
        yield Fixture(_START + number * _APART, compose(_fields(number), TRANSPORTS[number % 3]), "absent")


def message_id(number: int) -> str:
    """The message id of the receipt with this number."""
    return f"0A{number // 3:014X}"


def _fields(number: int) -> dict[str, object]:
    return {
        "msisdn": "447700900001",
        "to": "AcmeInc",
        "network-code": "23410",
        "messageId": message_id(number),
        "price": "0.03330000",
        "status": RARE if number % 100 == 99 else STATUSES[number % 3],
        "scts": "2001011400",
        "err-code": "0",
        "api-key": "abcd1234",
        "client-ref": "~%7e bench",
        "message-timestamp": "2020-01-01 12:00:00",
    }
