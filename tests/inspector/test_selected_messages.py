"""What is done with several recordings at once, or with a whole message: replay, export, delete and undo."""

import json
import re
from datetime import timedelta
from html import unescape

import pytest

from devkit.fixture.format import load
from devkit.fixture.response_log import missed
from devkit.http.address import parse_address
from devkit.inspector import selected_messages
from devkit.inspector.context import InspectorContext
from devkit.inspector.index import Index, Rows
from devkit.inspector.replay_form import ReplayRequest, run_replays
from tests.support.inspector_client import client, page, words
from tests.support.inspector_server import Recordings
from tests.support.raw_socket import closed_port
from tests.support.recording_server import RecordingServer


def files(recordings: Recordings) -> list[str]:
    return sorted(
        path.relative_to(recordings.store.recorded).as_posix()
        for path in recordings.store.recorded.glob("*/*.json")
    )


def exported(recordings: Recordings, **form: object) -> list[str]:
    """The names of the files in a JSON export."""
    answer = client(recordings).post("/selection/export", data={"form": "json", **form})
    assert answer.mimetype == "application/json", words(answer.text)
    return [each["file"] for each in json.loads(answer.data)["fixtures"]]


@pytest.fixture
def keys(recordings: Recordings) -> list[str]:
    """Two receipts of the message 0A1, and one of 0A2."""
    return [
        recordings.receipt("accepted", "0A1"),
        recordings.receipt("failed", "0A2", "9"),
        recordings.receipt("delivered", "0A1"),
    ]


def names(keys: list[str]) -> list[str]:
    return [key.partition("/")[2] for key in keys]


# ---- What is selected


def test_a_message_is_selected_with_all_its_receipts(recordings: Recordings, keys: list[str]) -> None:
    assert exported(recordings, key=keys[0]) == names([keys[0], keys[2]])
    assert exported(recordings, key=keys[2]) == names([keys[0], keys[2]])
    assert exported(recordings, key=[keys[1], keys[2]]) == names(keys)


def test_a_single_receipt_is_selected_alone(recordings: Recordings, keys: list[str]) -> None:
    assert exported(recordings, receipt=keys[2]) == names([keys[2]])


def test_all_that_match_the_filter_are_selected(recordings: Recordings, keys: list[str]) -> None:
    assert exported(recordings, all="1") == names(keys)
    assert exported(recordings, all="1", status="failed") == names([keys[1]])
    assert exported(recordings, all="1", q="0A2") == names([keys[1]])


def test_what_the_application_missed_is_selected(recordings: Recordings, keys: list[str]) -> None:
    recordings.response(keys[0], 200)
    recordings.response(keys[1], 500)

    assert exported(recordings, all="1", response="failed") == names([keys[1]])


def test_all_that_match_are_more_than_a_page(recordings: Recordings) -> None:
    recordings.many(120)

    assert len(exported(recordings, all="1")) == 120


@pytest.mark.parametrize(
    "key",
    ["../../etc/passwd", "2026-11-23/../x.json", "2026-11-23/134501.000000Z-delivered-0A1-000000.json", "x"],
)
@pytest.mark.parametrize("name", ["key", "receipt"])
def test_only_recordings_can_be_selected(
    recordings: Recordings, keys: list[str], name: str, key: str
) -> None:
    answer = client(recordings).post("/selection/export", data={name: key})

    assert "No message is selected" in words(answer.text)


@pytest.mark.parametrize("action", ["replay", "export", "delete"])
def test_nothing_selected_is_said(recordings: Recordings, keys: list[str], action: str) -> None:
    answer = client(recordings).post(f"/selection/{action}", data={"to": "127.0.0.1:9"})

    assert "No message is selected" in words(answer.text)
    assert files(recordings) == sorted(keys)


def test_too_many_are_refused(recordings: Recordings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selected_messages, "MAX_RECEIPTS", 5)
    recordings.many(6)

    assert "More than 5 receipts are selected" in words(
        client(recordings).post("/selection/delete", data={"all": "1"}).text
    )
    assert len(files(recordings)) == 6


