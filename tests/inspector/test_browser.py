"""The page in a real browser: live, by keyboard, in the dark, on a narrow screen, and with hostile receipts."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from devkit.events.session import Probe, Sent
from devkit.fixture.response_log import LoggedResponse
from devkit.inspector.report import make_report
from tests.support.browser import Browser, visit
from tests.support.inspector_server import HOSTILE, Recordings, running_inspector, stream
from tests.support.page_checks import barriers, too_wide, unfold
from tests.support.recording_server import RecordingServer

pytestmark = pytest.mark.program

NUMBER = "447700900123"
FIRST = "#list .message:first-child"


def has_focus(browser: Browser, element: str) -> bool:
    return focus(browser) == element


def has_copied(browser: Browser, text: str) -> bool:
    return bool(browser.run("return window.copied") == text)


def focus(browser: Browser) -> str:
    """What has the focus: its name, id or text."""
    return str(
        browser.run(
            "const e = document.activeElement; return e.name || e.id || e.className || e.innerText || e.tagName"
        )
    )


def test_a_receipt_appears_when_it_arrives(browser: Browser, recordings: Recordings, url: str) -> None:
    visit(browser, url)
    assert "Nothing has been recorded yet" in browser.text("#list")

    recordings.receipt("accepted", "0A00000000000001")
    browser.wait_for_text(FIRST, "accepted")
    recordings.receipt("failed", "0A00000000000001", "9")
    browser.wait_for_text(FIRST, "Illegal Number")

    assert browser.count("#list .message") == 1
    browser.wait_for_text("#detail", "2 recordings")


def test_parts_become_one_message_when_the_send_is_known(
    browser: Browser, recordings: Recordings, url: str
) -> None:
    visit(browser, url)
    recordings.receipt("accepted", "0A1")
    recordings.receipt("delivered", "0A2")
    browser.wait(lambda: browser.count("#list .message") == 2)

    recordings.event_log.publish(Sent(("0A1", "0A2"), "*********123"))
    browser.wait(lambda: browser.count("#list .message") == 1)
    browser.wait_for_text(FIRST, "1/2 parts")
    browser.click("#list .message a")
    browser.wait_for_text(".parts", "part 2 of 2")
    recordings.receipt("delivered", "0A1")  # the other part
    browser.wait_for_text("#detail h1", "delivered")
    assert browser.count("#list a[aria-current]") == 1


def test_the_list_under_the_reader_does_not_jump(browser: Browser, recordings: Recordings, url: str) -> None:
    for number in range(3):
        recordings.receipt("accepted", f"MESSAGE{number}")
    visit(browser, url)
    browser.run("document.querySelector('#list .message:nth-of-type(2) a').focus()")

    recordings.receipt("delivered", "NEWCOMER")
    recordings.receipt("delivered", "MESSAGE1")
    browser.wait_for_text(".fresh", "1 new message")
    browser.wait_for_text("#list .message:nth-of-type(2)", "delivered")  # what is there is kept up to date
    assert browser.count("#list .message") == 3
    assert "ESSAGE2" in browser.text(FIRST)
    assert browser.text(".count") == "3 of 4 messages"

    browser.click(".fresh")
    browser.wait(lambda: browser.count("#list .message") == 4)
    assert "ESSAGE1" in browser.text(FIRST)


def test_search_and_filters_select_messages(browser: Browser, recordings: Recordings, url: str) -> None:
    recordings.receipt("failed", "0A00000000000001", "9", msisdn=NUMBER)
    recordings.receipt("delivered", "0A00000000000002", client_ref="order-77")
    visit(browser, url)

    browser.type("input[name=q]", "900123")
    browser.wait(lambda: browser.count("#list .message") == 1)
    assert "failed" in browser.text(FIRST)
    assert NUMBER not in browser.driver.current_url + browser.text("#list")

    assert browser.text(".count") == "1 of 2 messages"

    browser.run("document.querySelector('input[name=q]').value = ''")
    browser.click(".more > summary")
    browser.run(
        "const s = document.querySelector('select[name=status]'); s.value = 'delivered';"
        "s.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    browser.wait_for_text(FIRST, "delivered")
    assert browser.count("#list .message") == 1


def test_a_search_continues_through_everything_by_itself(
    browser: Browser, recordings: Recordings, url: str
) -> None:
    recordings.receipt("delivered", "0A00000000000001", client_ref="needle")
    recordings.many(2_100)  # more than one request opens
    visit(browser, url)

    browser.type("input[name=q]", "needle")
    browser.wait(lambda: browser.count("#list .message") == 1)
    assert browser.count("#older") == 0


def test_older_messages_are_added_below(browser: Browser, recordings: Recordings, url: str) -> None:
    recordings.many(60)
    visit(browser, url)
    assert browser.count("#list .message") == 50
    assert browser.text(".count") == "50 of 60 messages"

    browser.click("#older")
    browser.wait(lambda: browser.count("#list .message") == 60)
    assert browser.text(".count") == "60 messages"
    assert browser.count("#older") == 0


def test_older_messages_are_added_once(browser: Browser, recordings: Recordings, url: str) -> None:
    recordings.many(60)
    visit(browser, url)

    browser.run("for (const _ of '12') document.querySelector('#older').click()")
    browser.wait(lambda: browser.count("#list .message") >= 60)
    browser.wait(lambda: browser.count("#older") == 0)

    assert browser.count("#list .message") == 60


def test_the_numbers_are_shown_whole_on_demand(browser: Browser, recordings: Recordings, url: str) -> None:
    recordings.receipt(msisdn=NUMBER)
    visit(browser, url)
    browser.click("#list .message a")
    browser.wait_for_text("#detail h1", "delivered")
    assert NUMBER not in browser.text("body")

    browser.click("input[name=numbers]")
    browser.wait_for_text("#list", NUMBER)
    browser.click("[data-tab=raw]")
    browser.wait_for_text("#raw", NUMBER)


def test_everything_can_be_done_by_keyboard(
    browser: Browser, recordings: Recordings, url: str, upstream: RecordingServer
) -> None:
    for number, status in enumerate(("accepted", "delivered", "failed")):
        recordings.receipt(status, f"0A0000000000000{number}")
    visit(browser, url)

    browser.press("j")
    browser.wait_for_text("#detail h1", "failed")
    browser.press("j")
    browser.wait_for_text("#detail h1", "delivered")
    assert browser.count("#list a[aria-current]") == 1
    browser.press("k")
    browser.wait_for_text("#detail h1", "failed")
    browser.press("r")
    browser.wait_for_text("#replays", "200")
    assert len(upstream.arrived) == 1
    browser.press("/")
    assert focus(browser) == "q"
    browser.press("jjj")
    assert browser.run("return document.activeElement.value") == "jjj"
    browser.press("\ue00c")  # Escape
    browser.press("?")
    assert browser.run("return document.querySelector('#help').open")
    browser.press("\ue00c")
    browser.press("e")
    browser.wait(lambda: focus(browser) == "to")
    assert browser.run("return document.querySelector('#edit').open")


def test_a_key_opens_each_tab(browser: Browser, recordings: Recordings, url: str) -> None:
    visit(browser, f"{url}/receipts/{recordings.receipt()}")

    for key, tab in zip(
        "654321", ("replays", "answers", "headers", "raw", "fields", "timeline"), strict=True
    ):
        browser.press(key)
        browser.wait(partial(has_focus, browser, f"tab-{tab}"))
        assert browser.text(f"#{tab}") != ""
        assert browser.count("#detail [role=tabpanel]:not([hidden])") == 1
    browser.press("\ue010")  # End
    assert focus(browser) == "tab-replays"
    browser.press("\ue011")  # Home
    assert focus(browser) == "tab-timeline"


def test_enter_leads_into_the_receipt_and_escape_back(
    browser: Browser, recordings: Recordings, url: str
) -> None:
    recordings.receipt("delivered", "0A1")
    recordings.receipt("failed", "0A2", "9")
    visit(browser, url)

    browser.press("jj")
    browser.wait_for_text("#detail h1", "delivered")
    assert browser.run("return document.querySelector('#list').contains(document.activeElement)")
    browser.press("\ue007")  # Enter
    browser.wait(lambda: focus(browser) == "detail")
    browser.press("\ue00c")  # Escape
    assert browser.run("return document.activeElement.matches('#list a[aria-current]')")
    browser.click("#list .message a")  # with the mouse, the focus stays in the list
    browser.wait_for_text("#detail h1", "failed")
    assert focus(browser) != "detail"


def test_a_wide_window_has_the_timeline_beside_the_tabs(
    browser: Browser, recordings: Recordings, url: str
) -> None:
    browser.resize(1920, 1000)
    visit(browser, f"{url}/receipts/{recordings.receipt()}")
    assert browser.text("#timeline h2") == "Timeline"
    assert "msisdn" in browser.text("#fields")
    assert browser.count("[role=tab]") == 5
    left = "return document.querySelector(arguments[0]).getBoundingClientRect().right"
    assert browser.run(left, "#timeline") < browser.run(left.replace("right", "left"), "#fields")

    browser.press("3")
    browser.wait_for_text("#raw", "Show it")
    browser.resize(1200, 800)
    browser.wait(lambda: browser.count("[role=tab]") == 6)
    assert browser.text("#timeline") == ""
    assert "Show it" in browser.text("#raw")


def test_the_legend_and_the_bars_filter_the_list(browser: Browser, recordings: Recordings, url: str) -> None:
    recordings.receipt("delivered", "0A1")
    recordings.receipt("failed", "0A2", "9", seconds=120)
    recordings.receipt("expired", "0A3", seconds=120)
    visit(browser, url)

    browser.click(".legend a[href*=failed]")
    browser.wait_for_text(".count", "1 of 3 messages")
    assert "Illegal Number" in browser.text(FIRST)
    assert browser.run("return document.querySelector('select[name=status]').value") == "failed"
    assert browser.count(".legend a[aria-current]") == 1
    browser.click(".legend a[href*=failed]")
    browser.wait(lambda: browser.text(".count") == "3 messages")

    browser.click(".column")
    browser.wait_for_text(".count", "1 of 3 messages")
    assert "delivered" in browser.text(FIRST)
    chosen = "const s = document.querySelector('select[name=within]'); return s.selectedOptions[0].text"
    assert browser.run(chosen) == "23 Nov 13:45:00 to 13:45:05"


def test_a_value_is_copied(browser: Browser, recordings: Recordings, url: str) -> None:
    key = recordings.receipt("delivered", "0A00000000000001", client_ref="order-77")
    visit(browser, f"{url}/receipts/{key}?numbers=1#fields")
    browser.run("navigator.clipboard.writeText = async (text) => { window.copied = text }")

    for button, value in (
        ("[aria-label='Copy message id']", "0A00000000000001"),
        ("#fields [aria-label='Copy client-ref']", "order-77"),
    ):
        browser.click(button)
        browser.wait(partial(has_copied, browser, value))
    assert browser.count(".copy.done") > 0
    browser.click("[data-tab=raw]")
    browser.click("#raw [data-copy]")
    browser.wait(lambda: str(browser.run("return window.copied")).startswith("GET /webhooks/"))


def test_a_button_says_copied_only_for_a_moment(browser: Browser, recordings: Recordings, url: str) -> None:
    visit(browser, f"{url}/receipts/{recordings.receipt()}?numbers=1#raw")
    browser.run("navigator.clipboard.writeText = async () => {}")
    browser.run("window.planned = []; window.setTimeout = (act) => window.planned.push(act)")

    for _ in range(2):
        browser.click("#raw [data-copy]")
        browser.wait_for_text("#raw [data-copy]", "Copied")
    browser.run("for (const act of [...window.planned]) act()")

    assert browser.text("#raw [data-copy]") == "Copy"


def test_a_hidden_page_counts_what_arrives_in_its_title(
    browser: Browser, recordings: Recordings, url: str
) -> None:
    recordings.receipt("accepted", "0A1")
    visit(browser, url)
    title = browser.driver.title
    hide(browser, hidden=True)
    recordings.receipt("delivered", "0A1")
    recordings.event_log.publish(Probe("Vonage"))  # not a receipt
    recordings.receipt("delivered", "0A2")

    browser.wait(lambda: browser.driver.title == f"(2) {title}")
    assert browser.count("#list .message") == 1  # nothing is fetched for a page that nobody sees
    hide(browser, hidden=False)
    browser.wait(lambda: browser.count("#list .message") == 2)
    assert browser.driver.title == title
    browser.wait(lambda: browser.text("#live") == "Live")


def hide(browser: Browser, *, hidden: bool) -> None:
    browser.run(
        "Object.defineProperty(document, 'hidden', {value: arguments[0], configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))",
        hidden,
    )


def test_two_marked_receipts_are_compared(browser: Browser, recordings: Recordings, url: str) -> None:
    recordings.receipt("delivered", "0A00000000000001")
    recordings.receipt("failed", "0A00000000000002", "9")
    visit(browser, url)

    browser.press("j")
    browser.wait_for_text("#detail h1", "failed")
    browser.press("x")
    browser.press("j")
    browser.wait_for_text("#detail h1", "delivered")
    browser.press("x")
    browser.wait_for_text("#detail h1", "Two receipts compared")

    assert "changed" in browser.text(".diff")


def test_keys_may_be_faster_than_responses(
    browser: Browser, recordings: Recordings, url: str, upstream: RecordingServer
) -> None:
    for status in ("accepted", "delivered", "failed"):
        recordings.receipt(status, f"0A{status}")
    visit(browser, url)

    browser.rattle("jjjk")
    browser.wait_for_text("#detail h1", "delivered")
    browser.rattle("jr")
    browser.wait_for_text("#replays", "200 in")
    assert [request.target.count("status=accepted") for request in upstream.arrived] == [1]
    browser.rattle("xkx")
    browser.wait_for_text("#detail h1", "Two receipts compared")


def test_single_keys_can_be_turned_off(browser: Browser, recordings: Recordings, url: str) -> None:
    recordings.receipt()
    visit(browser, url)
    browser.click("#help-button")
    browser.click("#keys-on")
    browser.press("\ue00c")
    browser.run(
        "window.pressed = ''; document.addEventListener('keydown', (event) => window.pressed += event.key)"
    )
    browser.press("?")

    browser.wait(lambda: browser.run("return window.pressed") == "?")  # the page's own listener came first
    assert not browser.run("return document.querySelector('#help').open")

    browser.run("localStorage.clear()")
    browser.press("?")
    browser.wait(lambda: browser.run("return document.querySelector('#help').open"))


def test_keys_do_nothing_on_an_error_page(browser: Browser, url: str) -> None:
    browser.get(f"{url}/nowhere")
    assert browser.text("h1") == "No such page or recording."
    browser.complaints()  # about the status 404

    browser.rattle("/xjr")
    browser.click("#help-button")

    assert browser.run("return document.querySelector('#help').open")
    assert browser.complaints() == []


def test_the_tabs_are_tabs(browser: Browser, recordings: Recordings, url: str) -> None:
    key = recordings.receipt("failed", "0A1", "9")
    visit(browser, f"{url}/receipts/{key}#fields")
    assert "the number that the message was sent to" in browser.text("#fields")
    assert browser.text("#timeline") == ""

    for tab, words in (
        ("timeline", "this receipt"),
        ("raw", "Show it"),
        ("headers", "Nexmo/MessagingHUB"),
        ("answers", "This receipt was not forwarded"),
        ("replays", "Edit, then replay"),
    ):
        browser.click(f"[data-tab={tab}]")
        assert words in browser.text(f"#{tab}")
    browser.press("\ue012")  # arrow left
    assert focus(browser) == "tab-answers"


def test_the_button_sends_the_receipt_again(
    browser: Browser, recordings: Recordings, url: str, upstream: RecordingServer
) -> None:
    key = recordings.receipt("delivered", "0A00000000000001")
    visit(browser, f"{url}/receipts/{key}")

    browser.click("#replay button")
    browser.wait_for_text("#replays", "200 in")
    assert upstream.arrived[0].target.startswith("/dlr?msisdn=")

    browser.press("e")
    browser.run("document.querySelector('[name=\"field.status\"]').value = 'failed'")
    browser.click("#edit button")
    browser.wait_for_text("#replays", "edited, to")
    assert "status=failed" in upstream.arrived[1].target


def test_a_sample_is_made_on_the_page(browser: Browser, recordings: Recordings, url: str) -> None:
    key = recordings.receipt("failed", "0A0000001234567B", "9")
    visit(browser, f"{url}/receipts/{key}")

    browser.click(f"a[href$='{key}/keep']")
    browser.wait_for_text("#detail", "messageId")
    assert browser.count("#list a[aria-current]") == 1
    browser.click(".act button")
    browser.wait_for_text("#detail h1", "Kept")

    assert (recordings.store.samples / "failed-illegal-number.json").exists()


def test_the_page_reconnects_after_a_restart_of_the_server(browser: Browser, recordings: Recordings) -> None:
    with running_inspector(recordings) as url:
        visit(browser, url)
    browser.wait_for_text("#live", "Reconnecting")
    again = Recordings(recordings.store, now=recordings.now)
    again.receipt("failed", "0A00000000000001", "9")

    with running_inspector(again, port=int(url.rpartition(":")[2])):
        browser.wait_for_text("#live", "Live")
        browser.wait_for_text(FIRST, "Illegal Number")
        browser.get("about:blank")
    assert all("ERR_CONNECTION_REFUSED" in each for each in browser.complaints())


def test_a_page_that_lost_its_subscription_polls(browser: Browser, recordings: Recordings, url: str) -> None:
    visit(browser, url)
    with ExitStack() as stack:
        for _ in range(4):
            assert stack.enter_context(stream(url)).next()[0] == "hello"
        browser.wait_for_text("#live", "polling")
        recordings.receipt("delivered", "0A00000000000001")
        browser.wait_for_text(FIRST, "delivered")


def test_a_hostile_receipt_shows_as_text_and_runs_nothing(
    browser: Browser, recordings: Recordings, url: str
) -> None:
    visit(browser, url)
    hostile = {**HOSTILE, "client-ref": "<img src=x onerror=\"document.title='run'\">\u202egnp.exe"}
    key = recordings.fields(hostile, "json")
    browser.wait_for_text(FIRST, "<script>alert(1)</script>"[:20])

    for tab in ("timeline", "fields", "raw", "headers", "replays"):
        visit(browser, f"{url}/receipts/{key}?numbers=1#{tab}")
        assert browser.count("#detail script, #detail img, #list script, #list img") == 0
    visit(browser, f"{url}/receipts/{key}#fields")
    assert "onerror=\"document.title='run'\">\\u202egnp.exe" in browser.text("#fields")
    assert browser.driver.title != "run"


def test_it_is_readable_without_javascript(browser: Browser, recordings: Recordings, url: str) -> None:
    recordings.receipt("accepted", "0A00000000000001")
    recordings.receipt("failed", "0A00000000000001", "9")
    browser.command("Emulation.setScriptExecutionDisabled", value=True)

    browser.get(url)
    browser.wait_to_read("#live", "Reload to update")
    browser.click("#list .message a")
    for words in ("Timeline", "Fields", "Raw", "Headers", "Answers", "Replays", "The user opted out"):
        browser.wait_to_read("#detail", words)
    browser.click("#replay button")
    browser.wait_to_read("#replays", "200 in")
    browser.type("input[name=q]", "nothing like this\n")
    browser.wait_to_read("#list", "No recordings match")


def test_a_page_that_is_replaced_during_a_wait_is_read_again(browser: Browser, url: str) -> None:
    browser.get(url)
    read = [browser.driver.find_element("id", "list")]
    browser.get(url)

    def condition() -> str:
        element = read.pop() if read else browser.driver.find_element("id", "list")
        return str(element.text)

    browser.wait(condition)
    assert read == []


def test_nothing_is_too_wide_for_a_narrow_screen(browser: Browser, recordings: Recordings, url: str) -> None:
    key = recordings.receipt("failed", "0A" + "9" * 60, "9", client_ref="x" * 200)
    browser.resize(400, 800)
    for path in (
        "/",
        f"/receipts/{key}",
        f"/receipts/{key}?numbers=1#raw",
        f"/diff?a={key}&b={key}",
        f"/receipts/{key}#fields",
        f"/receipts/{key}/keep",
        "/trigger",
        "/send",
        "/session",
        "/trash",
    ):
        visit(browser, url + path)

        unfold(browser)
        assert too_wide(browser, 400) == [], path
        assert (browser.text("#list") != "") == (path == "/"), path


def test_dark_and_light_follow_the_system(browser: Browser, recordings: Recordings, url: str) -> None:
    visit(browser, url)
    colour = "return getComputedStyle(document.body).backgroundColor"
    light = browser.run(colour)
    browser.scheme("dark")

    assert browser.run(colour) != light


def test_the_focus_is_visible(browser: Browser, recordings: Recordings, url: str) -> None:
    recordings.receipt()
    visit(browser, url)
    seen = 0
    browser.press("\ue004")  # Tab
    while browser.run("return document.activeElement !== document.body"):
        style = browser.run(
            "const s = getComputedStyle(document.activeElement); return [s.outlineStyle, s.outlineWidth]"
        )
        assert style == ["solid", "2px"], focus(browser)
        seen += 1
        browser.press("\ue004")
    assert seen >= 9


def test_an_accessibility_checker_finds_no_barrier(
    browser: Browser, recordings: Recordings, url: str
) -> None:
    visit(browser, url)
    assert barriers(browser) == []
    recordings.event_log.publish(Probe("Vonage"))
    for status, code in (
        ("accepted", "0"),
        ("delivered", "0"),
        ("failed", "9"),
        ("unknown", "1"),
        ("teleported", "x"),
    ):
        recordings.receipt(status, f"0A{status}", code, sig="0")
    key = recordings.receipt("buffered", "0Afailed", client_ref="\u202e")

    for path in (
        "/?kind=probe",
        f"/receipts/{key}?numbers=1",
        f"/receipts/{key}/keep",
        f"/diff?a={key}&b={key}",
        "/trigger",
        "/send",
        "/session",
        "/trash",
    ):
        visit(browser, url + path)
        unfold(browser)
        assert barriers(browser) == [], path
    browser.run("document.querySelector('#help').showModal()")
    assert barriers(browser) == []
    browser.scheme("dark")
    visit(browser, f"{url}/receipts/{key}?numbers=1")
    unfold(browser)
    assert barriers(browser, rules=["color-contrast"]) == []


def test_a_report_opens_from_a_file_and_loads_nothing(
    browser: Browser, recordings: Recordings, tmp_path: Path
) -> None:
    keys = [recordings.receipt("accepted"), recordings.receipt("failed", err_code="9")]
    keys += [
        recordings.receipt(status, f"0A{status}", client_ref="\u202e")
        for status in ("delivered", "teleported")
    ]
    paths = [recordings.store.recorded / key for key in keys]
    logged = LoggedResponse(keys[1], recordings.now, "http://127.0.0.1:5000", 500, 3.0, body="no such table")
    made = make_report(paths, None, {keys[1]: [logged]}, {}, recordings.now, secret="", method="md5hash")
    (tmp_path / "report.html").write_bytes(made.html)

    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        browser.get((tmp_path / "report.html").as_uri())
        unfold(browser)
        assert barriers(browser) == [], scheme
    assert browser.run("return performance.getEntriesByType('resource').length") == 0
    assert "Illegal Number" in browser.text(".failures")
    browser.click(".failures a")
    assert browser.run("return location.hash") == "#m1"
    for width in (1920, 400):
        browser.resize(width, 800)
        assert browser.run("return document.documentElement.scrollWidth") == width
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    browser.get((tmp_path / "report.html").as_uri())
    assert "→ 500 in 3 ms" in browser.read("#m1")
