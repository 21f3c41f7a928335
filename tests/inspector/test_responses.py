"""The application's responses on the page and in the API, and the filter for them."""

import os
import re

import pytest

from devkit.fixture.response_log import ResponseLog, Responses
from tests.support.inspector_client import client, page, words
from tests.support.inspector_server import Recordings

NUMBER = "447700900123"
GONE = 2**31 - 2  # no process has this number


def shown(recordings: Recordings, path: str, form: dict[str, str] | None = None) -> str:
    """What a reader sees of a page."""
    answer = client(recordings).get(path) if form is None else client(recordings).post(path, data=form)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return words(answer.text)


def section(recordings: Recordings, key: str, name: str) -> str:
    """One tab of a receipt, as HTML."""
    html = page(client(recordings), f"/receipts/{key}")
    match = re.search(rf'<section id="{name}">.*?</section>', html, re.DOTALL)
    assert match
    return match[0]


def test_the_timeline_has_the_response_to_each_receipt(recordings: Recordings) -> None:
    first, second, third = (
        recordings.receipt(status, "0A1") for status in ("accepted", "buffered", "failed")
    )
    recordings.response(first, 200, ms=1.5)
    recordings.response(second, 500, ms=12.5, sent_again=True)
    recordings.response(third, None, problem="Nobody answers at 127.0.0.1")

    html = section(recordings, first, "timeline")

    assert re.findall(r'class="response (r-\w+)">([^<]+)<', html) == [
        ("r-ok", "200"),
        ("r-failed", "500"),
        ("r-failed", "no response"),
    ]
    assert "in 12.5 ms, sent again on a new connection" in " ".join(re.sub(r"<[^>]+>", "", html).split())
    assert "Nobody answers at 127.0.0.1" in html


def test_a_response_has_its_headers_and_body(recordings: Recordings) -> None:
    key = recordings.receipt()
    recordings.response(key, 500, headers=[("X-Trace", "abc")], body=b"no such table\nfor " + NUMBER.encode())

    for part in ("timeline", "answers"):
        html = section(recordings, key, part)
        assert "X-Trace" in html
        assert "no such table\nfor *********123" in html
    assert NUMBER in shown(recordings, f"/receipts/{key}?numbers=1")


def test_a_cut_body_says_so(recordings: Recordings) -> None:
    key, whole = recordings.receipt(), recordings.receipt()
    recordings.response(key, body=b"a" * 1025)
    recordings.response(whole, body=b"a" * 1024)

    assert "Only the first kilobyte is kept" in section(recordings, key, "answers")
    assert "Only the first kilobyte is kept" not in section(recordings, whole, "answers")


def test_a_hostile_response_is_shown_as_text(recordings: Recordings) -> None:
    key = recordings.receipt()
    recordings.response(
        key, headers=[("X\x9b", "<img src=x>")], body="</pre><script>alert(1)</script>\u202e".encode()
    )

    html = section(recordings, key, "answers")

    assert "<script>" not in html
    assert "<img" not in html
    assert "\u202e" not in html
    assert "\x9b" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_the_list_shows_what_was_not_accepted_first(recordings: Recordings) -> None:
    first, second = recordings.receipt("accepted", "0A1"), recordings.receipt("delivered", "0A1")
    recordings.response(first, 500)
    recordings.response(second, 200)

    html = client(recordings).post("/list").get_data(as_text=True)

    assert re.findall(r'class="response (r-\w+)"[^>]*>([^<]+)<', html) == [
        ("r-failed", "\N{RIGHTWARDS ARROW} 500")
    ]


def test_a_receipt_that_was_accepted_later_is_accepted(recordings: Recordings) -> None:
    key = recordings.receipt()
    for status in (500, 200, 404):
        recordings.response(key, status)

    html = client(recordings).post("/list").get_data(as_text=True)

    assert re.findall(r'class="response (r-\w+)"[^>]*>([^<]+)<', html) == [
        ("r-ok", "\N{RIGHTWARDS ARROW} 200")
    ]


@pytest.fixture
def answered(recordings: Recordings) -> Recordings:
    """Messages with each kind of response; their ids name it."""
    recordings.response(recordings.receipt(message="ACCEPTED1"), 204)
    recordings.response(recordings.receipt(message="REFUSED1"), 404)
    recordings.response(recordings.receipt(message="SILENT1"), None, problem="No answer within 10 s")
    recordings.receipt(message="UNSENT1")
    waiting = recordings.receipt(message="WAITING1")
    ResponseLog(recordings.private, "http://127.0.0.1:5000", recordings.clock).add_waiting(waiting)
    return recordings


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ("failed", ["SILENT1", "REFUSED1"]),
        ("ok", ["ACCEPTED1"]),
        ("waiting", ["WAITING1"]),
        ("none", ["UNSENT1"]),
        ("404", ["REFUSED1"]),
        ("500", []),
    ],
)
def test_the_list_can_be_filtered_for_responses(answered: Recordings, wanted: str, ids: list[str]) -> None:
    web = client(answered)
    for found in (
        web.get(f"/api/messages?response={wanted}"),
        web.post("/api/messages", json={"q": f"response:{wanted}"}),
    ):
        assert [message["message_id"] for message in found.get_json()["messages"]] == ids
    html = web.post("/list", data={"q": f"response:{wanted} delivered"}).get_data(as_text=True)
    assert re.findall(r'data-message="(\w+)"', html) == ids


def test_an_unknown_response_is_refused(recordings: Recordings) -> None:
    answer = client(recordings).get("/api/messages?response=odd")

    assert answer.status_code == 400
    assert answer.get_json()["hint"] == "Use one of: failed, ok, waiting, none, or a status such as 500"


def test_a_receipt_whose_session_was_killed_was_not_sent(recordings: Recordings) -> None:
    key = recordings.receipt()
    log = ResponseLog(recordings.private, "http://127.0.0.1:5000", recordings.clock)
    log.add_waiting(key)
    file = recordings.private / "responses.jsonl"
    file.write_text(file.read_text().replace(f'"waiting_in": {os.getpid()}', f'"waiting_in": {GONE}'))

    states = Responses(recordings.private)
    states.refresh()
    state = states.state(key)

    assert state
    assert (state.kind, state.words) == ("failed", "not sent")
    assert "not sent" in section(recordings, key, "timeline")


def test_a_wait_that_has_ended_is_not_shown(recordings: Recordings) -> None:
    key = recordings.receipt()
    ResponseLog(recordings.private, "http://127.0.0.1:5000", recordings.clock).add_waiting(key)
    assert "waiting" in section(recordings, key, "answers")

    recordings.response(key, 200)

    assert "waiting" not in section(recordings, key, "answers")


def test_scripts_get_the_responses(recordings: Recordings) -> None:
    key = recordings.receipt()
    recordings.response(key, 500, headers=[("X-Trace", "abc")], body=b"for 447700900123")

    detail = client(recordings).get(f"/api/receipts/{key}").get_json()

    (response,) = detail["responses"]
    assert (response["status"], response["ms"], response["headers"]) == (500, 12.5, [["X-Trace", "abc"]])
    assert response["body"] == "for *********123"
    assert detail["response"] == "500"