@pytest.mark.parametrize(
    "path", ["/selection/replay", "/selection/export", "/selection/delete", "/trash/x/undo"]
)
def test_a_page_of_another_origin_can_do_nothing(recordings: Recordings, keys: list[str], path: str) -> None:
    answer = client(recordings).post(path, data={"all": "1"}, headers={"Origin": "http://example.com"})

    assert answer.status_code == 403
    assert files(recordings) == sorted(keys)


# ---- Export


def test_an_export_in_json_holds_the_fixtures(recordings: Recordings, keys: list[str]) -> None:
    answer = client(recordings).post("/selection/export", data={"receipt": keys[1], "form": "json"})

    assert answer.headers["Content-Disposition"] == 'attachment; filename="receipts-20261123T134503.json"'
    (fixture,) = json.loads(answer.data)["fixtures"]
    assert fixture.pop("file") == keys[1].partition("/")[2]
    assert fixture == json.loads((recordings.store.recorded / keys[1]).read_bytes())


def test_an_export_is_an_http_archive(recordings: Recordings, keys: list[str]) -> None:
    answer = client(recordings).post("/selection/export", data={"key": keys, "form": "har"})

    assert answer.headers["Content-Disposition"].endswith('.har"')
    assert len(json.loads(answer.data)["log"]["entries"]) == 3


def test_an_unknown_export_is_refused(recordings: Recordings, keys: list[str]) -> None:
    answer = client(recordings).post("/selection/export", data={"key": keys, "form": "poem"})

    assert "No export is called 'poem'" in words(answer.text)


# ---- Replay


def test_a_message_is_replayed_in_its_order(
    recordings: Recordings, keys: list[str], upstream: RecordingServer
) -> None:
    web = client(recordings, forward_to=parse_address(f"{upstream.url}/dlr"))

    text = words(web.post("/selection/replay", data={"key": keys[2]}).text)

    sent = [request.target.partition("?")[2] for request in upstream.arrived]
    assert sent == [load(recordings.store.recorded / key).callback.query for key in (keys[0], keys[2])]
    assert "2 ok to" in text
    assert re.search(r"200 in [\d.]+ ms accepted 0A1 200 in [\d.]+ ms delivered 0A1", text)
    assert len(recordings.event_log.kept("replayed")) == 2


def test_what_is_accepted_now_is_no_longer_missed(
    recordings: Recordings, keys: list[str], upstream: RecordingServer
) -> None:
    for key in keys:
        recordings.response(key, 500)
    web = client(recordings, forward_to=parse_address(f"{upstream.url}/dlr"))

    web.post("/selection/replay", data={"all": "1", "response": "failed", "status": "failed"})

    assert [each.file for each in missed(recordings.private)] == [keys[0], keys[2]]


@pytest.mark.parametrize("path", ["", "/", "/dlr?key=1"])
def test_the_edit_form_sends_to_the_application_as_it_is_prefilled(
    recordings: Recordings, keys: list[str], upstream: RecordingServer, path: str
) -> None:
    recordings.response(keys[1], 500)
    web = client(recordings, forward_to=parse_address(f"{upstream.url}{path}"))
    html = page(web, f"/receipts/{keys[1]}")
    (prefilled,) = re.findall(r'<input name="to" value="([^"]+)"', html)

    web.post(f"/receipts/{keys[1]}/replay", data={"to": unescape(prefilled)})

    assert missed(recordings.private) == []


def test_a_replay_to_another_target_leaves_it_missed(
    recordings: Recordings, keys: list[str], upstream: RecordingServer
) -> None:
    recordings.response(keys[1], 500)
    web = client(recordings, forward_to=parse_address(f"127.0.0.1:{closed_port()}/dlr"))

    web.post("/selection/replay", data={"key": keys[1], "to": upstream.url})

    assert len(upstream.arrived) == 1
    assert len(missed(recordings.private)) == 1


def test_an_application_that_is_down_is_asked_once(recordings: Recordings, keys: list[str]) -> None:
    web = client(recordings, forward_to=parse_address(f"127.0.0.1:{closed_port()}/dlr"))

    text = words(web.post("/selection/replay", data={"key": keys}).text)

    assert "1 unreachable" in text
    assert "2 were not sent" in text
    assert len(recordings.event_log.kept("replayed")) == 1


