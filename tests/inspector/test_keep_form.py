"""Keep on the page: what is replaced is shown first, and samples of one recording or a whole message are written."""

import re
from pathlib import Path

import pytest

from devkit.fixture.format import load
from devkit.inspector import keep_form
from devkit.webhook.new_webhook import make_inbound_fields
from devkit.webhook.receipt import Receipt
from tests.support.inspector_client import client, page, words
from tests.support.inspector_server import Recordings
from tests.support.readable_fixture import read_webhook


def test_what_will_be_redacted_is_shown_before_anything_is_written(recordings: Recordings) -> None:
    key = recordings.receipt("failed", "0A0000001234567B", "9", msisdn="999456789012")

    text = words(page(client(recordings), f"/receipts/{key}/keep"))

    assert "messageId a value of the same form" in text
    assert "msisdn a number that is assigned to nobody" in text
    assert "999456789012" not in text
    assert not recordings.store.samples.exists()


def test_a_sample_is_written_under_its_name(recordings: Recordings) -> None:
    key = recordings.receipt("failed", "0A0000001234567B", "9")

    html = client(recordings).post(f"/receipts/{key}/keep", data={"name": "opted-out"}).text

    sample = load(recordings.store.samples / "opted-out.json")
    reading = sample.read()
    assert isinstance(reading, Receipt)
    assert reading.message_id != "0A0000001234567B"
    assert "opted-out.json" in words(html)


def test_a_name_that_is_taken_is_refused_and_nothing_overwritten(recordings: Recordings) -> None:
    key = recordings.receipt()
    web = client(recordings)
    web.post(f"/receipts/{key}/keep", data={"name": "taken"})
    before = (recordings.store.samples / "taken.json").read_bytes()

    again = web.post(f"/receipts/{recordings.receipt('failed')}/keep", data={"name": "taken"}).text

    assert "already exists" in words(again)
    assert (recordings.store.samples / "taken.json").read_bytes() == before


def test_a_name_cannot_leave_the_directory_of_samples(recordings: Recordings, tmp_path: Path) -> None:
    web = client(recordings)
    html = web.post(f"/receipts/{recordings.receipt()}/keep", data={"name": "../../x"}).text

    assert 'role="alert"' in html
    assert list(tmp_path.rglob("x*.json")) == []


def test_without_a_place_for_samples_there_is_an_error(recordings: Recordings) -> None:
    answer = client(recordings, samples=None).get(f"/receipts/{recordings.receipt()}/keep")

    assert answer.status_code == 400
    assert "devkit keep" in words(answer.text)


def test_a_whole_message_is_kept_as_a_sequence(recordings: Recordings) -> None:
    web = client(recordings)
    recordings.receipt("accepted", "0A1")
    key = recordings.receipt("delivered", "0A1")
    assert "Keep the whole message, 2 receipts" in words(page(web, f"/receipts/{key}/keep"))
    assert "All 2 receipts" in words(page(web, f"/receipts/{key}/keep?whole=1"))

    text = words(web.post(f"/receipts/{key}/keep", data={"whole": "1", "name": "mine"}).text)

    assert sorted(path.name for path in (recordings.store.samples / "mine").iterdir()) == [
        "01-accepted.json",
        "02-delivered.json",
    ]
    assert "The samples are written" in text


def test_a_message_with_too_many_receipts_is_not_kept_in_part(
    recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_form, "MAX_RECEIPTS", 2)
    key = [recordings.receipt("delivered", "0A1") for _ in range(3)][-1]

    answer = client(recordings).post(f"/receipts/{key}/keep", data={"whole": "1", "name": "mine"})

    assert (answer.status_code, recordings.store.samples.exists()) == (400, False)
    assert "The message has more than 2 receipts." in words(answer.text)


@pytest.mark.parametrize(("query", "kept"), [("keep-text=1", "Call Ada"), ("", "Lorem ipsum")])
def test_the_text_of_an_inbound_message_is_kept_on_request(
    recordings: Recordings, query: str, kept: str
) -> None:
    web, key = client(recordings), recordings.inbound("Call Ada", "0B1")
    html = page(web, f"/receipts/{key}/keep?{query}")
    form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)">', html))

    web.post(f"/receipts/{key}/keep", data={**form, "name": "call"})

    sample = read_webhook(load(recordings.store.samples / "call.json"))
    assert sample.body_text == kept
    assert ("Keep the text" if kept != "Call Ada" else "Replace the text") in words(html)


def test_a_receipt_has_no_text_to_keep(recordings: Recordings) -> None:
    assert "Keep the text" not in page(client(recordings), f"/receipts/{recordings.receipt()}/keep")


def test_keep_names_its_rules(recordings: Recordings) -> None:
    text = words(page(client(recordings), f"/receipts/{recordings.receipt()}/keep"))

    for each in ("msisdn", "messageId", "x-forwarded-for", "--allow-field NAME", "No file is overwritten"):
        assert each in text


def test_a_sample_of_every_kind_says_what_it_replaces(recordings: Recordings) -> None:
    web = client(recordings)
    status = recordings.status("rejected", "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab", "1240")
    inbound = recordings.messages(
        make_inbound_fields(
            "Call Ada", message_uuid="0a000000-0000-4000-8000-000000000002", timestamp=recordings.now
        )
    )

    of_status, of_inbound = (words(page(web, f"/receipts/{key}/keep")) for key in (status, inbound))

    assert re.search(
        r"error\.instance a value of the same form; equal values stay equal [0-9a-f]{32}", of_status
    )
    assert "text a text without meaning Lorem" in of_inbound
    assert "Ada" not in of_inbound.partition("What will be replaced")[2]
