"""The report of receipts as one HTML page: what it shows."""

import re
from datetime import timedelta
from pathlib import Path

from devkit.fixture.format import Fixture
from devkit.fixture.store import Store
from devkit.inspector.report import MARK, make_report
from devkit.webhook.callback import compose
from devkit.webhook.new_webhook import make_inbound_fields, make_receipt_fields
from devkit.webhook.timeline import SentMessage
from tests.support.inspector_server import HOSTILE, Recordings
from tests.support.reported import ID, NOW, OTHER, POLICY, html, record, report, response, words


def test_receipts_are_grouped_by_message_with_its_status_and_times(store: Store) -> None:
    paths = [
        record(store, "accepted"),
        record(store, "accepted", OTHER, after=1),
        record(store, "delivered", after=2.5),
        record(store, "failed", OTHER, after=3, err_code="2"),
    ]

    made = report(paths[::-1])

    assert [(each.decisive.status, each.has_failed, len(each.lines)) for each in made.messages] == [
        ("delivered", False, 2),
        ("failed", True, 2),
    ]
    assert made.receipts == 4
    text = words(made)
    assert "2 messages 1 delivered 1 not delivered 0 without a final receipt 4 receipts" in text
    assert "Absent Subscriber - Temporary err-code 2 message 2 13:45:03.000" in text
    assert "retry later" in text
    assert "+2.5 s" in text
    assert "final after 2.5 s" in text


def test_every_kind_has_its_words_and_only_sent_messages_are_delivered_or_not(tmp_path: Path) -> None:
    recordings = Recordings(Store(tmp_path / "fixtures"))
    uuid = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
    read = {
        "channel": "whatsapp",
        "message_uuid": OTHER,
        "status": "read",
        "to": "447700900000",
        "from": "447700900001",
    }
    inbound = make_inbound_fields("Hi <b>", message_uuid=uuid.replace("a", "c"), timestamp=NOW)
    keys = [
        recordings.status("submitted", uuid),
        recordings.status("rejected", uuid, "1240", secret="s" * 32),
        recordings.messages(read),
        recordings.inbound("Hello", "0B1"),
        recordings.messages(inbound),
        recordings.messages({"request_id": uuid.replace("a", "d"), "type": "event", "status": "completed"}),
    ]

    text = words(report([recordings.store.recorded / key for key in keys], private=True))

    assert "2 messages 1 delivered 1 not delivered 0 without a final receipt 2 inbound 6 webhooks" in text
    assert "rejected Illegal number error 1240 message 1" in text
    assert "recipient 447700900000 sender AcmeInc" in text
    assert "token unchecked" in text
    assert "Hi <b>" in text
    assert "Verify API" in text


def test_duplicates_and_a_wrong_order_are_marked(store: Store) -> None:
    paths = [record(store, "delivered", after=after) for after in (0, 1)]
    paths.append(record(store, "accepted", after=2))

    text = words(report(paths))

    assert text.count("duplicate of number 1") == 1
    assert text.count("wrong order") == 1


def test_a_message_that_devkit_sent_has_its_part_and_the_time_since_the_send(store: Store) -> None:
    sent = SentMessage(NOW - timedelta(seconds=3), (OTHER, ID))
    path = record(store, "delivered", after=1)

    text = words(report([path], sends={OTHER: sent, ID: sent}))

    assert "message 1, part 2 of 2 of its text" in text
    assert "final after 4.0 s" in text


def test_a_triggered_receipt_is_labelled_and_other_tags_are_not_shown(store: Store) -> None:
    fields = make_receipt_fields("delivered", "0", message_id=ID, pushed_at=NOW)
    fixture = Fixture(NOW, compose(fields, "get"), tags=("for Ms Example", "triggered"))

    text = words(report([store.record(fixture, fixture.read())]))

    assert "delivered triggered" in text
    assert "Ms Example" not in text


def test_the_charts_of_the_inspector_are_in_it(store: Store) -> None:
    made = html(report([record(store, "accepted"), record(store, "delivered", after=2)]))

    assert len(re.findall(r'<rect class="bar s-(?:accepted|delivered)"', made)) == 2
    assert made.count('<circle class="dot"') == 1


def test_the_responses_of_the_application_are_shown_without_what_no_rule_covers(store: Store) -> None:
    path = record(store, "delivered")
    logged = (
        response(path, None, problem="app.example.com cannot be reached"),
        response(path, 500, headers=(("X-Customer", "Ms Example"),), body="no row for Ms Example"),
        response(path, 204, replay=True),
        response(path, None, waiting_in=1),
    )

    text, whole = words(report([path], *logged)), words(report([path], *logged, private=True))

    assert "→ no response in 12 ms → 500 in 12 ms → 204 in 12 ms, replayed" in text
    for private in ("app.example.com", "Ms Example", "X-Customer", "127.0.0.1:5000"):
        assert private not in text
        assert private in whole
    assert "Private." in whole


def test_it_needs_no_network_and_no_script(store: Store) -> None:
    made = html(report([record(store, "failed", err_code="2")]))

    assert made.encode().startswith(MARK)
    assert not re.search(r"<script|<link|<img|<iframe|\bsrc=|url\(|@import|https?://", made)
    assert set(re.findall(r'href="([^"]*)"', made)) == {"#m1"}
    assert 'id="m1"' in made


def test_what_is_not_a_receipt_is_named_and_a_damaged_file_left_out(store: Store) -> None:
    fixture = Fixture(NOW, compose({}, "json"))
    nothing = store.record(fixture, fixture.read())
    damaged = record(store, "delivered")
    damaged.write_text("{}")

    made = report([nothing, damaged])

    assert made.receipts == 1
    assert made.messages[0].decisive.status == "unreadable"
    assert [str(damaged) in each.message for each in made.damaged] == [True]
    text = words(made)
    assert "1 file is left out, because it cannot be read" in text
    assert "0 messages 0 delivered 0 not delivered 0 without a final receipt 0 receipts 1 unreadable" in text
    assert "There is no status field" in text


def test_without_receipts_it_says_so() -> None:
    made = report([])

    assert made.receipts == 0
    assert "No receipts were recorded." in words(made)


def test_hostile_text_is_text(store: Store) -> None:
    fixture = Fixture(NOW, compose(HOSTILE, "json"))
    path = store.record(fixture, fixture.read())
    hostile = "<script>alert(1)</script>\u202e\x1b[31m"

    made = report(
        [path], response(path, 500, headers=(("X", hostile),), body=hostile, problem=hostile), private=True
    )

    assert "<script" not in html(made)
    assert "<img" not in html(made)
    assert not {"\u202e", "\u2066", "\x1b", "\x00", "\u200b"} & set(html(made))
    assert r"\u202e" in words(made)


def test_older_receipts_that_are_left_out_are_counted(store: Store) -> None:
    path = record(store, "delivered")

    made = make_report([path], POLICY, {}, {}, NOW, secret="", method="md5hash", left_out=2)

    assert "The newest 1 receipt. 2 older ones are left out." in words(made)
