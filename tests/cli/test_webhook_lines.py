"""How webhooks beside receipts look: in the terminal of a session, and in `devkit list`."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from devkit.cli import cli
from devkit.cli.event_printer import session_lines
from devkit.events.session import ReceiptTaken
from devkit.fixture.format import Fixture
from devkit.fixture.store import Store
from devkit.webhook.callback import Callback, compose
from devkit.webhook.new_webhook import (
    TextPart,
    make_inbound_fields,
    make_receipt_fields,
    make_sms_inbound_fields,
    make_status_fields,
)
from tests.support.receipt_event import RECEIPT

UUID = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def line(**changes: object) -> str:
    (shown,) = lines(replace(RECEIPT, signature="absent", latency_ms=None, network="", **changes))  # type: ignore[arg-type]
    return shown


def lines(event: ReceiptTaken, width: int | None = None) -> list[str]:
    return [" ".join(click.unstyle(each)[10:].split()) for each in session_lines(event, width)]


def test_a_status_names_its_api_and_its_error() -> None:
    error = {"err_code": "1240", "meaning": "Illegal number"}
    shown = line(kind="messages-status", message_id=UUID, status="rejected", **error)

    assert shown == "rejected aaaaaaaa Messages API *********001 1240 Illegal number"


def test_another_channel_is_named() -> None:
    assert "Messages API, whatsapp" in line(kind="messages-status", channel="whatsapp", status="read")


def test_an_inbound_message_shows_its_sender_and_its_text() -> None:
    inbound = {"status": "inbound", "err_code": "", "meaning": "", "msisdn": "*********000"}
    inbound |= {"sender": "*********001", "text": "STOP"}
    part = line(kind="sms-inbound", part=2, parts=3, **inbound)
    image = line(kind="messages-inbound", channel="mms", message_type="image", **{**inbound, "text": ""})

    assert part.endswith("2/3 *********001 to *********000 STOP")
    assert image.endswith("Messages API, mms *********001 to *********000 [image]")


def test_an_inbound_text_gives_way_on_a_narrow_terminal() -> None:
    event = replace(
        RECEIPT, kind="sms-inbound", status="inbound", text="a long text " * 20, sender="*********001"
    )

    (shown,) = session_lines(event, 80)

    assert len(click.unstyle(shown)) <= 80
    assert "a long te" in shown


def test_an_unknown_webhook_is_named_and_not_called_unreadable() -> None:
    problem = "This is a webhook of Vonage's Verify API."
    shown = line(kind="unknown", status="completed", err_code="", meaning="", problem=problem)

    assert shown.startswith("completed")
    assert shown.endswith(problem)
    assert "unreadable" not in shown
    assert line(kind="unreadable", problem="No fields.").startswith("unreadable")


def test_a_token_that_is_wrong_says_why_below() -> None:
    why = "The payload hash is wrong: a proxy re-encoded the body, or somebody changed it."
    first, second = lines(
        replace(RECEIPT, kind="messages-status", signature="invalid", signature_problem=why)
    )

    assert "sig invalid" in first
    assert why in second


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`devkit list` over one recording of each kind, a second apart."""
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path / "fixtures")
    store.prepare()
    part = TextPart("222", total=3, number=1)
    callbacks = [
        compose(make_receipt_fields("delivered", "0", message_id="0A01", pushed_at=NOON), "get"),
        compose(
            make_sms_inbound_fields("Call 447700900123", message_id="0A02", pushed_at=NOON, part=part), "get"
        ),
        compose(make_status_fields("rejected", message_uuid=UUID, timestamp=NOON, error="1360"), "json"),
        compose(make_inbound_fields("HELLO", message_uuid=UUID, timestamp=NOON), "json"),
        compose({"request_id": "ab12", "type": "event", "status": "completed"}, "json"),
        Callback("POST", "/"),
    ]
    for number, callback in enumerate(callbacks):
        fixture = Fixture(NOON + timedelta(seconds=number), callback)
        store.record(fixture, fixture.read())
    return lambda *arguments: CliRunner().invoke(cli, ["list", *arguments], catch_exceptions=False)


def rows(result: Result) -> list[dict[str, object]]:
    return [json.loads(each) for each in result.stdout.splitlines()]


KINDS = ["sms-receipt", "sms-inbound", "messages-status", "messages-inbound", "unknown", "unreadable"]


def test_a_list_holds_all_kinds(run: Run) -> None:
    shown = [" ".join(each.split()) for each in run().stdout.splitlines()]

    assert [each.split()[2] for each in shown] == [
        "delivered",
        "inbound",
        "rejected",
        "inbound",
        "completed",
        "unparsed",
    ]
    assert shown[1].endswith("1/3 *********001 to *********000 Call *********123")
    assert shown[2].endswith("Messages API *********000 from AcmeInc 1360 TTL was activated")
    assert shown[3].endswith("Messages API *********001 to *********000 HELLO")
    assert "Verify" in shown[4]


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_of_one_kind(run: Run, kind: str) -> None:
    (row,) = rows(run("--kind", kind, "--json"))

    assert row["kind"] == kind


def test_kinds_and_other_filters_work_together(run: Run) -> None:
    inbound = rows(run("--kind", "sms-inbound", "--kind", "messages-inbound", "--json"))

    assert [row["text"] for row in inbound] == ["Call *********123", "HELLO"]
    assert [row["part"] for row in inbound] == [1, 0]
    assert len(rows(run("--status", "inbound", "--json"))) == 2
    assert [
        row["kind"] for row in rows(run("--message", UUID, "--kind", "messages-status", "--json"))
    ] == KINDS[2:3]
    assert "No recorded" in run("--kind", "unknown", "--status", "inbound").stderr
    assert run("--kind", "mms").exit_code == 2
