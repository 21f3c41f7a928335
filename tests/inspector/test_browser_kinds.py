"""The page with inbound messages, statuses of the Messages API and a relay, in a real browser."""

import pytest

from devkit.events.relay import CaughtUp, RelayChanged
from devkit.webhook.callback import compose
from devkit.webhook.new_webhook import make_receipt_fields
from tests.support.browser import Browser, visit
from tests.support.inspector_server import Recordings
from tests.support.page_checks import barriers, too_wide, unfold

pytestmark = pytest.mark.program

UUID = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
TEXTS = ("One two ", "three four ", "five")
FIRST = "#list .message:first-child"


def live(recordings: Recordings) -> None:
    reached = RelayChanged(
        "live", "rediss://relay.test", "ada", kept=3, kept_since="2026-11-17T08:00:00.000Z"
    )
    recordings.event_log.publish(reached)
    recordings.event_log.publish(CaughtUp(2, 1, 1, 0, 2, 0, 0))


def relayed(recordings: Recordings, message: str, who: str) -> None:
    fields = make_receipt_fields("delivered", "0", message_id=message, pushed_at=recordings.now)
    recordings.callback(compose(fields, "get"), who=who)


def test_a_conversation_grows_while_it_is_open(browser: Browser, recordings: Recordings, url: str) -> None:
    key = recordings.parts(TEXTS, [3, 1])[0]
    visit(browser, f"{url}/receipts/{key}")
    assert "[part 2 of 3 is missing]" in browser.text(".conversation")
    browser.wait_for_text(FIRST, "2/3 parts")
    assert browser.count("#list a[aria-current]") == 1

    recordings.parts(TEXTS, [2])
    browser.wait_for_text(".conversation", "One two three four five")
    browser.wait_for_text(FIRST, "3/3 parts")
    recordings.inbound("And another one", "0B1")
    browser.wait_for_text(".conversation", "And another one")

    assert browser.count("#list .message") == 2
    assert browser.text("[role=tab][aria-selected=true]") == "Conversation"


def test_a_status_of_the_messages_api_arrives_live(
    browser: Browser, recordings: Recordings, url: str
) -> None:
    visit(browser, url)
    recordings.status("submitted", UUID)
    browser.wait_for_text(FIRST, "submitted")
    browser.press("j")
    browser.wait_for_text(".timeline", "No final status yet")

    recordings.status("rejected", UUID, "1240")

    browser.wait_for_text(".head h1", "Illegal number")
    browser.wait_for_text(FIRST, "Illegal number")
    assert browser.count("#list .message") == 1


def test_the_chips_of_a_relay_are_used_by_keyboard(
    browser: Browser, recordings: Recordings, url: str
) -> None:
    live(recordings)
    relayed(recordings, "0A00000000000001", "ada")
    relayed(recordings, "0A00000000000002", "")
    visit(browser, url)
    assert browser.text("#list .relay") == "relay: live, 0 behind, kept since 17 Nov"
    assert browser.count("#list .message") == 2

    browser.run("document.querySelector('.owners :checked').focus()")
    browser.press("\ue012")  # the arrow to the left
    browser.wait(lambda: browser.count("#list .message") == 1)
    assert "unclaimed" in browser.text(FIRST)
    browser.press("\ue012")
    browser.wait_for_text(FIRST, "ada")
    browser.press("j")
    browser.wait_for_text("#detail h1", "delivered")

    lost = RelayChanged("reconnecting", "rediss://relay.test", "ada", since="2026-11-23T13:44:00.000Z")
    recordings.event_log.publish(lost)
    browser.wait_for_text("#list .relay", "reconnecting since 13:44:00")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_kind_is_accessible_and_fits_a_narrow_screen(
    browser: Browser, recordings: Recordings, url: str, scheme: str
) -> None:
    live(recordings)
    long = "x" * 200
    pages = [
        recordings.parts((long, "b", "c"), [3, 1])[0],
        recordings.status("rejected", UUID, "1240", secret="s" * 32, client_ref=long, channel="whatsapp"),
        recordings.messages({"request_id": long, "type": "event", "status": long, "to": long}),
    ]
    relayed(recordings, "0A00000000000001", "ada")
    browser.scheme(scheme)
    for path in ("/", *(f"/receipts/{key}" for key in pages)):
        browser.resize(1200, 800)
        visit(browser, url + path)
        unfold(browser)
        assert barriers(browser) == [], path
        browser.resize(400, 800)
        assert too_wide(browser, 400) == [], path
