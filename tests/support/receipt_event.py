"""The event of a recorded receipt."""

from devkit.events.session import ReceiptTaken

RECEIPT = ReceiptTaken(
    file="fixtures/recorded/2026-11-23/x.json",
    message_id="0A0000001234567B",
    status="failed",
    err_code="2",
    meaning="Absent Subscriber - Temporary",
    signature="valid",
    network="23410",
    latency_ms=2345,
    msisdn="*********001",
    transport="get",
    problem="",
    replay=False,
)
