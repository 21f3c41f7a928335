"""What the page does, in a real browser: trigger, send, select, download, delete and undo; and when devkit is away."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.events.session import Sent
from devkit.http.address import parse_address
from devkit.inspector.context import SessionFacts
from tests.support.browser import Browser, visit
from tests.support.inspector_server import Recordings, running_inspector
from tests.support.recording_server import RecordingServer

pytestmark = pytest.mark.program

FIRST = "#list .message:first-child"
ANNOUNCED = "return document.querySelector('#announcement').textContent"


@pytest.fixture
def sent() -> list[str]:
    """The recipients of what was sent."""
    return []


@pytest.fixture
def url(recordings: Recordings, upstream: RecordingServer, receiver: str, sent: list[str]) -> Iterator[str]:
    def send(to: str, *_: str) -> Sent:
        sent.append(to)
        return Sent(("0A9",), "*********000")

    def session() -> SessionFacts:
        return SessionFacts(
            "live", "2026-11-23T12:00:00+00:00", "https://dlr.example.test", "", "abcd1234", send
        )

    target = parse_address(f"{upstream.url}/dlr")
    with running_inspector(recordings, forward_to=target, receiver_url=receiver, session=session) as address:
        yield address


def test_a_receipt_is_triggered_from_the_empty_page(
    browser: Browser, recordings: Recordings, url: str
) -> None:
    visit(browser, url)
    browser.click("#detail a[href='/trigger']")
    browser.wait_for_text("#detail h1", "Trigger a webhook")
    browser.run("document.querySelector('[data-form] select[name=status]').value = 'failed'")
    browser.click("[data-form] button.main")

    browser.wait_for_text(".outcome", "The receiver answered 200")
    browser.wait_for_text(FIRST, "failed")
    browser.click(".outcome a")
    browser.wait_for_text("#detail h1", "failed")


def test_a_real_message_is_sent_only_when_that_is_confirmed(
    browser: Browser, url: str, sent: list[str]
) -> None:
    visit(browser, f"{url}/send")
    browser.type("[data-form] input[name=to]", "447700900000")

    browser.click("[data-form] button.main")
    assert browser.run("return document.querySelector('[name=confirmed]').matches(':invalid')")
    browser.click("[name=confirmed]")
    browser.click("[data-form] button.main")

    browser.wait_for_text(".outcome", "sent to *********000")
    assert sent == ["447700900000"]


def test_selected_messages_are_deleted_and_restored(
    browser: Browser, recordings: Recordings, url: str
) -> None:
    for number in range(3):
        recordings.receipt("delivered", f"MESSAGE{number}")
    visit(browser, url)
    browser.click("#selection > summary")
    browser.click(f"{FIRST} .pick")
    browser.click("#list .message:nth-child(2) .pick")
    assert browser.text("#selected") == "2 messages selected"

    browser.click("[formaction='/selection/delete']")
    browser.wait_for_text(".outcome", "2 deleted")
    browser.wait(lambda: browser.count("#list .message") == 1)

    browser.click("#detail .log button")
    browser.wait_for_text(".outcome", "2 restored")
    browser.wait(lambda: browser.count("#list .message") == 3)


def test_a_selection_is_not_lost_when_a_receipt_arrives(
    browser: Browser, recordings: Recordings, url: str
) -> None:
    recordings.receipt("delivered", "MESSAGE1")
    visit(browser, url)
    browser.click("#selection > summary")
    browser.click(f"{FIRST} .pick")

    recordings.receipt("delivered", "MESSAGE2")
    browser.wait_for_text(".fresh", "1 new message")

    assert browser.count(".pick:checked") == 1


def test_all_that_match_are_replayed(
    browser: Browser, recordings: Recordings, url: str, upstream: RecordingServer
) -> None:
    recordings.receipt("delivered", "MESSAGE1")
    recordings.receipt("failed", "MESSAGE2", "9")
    visit(browser, f"{url}/?status=failed")
    browser.click("#selection > summary")
    browser.click("#selection [name=all]")

    browser.click("[formaction='/selection/replay']")
    browser.wait_for_text(".outcome", "1 ok")

    assert [("MESSAGE2" in each.target) for each in upstream.arrived] == [True]


def test_a_selection_is_downloaded(
    browser: Browser, recordings: Recordings, url: str, tmp_path: Path
) -> None:
    recordings.receipt("delivered", "MESSAGE1")
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    browser.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
    visit(browser, url)
    browser.click("#selection > summary")
    browser.click(f"{FIRST} .pick")

    browser.click("[formaction='/selection/export'][value=har]")
    browser.wait(lambda: list(downloads.glob("*.har")), "the download")

    (file,) = downloads.glob("*.har")
    assert len(json.loads(file.read_bytes())["log"]["entries"]) == 1
    assert browser.count("#list .message") == 1  # the page is still there


def test_buttons_are_off_while_devkit_is_away(browser: Browser, recordings: Recordings) -> None:
    key = recordings.receipt()
    with running_inspector(recordings) as url:
        visit(browser, f"{url}/receipts/{key}")
        assert browser.text("#away") == ""
        assert browser.run("return document.querySelector('#replay button').disabled") is False
    browser.wait_for_text("#away", "devkit is not running")
    assert browser.run("return document.querySelector('#replay button').disabled") is True

    again = Recordings(recordings.store, now=recordings.now)
    with running_inspector(again, port=int(url.rpartition(":")[2])):
        browser.wait_for_text("#live", "Live")
        browser.wait(lambda: browser.text("#away") == "")
        assert browser.run("return document.querySelector('#replay button').disabled") is False
        browser.get("about:blank")
    assert all("ERR_CONNECTION_REFUSED" in each for each in browser.complaints())


def click_without_answer(browser: Browser, selector: str) -> None:
    """Empty the announcement, then click on what sends a request, which gets no answer."""
    browser.run(f"""
        document.querySelector("#announcement").textContent = "";
        window.fetch = () => {{ window.tried = true; return Promise.reject(new TypeError("away")) }};
        document.querySelector({json.dumps(selector)}).click();
    """)
    browser.wait(lambda: browser.run("return window.tried"), "the request")


def test_the_outcome_of_an_earlier_action_is_not_announced_for_one_without_an_answer(
    browser: Browser, url: str
) -> None:
    visit(browser, f"{url}/trigger")
    browser.click("[data-form] button.main")
    browser.wait(lambda: "answered 200" in browser.run(ANNOUNCED), "the announcement")

    click_without_answer(browser, "[data-form] button.main")

    assert browser.run(ANNOUNCED) == ""
    assert "The receiver answered 200" in browser.text(".outcome")


def test_a_filter_without_an_answer_announces_no_number_of_messages(
    browser: Browser, recordings: Recordings, url: str
) -> None:
    recordings.receipt("delivered")
    visit(browser, url)
    browser.click(".legend a")
    browser.wait(lambda: "1 message" in browser.run(ANNOUNCED), "the announcement")

    click_without_answer(browser, ".legend a")

    assert browser.run(ANNOUNCED) == ""


def test_forms_and_selection_work_without_javascript(
    browser: Browser, recordings: Recordings, url: str
) -> None:
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    browser.get(f"{url}/trigger")
    browser.click("[data-form] button.main")
    browser.wait_to_read(".outcome", "The receiver answered 200")

    browser.get(url)
    browser.click("#selection > summary")
    browser.click(f"{FIRST} .pick")
    browser.click("[formaction='/selection/delete']")
    browser.wait_to_read(".outcome", "1 deleted")

    assert list(recordings.store.entries()) == []