def test_a_replay_that_takes_long_stops(
    recordings: Recordings, keys: list[str], upstream: RecordingServer
) -> None:
    context = InspectorContext(
        recordings.store,
        recordings.event_log,
        recordings.options(),
        Index(recordings.store),
        Rows(recordings.store),
    )
    times = iter([0.0, 0.0, 29.0, 31.0])

    report = run_replays(context, keys, ReplayRequest(upstream.url), timer=lambda: next(times))

    assert (report.count("ok"), report.unsent) == (2, 1)


@pytest.mark.parametrize("path", ["/receipts/{key}/replay", "/selection/replay"])
def test_a_replay_without_a_target_asks_for_one(recordings: Recordings, keys: list[str], path: str) -> None:
    web = client(recordings)

    html = web.post(path.format(key=keys[0]), data={"key": keys[0]}).text

    assert "Where shall it be replayed to?" in words(html)
    assert recordings.event_log.kept("replayed") == []
    assert (
        '<input name="to" class="port" value="" placeholder="5000" required'
        in web.get(f"/receipts/{keys[0]}").text
    )


def test_the_target_is_remembered(recordings: Recordings, keys: list[str], upstream: RecordingServer) -> None:
    web = client(recordings)

    web.post(f"/receipts/{keys[0]}/replay", data={"to": upstream.url})

    assert len(upstream.arrived) == 1
    assert f'<input name="to" class="port" value="{upstream.url}"' in web.get(f"/receipts/{keys[0]}").text


def test_a_receipt_offers_what_can_be_done_with_its_message(recordings: Recordings, keys: list[str]) -> None:
    several = words(client(recordings).get(f"/receipts/{keys[0]}").text)
    alone = words(client(recordings).get(f"/receipts/{keys[1]}").text)

    for each in ("Replay all 2", "Keep all 2", "Download all as JSON", "Delete all 2"):
        assert each in several
    assert "Delete this receipt" in alone
    assert " all " not in alone.partition("More")[2].partition("Compare")[0]


# ---- Delete


def test_a_deleted_message_can_be_restored(recordings: Recordings, keys: list[str]) -> None:
    web = client(recordings)
    before = {key: (recordings.store.recorded / key).read_bytes() for key in keys}

    html = web.post("/selection/delete", data={"key": keys[0]}).text

    assert files(recordings) == [keys[1]]
    assert "2 deleted." in words(html)
    assert "0A1" not in words(web.post("/list").text)
    match = re.search(r'action="(/trash/[^"]+/undo)"', html)
    assert match
    assert "2 restored" in words(web.post(match[1]).text)
    assert {key: (recordings.store.recorded / key).read_bytes() for key in keys} == before
    assert "no longer in the trash" in words(web.post(match[1]).text)


def test_a_single_receipt_is_deleted_alone(recordings: Recordings, keys: list[str]) -> None:
    client(recordings).post("/selection/delete", data={"receipt": keys[0]})

    assert files(recordings) == sorted(keys[1:])


def test_the_trash_is_listed(recordings: Recordings, keys: list[str]) -> None:
    web = client(recordings)
    assert "Nothing can be undone" in words(web.get("/trash").text)

    web.post("/selection/delete", data={"key": keys[1]})

    assert "Undo 1 receipt" in words(web.get("/trash").text)


def test_what_was_deleted_a_week_ago_is_gone_in_the_next_session(
    recordings: Recordings, keys: list[str]
) -> None:
    client(recordings).post("/selection/delete", data={"key": keys[1]})
    recordings.now += timedelta(days=6)
    assert "Undo 1 receipt" in words(client(recordings).get("/trash").text)

    recordings.now += timedelta(days=2)

    assert "Nothing can be undone" in words(client(recordings).get("/trash").text)


def test_without_a_private_directory_nothing_is_deleted(recordings: Recordings, keys: list[str]) -> None:
    answer = client(recordings, private=None).post("/selection/delete", data={"key": keys[0]})

    assert "without a place for deleted recordings" in words(answer.text)
    assert files(recordings) == sorted(keys)
