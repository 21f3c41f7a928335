"""The pages and the API, without a browser: what they show, what they do, and what they hide."""

import json
import re
from dataclasses import replace
from html import unescape

import pytest

from devkit.events.session import Probe, Refused, Sent
from devkit.fixture.format import TRIGGERED, dumps, load
from devkit.fixture.response_log import ResponseLog
from devkit.http.address import parse_address
from devkit.inspector.detail import wire_hex
from devkit.webhook.callback import CALLBACK_PATH, Callback, compose
from devkit.webhook.receipt import Receipt
from devkit.webhook.signature import sign
from tests.support.inspector_client import client, page, words
from tests.support.inspector_server import HOSTILE, Recordings, taken
from tests.support.raw_socket import closed_port
from tests.support.recording_server import RecordingServer

NUMBER = "447700900123"
MASKED = "*********123"


# ---- The list


def test_an_empty_inspector_says_what_to_do_next(recordings: Recordings) -> None:
    text = words(page(client(recordings), "/"))

    assert "Nothing has been recorded yet" in text
    assert "devkit trigger delivered" in text
    assert "Empty until the first receipt arrives" in text


def test_a_message_shows_its_state(recordings: Recordings) -> None:
    recordings.event_log.publish(Sent(("0A1",), NUMBER))
    recordings.receipt("accepted", "0A1", msisdn=NUMBER)
    recordings.receipt("failed", "0A1", "9", msisdn=NUMBER, transport="json", seconds=2.5)

    html = client(recordings).post("/list").text

    for expected in (
        "failed",
        "Illegal Number",
        MASKED,
        "23410",
        "0A1",
        "+2.5 s",
        "json",
        "2\N{MULTIPLICATION SIGN}",
        "now",
    ):
        assert expected in words(html)
    assert 'aria-label="accepted, final"' in html


def test_numbers_are_masked_by_default(recordings: Recordings) -> None:
    key = recordings.receipt(msisdn=NUMBER)
    for path in ("/", f"/receipts/{key}", f"/api/receipts/{key}", "/api/receipts", f"/receipts/{key}/keep"):
        assert NUMBER not in page(client(recordings), path)

    assert NUMBER in page(client(recordings), "/?numbers=1")
    assert NUMBER in page(client(recordings), f"/receipts/{key}?numbers=1")
    assert NUMBER in page(client(recordings), f"/api/receipts/{key}?numbers=1")


def test_no_url_on_a_page_contains_a_number(recordings: Recordings) -> None:
    key = recordings.receipt(msisdn=NUMBER, client_ref=NUMBER)

    for path in ("/?numbers=1", f"/receipts/{key}?numbers=1"):
        shown = page(client(recordings), path)
        assert NUMBER in shown
        assert not re.search(rf'(href|action|src)="[^"]*{NUMBER}', shown)


def test_search_words_are_read_from_a_form_and_not_from_a_url(recordings: Recordings) -> None:
    recordings.receipt("delivered", "0A1", client_ref="alpha")
    recordings.receipt("failed", "0A2", "9", client_ref="omega")

    searched = client(recordings).post("/", data={"q": "alpha"}).text

    assert ("0A1" in words(searched), "0A2" in words(searched)) == (True, False)
    assert "0A2" in words(page(client(recordings), "/?q=alpha"))


def test_filters_may_be_in_a_url(recordings: Recordings) -> None:
    recordings.receipt("delivered", "0A1")
    recordings.receipt("failed", "0A2", "9")

    assert "0A1" not in words(page(client(recordings), "/?status=failed"))
    assert "No recordings match" in words(page(client(recordings), "/?status=expired"))


def test_what_is_not_recorded_is_shown_from_the_session(recordings: Recordings) -> None:
    recordings.event_log.publish(Probe("Nexmo/MessagingHUB"))
    recordings.event_log.publish(Refused(404, "not the callback path", 3))
    recordings.event_log.publish(
        taken(None, Receipt({"status": "delivered", "messageId": "0A9"}), status="delivered")
    )

    assert "Nexmo/MessagingHUB" in words(page(client(recordings), "/?kind=probe"))
    assert "404 not the callback path" in words(page(client(recordings), "/?kind=refused"))
    assert "0A9" in words(page(client(recordings), "/?kind=replay"))


def test_older_messages_are_on_the_next_page(recordings: Recordings) -> None:
    for number in range(52):
        recordings.receipt("delivered", f"MESSAGE{number}")
    web = client(recordings)

    first = web.post("/list").text
    match = re.search(r'name="before" value="([^"]+)"', first)
    assert match
    second = web.post("/list", data={"before": match[1]}).text

    assert (first.count("data-message="), second.count("data-message=")) == (50, 2)
    assert 'name="before"' not in second


def test_the_overview_counts_each_message_once_until_its_first_final_receipt(recordings: Recordings) -> None:
    recordings.event_log.publish(Sent(("0A3",), NUMBER))
    recordings.receipt("accepted", "0A1")
    recordings.receipt("delivered", "0A1", seconds=2)
    recordings.receipt("delivered", "0A1", seconds=60)
    recordings.receipt("delivered", "0A2")  # came alone, so it tells no delay
    recordings.receipt("delivered", "0A3", seconds=5, network_code="26201")  # its send is known

    text = words(page(client(recordings), "/overview"))

    assert "23410 1 message · median 2.0 s · slowest 2.0 s" in text
    assert "26201 1 message · median 1 min 09 s" in text
    assert "delivered 4 accepted 1" in text


# ---- One receipt


def test_a_receipt_is_explained(recordings: Recordings) -> None:
    recordings.receipt("accepted", "0A1", msisdn=NUMBER)
    key = recordings.receipt("failed", "0A1", "9", msisdn=NUMBER)

    text = words(page(client(recordings), f"/receipts/{key}"))

    for expected in (
        "Illegal Number err-code 9",
        "The user opted out of this service",
        "the number that the message was sent to (not the sender, whatever the name suggests)",
        "msisdn is the recipient and to the sender",
        "Vonage signs webhooks of the SMS API only after its support has enabled that",
        "Final after 1.0 s",
        "User-Agent Nexmo/MessagingHUB/v1.0",
    ):
        assert expected in text


def test_the_timeline_marks_duplicates_wrong_order_and_expiry(recordings: Recordings) -> None:
    recordings.receipt("delivered", "0A1", scts="1")
    duplicate = recordings.receipt("delivered", "0A1", scts="1")
    recordings.receipt("accepted", "0A1")
    waiting = recordings.receipt("accepted", "0A2")

    text = words(page(client(recordings), f"/receipts/{duplicate}"))
    assert "duplicate of number 1" in text
    assert "wrong order" in text
    assert "Vonage gives up in 72 h, 72 hours after the first receipt" in words(
        page(client(recordings), f"/receipts/{waiting}")
    )


def test_messages_with_equal_file_names_are_separate(recordings: Recordings) -> None:
    recordings.receipt("accepted", "A-B")
    key = recordings.receipt("delivered", "A_B")

    text = words(page(client(recordings), f"/receipts/{key}"))

    assert "the first" in text
    assert "Final after" not in text


def test_the_bytes_are_shown_on_demand_as_text_and_as_hex(recordings: Recordings) -> None:
    key = recordings.callback(compose({"status": "delivered", "msisdn": NUMBER}, "json"))

    assert "68 6f 73 74" not in page(client(recordings), f"/receipts/{key}")
    shown = page(client(recordings), f"/receipts/{key}?numbers=1")
    assert "POST /webhooks/delivery-receipt HTTP/1.1" in shown
    assert "000000  50 4f 53 54 20 2f 77 65  62 68 6f 6f 6b 73 2f 64  POST /webhooks/d" in shown


def test_a_hex_dump_has_every_byte() -> None:
    callback = Callback("GET", "/", (), bytes(range(256)))
    digits = "".join(line[8:57].replace(" ", "") for line in wire_hex(callback).splitlines())

    assert bytes.fromhex(digits).endswith(bytes(range(256)))


def test_an_unreadable_callback_has_a_page_too(recordings: Recordings) -> None:
    key = recordings.callback(Callback("POST", "/webhooks/delivery-receipt", (), b"[1]"))

    assert "The body is a JSON array" in words(page(client(recordings), f"/receipts/{key}"))


def test_a_deleted_recording_is_not_found(recordings: Recordings) -> None:
    key = recordings.receipt()
    (recordings.store.recorded / key).unlink()
    answer = client(recordings).get(f"/receipts/{key}")

    assert answer.status_code == 404
    assert "No such page or recording" in words(answer.text)


@pytest.mark.parametrize("ending", ["", "/as/curl", "/keep"])
def test_a_recording_has_one_url_and_none_after_deletion(recordings: Recordings, ending: str) -> None:
    key = recordings.receipt()
    web = client(recordings)
    assert web.get(f"/receipts/{key}{ending}").status_code == 200

    assert web.get(f"/receipts/../recorded/{key}{ending}").status_code == 404
    assert web.get(f"/receipts/2026-11-22/../{key}{ending}").status_code == 404
    (recordings.store.recorded / key).unlink()
    assert web.get(f"/receipts/{key}{ending}").status_code == 404


def test_a_damaged_file_is_reported(recordings: Recordings) -> None:
    key = recordings.receipt()
    (recordings.store.recorded / key).write_bytes(b"{}")
    answer = client(recordings).get(f"/receipts/{key}")

    assert answer.status_code == 400
    assert "not a fixture" in words(answer.text)


@pytest.mark.parametrize(
    ("form", "begins"),
    [("curl", "curl "), ("httpie", "http "), ("pytest", "from pathlib"), ("http", "GET /web"), ("har", "{")],
)
def test_a_receipt_can_be_copied(recordings: Recordings, form: str, begins: str) -> None:
    key = recordings.receipt(msisdn=NUMBER)
    answer = client(recordings, forward_to=parse_address("127.0.0.1:5000/dlr")).get(
        f"/receipts/{key}/as/{form}"
    )

    assert answer.mimetype == "text/plain"
    assert answer.text.startswith(begins)
    assert (NUMBER in answer.text) == (form != "pytest")  # which names the file instead


def test_an_unknown_form_is_refused(recordings: Recordings) -> None:
    assert client(recordings).get(f"/receipts/{recordings.receipt()}/as/poem").status_code == 400


def test_two_receipts_are_compared(recordings: Recordings) -> None:
    first = recordings.receipt("accepted", "0A1", msisdn=NUMBER, client_ref="one")
    second = recordings.receipt("failed", "0A1", "9", msisdn="447700900456", transport="form")

    html = page(client(recordings), f"/diff?a={first}&b={second}")

    text = words(html)
    assert "status changed accepted failed" in text
    assert "client-ref only left one \N{EN DASH}" in text
    assert "messageId 0A1 0A1" in text
    assert f"msisdn changed {MASKED} *********456" in text
    assert "method changed GET POST" in text


def test_two_numbers_with_equal_masks_are_marked_as_changed(recordings: Recordings) -> None:
    first, second = recordings.receipt(msisdn="447700900123"), recordings.receipt(msisdn="999700900123")

    assert "(another one)" in words(page(client(recordings), f"/diff?a={first}&b={second}"))


@pytest.fixture
def proxied(recordings: Recordings) -> list[str]:
    """Two recordings through a proxy that says the request target in a header."""
    keys = []
    for number in (NUMBER, "999700900123"):
        callback = compose({"msisdn": number, "status": "delivered"}, "get", target=f"{CALLBACK_PATH}/s3cr3t")
        headers = (*callback.headers, ("X-Original-URI", callback.target))
        keys.append(recordings.callback(replace(callback, headers=headers)))
    return keys


def test_headers_are_shown_without_the_secret_and_the_number(
    recordings: Recordings, proxied: list[str]
) -> None:
    html = words(page(client(recordings), f"/receipts/{proxied[0]}"))

    assert f"X-Original-URI {CALLBACK_PATH}?msisdn={MASKED}&status=delivered" in html
    assert "s3cr3t" not in html
    assert f"{CALLBACK_PATH}?msisdn={NUMBER}&" in words(
        page(client(recordings), f"/receipts/{proxied[0]}?numbers=1")
    )


def test_compared_headers_are_shown_without_the_secret_and_the_numbers(
    recordings: Recordings, proxied: list[str]
) -> None:
    path = f"/diff?a={proxied[0]}&b={proxied[1]}"
    html, whole = words(page(client(recordings), path)), words(page(client(recordings), f"{path}&numbers=1"))

    masked = f"{CALLBACK_PATH}?msisdn={MASKED}&status=delivered"
    assert f"X-Original-Uri changed {masked} {masked} (another one)" in html
    assert f"{CALLBACK_PATH}?msisdn=999700900123&" in whole
    assert "s3cr3t" not in html + whole


# ---- Replay


def test_a_replay_sends_the_recorded_request_again(recordings: Recordings, upstream: RecordingServer) -> None:
    key = recordings.receipt(msisdn=NUMBER)
    web = client(recordings, forward_to=parse_address(f"{upstream.url}/dlr"))

    answer = web.post(f"/receipts/{key}/replay")

    assert (answer.status_code, answer.headers["Location"]) == (303, f"/receipts/{key}#replays")
    (sent,) = upstream.arrived
    query = load(recordings.store.recorded / key).callback.query
    assert (sent.method, sent.target, sent.body) == ("GET", f"/dlr?{query}", b"")
    assert ("X-Devkit-Replay", "1") in sent.headers
    assert "ok 200 in" in words(page(client(recordings), f"/receipts/{key}"))


def test_an_edited_replay_changes_what_was_edited_and_nothing_else(
    recordings: Recordings, upstream: RecordingServer
) -> None:
    key = recordings.receipt("accepted", "0A1", msisdn=NUMBER)
    form = {
        "to": f"{upstream.url}/other",
        "field.status": "delivered",
        "field.messageId": "0A1",
        "field.msisdn": "",  # not shown, so it stays
        "unset": "price",
        "new-name": "extra",
        "new-value": "1",
    }

    client(recordings).post(f"/receipts/{key}/replay", data=form)

    query = load(recordings.store.recorded / key).callback.query
    edited = (
        query.replace("status=accepted", "status=delivered").replace("&price=0.03330000", "") + "&extra=1"
    )
    assert upstream.arrived[0].target == f"/other?{edited}"
    (done,) = recordings.event_log.kept("replayed")
    assert done.event.as_json()["edited"] is True


def test_a_replay_can_have_new_times_signature_and_transport(
    recordings: Recordings, upstream: RecordingServer
) -> None:
    key = recordings.receipt("delivered", "0A1")
    form = {"to": upstream.url, "as": "POST-JSON", "now": "1", "resign": "1"}

    client(recordings, secret="a secret", method="sha256").post(f"/receipts/{key}/replay", data=form)

    fields = json.loads(upstream.arrived[0].body)
    assert fields["message-timestamp"] == "2026-11-23 13:45:01"
    assert fields["sig"] == sign(fields, "a secret", "sha256").upper()


@pytest.mark.parametrize("to", ["http://192.0.2.1/", "ftp://127.0.0.1/", "http://u:p@127.0.0.1/"])
def test_a_replay_goes_to_this_machine_only(recordings: Recordings, to: str) -> None:
    key = recordings.receipt()
    answer = client(recordings).post(f"/receipts/{key}/replay", data={"to": to})

    assert 'role="alert"' in answer.text
    assert recordings.event_log.kept("replayed") == []


def test_a_replay_without_an_answer_is_shown_with_advice(recordings: Recordings) -> None:
    key = recordings.receipt()
    url = f"http://127.0.0.1:{closed_port()}"
    html = (
        client(recordings).post(f"/receipts/{key}/replay", data={"to": url}, headers={"X-Fragment": "1"}).text
    )

    assert "unreachable" in words(html)
    assert "Start your application" in words(html)
    assert 'data-tab="replays"' in html


def test_devkits_own_receiver_gets_no_forwarding_headers(
    recordings: Recordings, upstream: RecordingServer
) -> None:
    recorded = compose({"status": "delivered"}, "get")
    forwarded = Callback("GET", recorded.target, (*recorded.headers, ("X-Forwarded-For", "192.0.2.1")))
    key = recordings.callback(forwarded)

    client(recordings, receiver_url=upstream.url).post(f"/receipts/{key}/replay", data={"to": upstream.url})

    assert "X-Forwarded-For" not in dict(upstream.arrived[0].headers)


# ---- The API


def test_the_api_lists_receipts_and_messages(recordings: Recordings) -> None:
    recordings.receipt("accepted", "0A1")
    key = recordings.receipt("failed", "0A1", "9", msisdn=NUMBER)
    web = client(recordings)

    receipts = web.get("/api/receipts?limit=1").get_json()
    messages = web.get("/api/messages?status=failed").get_json()

    assert receipts["receipts"][0] == {
        "key": key,
        "recorded_at": "2026-11-23T13:45:02.000000Z",
        "message_id": "0A1",
        "status": "failed",
        "err_code": "9",
        "meaning": "Illegal Number",
        "msisdn": MASKED,
        "network": "23410",
        "transport": "get",
        "signature": "absent",
        "problem": "",
        "response": "",
        "sender": "AcmeInc",
        "client_ref": "",
        "triggered": False,
        "kind": "sms-receipt",
        "channel": "sms",
        "who": "",
        "message_type": "",
        "text": "",
        "part": 0,
        "parts": 0,
    }
    assert (
        web.get(f"/api/receipts?before={receipts['next']}").get_json()["receipts"][0]["status"] == "accepted"
    )
    assert [(each["status"], each["receipts"]) for each in messages["messages"]] == [("failed", 2)]


def test_the_api_searches_with_a_body_only(recordings: Recordings) -> None:
    recordings.receipt(client_ref="needle")
    recordings.receipt(message="0A2")
    web = client(recordings)

    refused = web.get("/api/receipts?q=needle")
    found = web.post("/api/receipts", json={"q": "needle"})

    assert refused.status_code == 400
    assert "phone number" in refused.get_json()["error"]
    assert len(found.get_json()["receipts"]) == 1


def test_the_api_returns_one_receipt_with_its_timeline(recordings: Recordings) -> None:
    recordings.receipt("accepted", "0A1")
    key = recordings.receipt("failed", "0A1", "9")

    one = client(recordings).get(f"/api/receipts/{key}").get_json()

    assert one["fields"]["err-code"] == "9"
    assert [(step["status"], step["since_first"]) for step in one["timeline"]] == [
        ("accepted", 0),
        ("failed", 1),
    ]


def test_the_api_replays(recordings: Recordings, upstream: RecordingServer) -> None:
    key = recordings.receipt("accepted", "0A1")
    order = {"to": f"{upstream.url}/dlr", "set": {"status": "delivered"}, "unset": ["price"]}

    answer = client(recordings).post(f"/api/receipts/{key}/replay", json=order).get_json()

    assert (answer["outcome"], answer["answer"], answer["edited"]) == ("ok", 200, True)
    assert "status=delivered" in upstream.arrived[0].target
    assert "price" not in upstream.arrived[0].target


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ([], "not a JSON object"),
        ({"set": []}, "is no object"),
        ({"as": "pigeon"}, "No transport"),
        ({"to": "http://192.0.2.1/"}, "not on this machine"),
        ({"resign": True}, "VONAGE_SIGNATURE_SECRET"),
    ],
)
def test_an_invalid_replay_request_is_refused(recordings: Recordings, order: object, said: str) -> None:
    key = recordings.receipt()
    answer = client(recordings).post(f"/api/receipts/{key}/replay", json=order)

    assert answer.status_code == 400
    assert said in answer.get_json()["error"]


@pytest.mark.parametrize(
    "path",
    [
        *("receipts?limit=0", "receipts?limit=501", "receipts?limit=x", "receipts?limit=-1"),
        *("receipts?limit=", "receipts?limit=\u0661", "messages?kind=x", "receipts?within=soon"),
        *(f"{what}?limit={'9' * 5000}" for what in ("receipts", "messages")),
    ],
)
def test_an_invalid_query_is_refused(recordings: Recordings, path: str) -> None:
    answer = client(recordings).get(f"/api/{path}")

    assert (answer.status_code, answer.mimetype) == (400, "application/json")


def test_the_api_says_in_json_that_there_is_no_such_receipt(recordings: Recordings) -> None:
    answer = client(recordings).get("/api/receipts/2026-11-23/x.json")

    assert (answer.status_code, answer.get_json()) == (404, {"error": "Not Found", "hint": ""})


# ---- Who and which message


def test_list_and_heading_name_sender_recipient_and_client_ref(recordings: Recordings) -> None:
    key = recordings.receipt(
        "failed", "0A1", "9", msisdn=NUMBER, to="447700900456", client_ref="order 447700900789"
    )

    for path in ("/", f"/receipts/{key}"):
        masked, whole = (
            words(page(client(recordings), path)),
            words(page(client(recordings), f"{path}?numbers=1")),
        )
        for shown in (MASKED, "*********456", "order *********789"):
            assert shown in masked
        for shown in (NUMBER, "447700900456", "order 447700900789"):
            assert shown not in masked
            assert shown in whole


def test_the_heading_shows_how_the_message_stands(recordings: Recordings) -> None:
    recordings.receipt("failed", "0A1", "9")
    late = recordings.receipt("buffered", "0A1")

    html = page(client(recordings), f"/receipts/{late}")

    (heading,) = re.findall(r"<h1>.*?</h1>", html, re.DOTALL)
    assert words(heading) == "failed Illegal Number err-code 9"
    assert "The user opted out" in words(html)
    assert "This receipt: buffered" in words(html)


def test_a_receipt_with_the_status_of_its_message_explains_itself(recordings: Recordings) -> None:
    first = recordings.receipt("failed", "0A1", "9")
    recordings.receipt("failed", "0A1", "2")

    (heading,) = re.findall(r"<h1>.*?</h1>", page(client(recordings), f"/receipts/{first}"), re.DOTALL)

    assert "Illegal Number" in heading


def test_what_can_be_copied_is_what_is_shown(recordings: Recordings) -> None:
    key = recordings.receipt("failed", "0A1", "9", msisdn=NUMBER)

    copied = re.findall(
        r'data-copy-text="([^"]*)" aria-label="Copy ([^"]*)"', page(client(recordings), f"/receipts/{key}")
    )
    whole = page(client(recordings), f"/receipts/{key}?numbers=1")

    assert ("0A1", "message id") in copied
    assert {name for value, name in copied if value == MASKED} == {"recipient", "msisdn"}
    assert f'data-copy-text="{NUMBER}" aria-label="Copy msisdn"' in whole
    assert f'href="/receipts/{key}/as/http" data-copy' in whole


def test_the_list_says_how_many_messages_are_shown(recordings: Recordings) -> None:
    def counted(path: str) -> str:
        found = re.search(r'<p class="count".*?</p>', page(client(recordings), path))
        return words(found[0]) if found else ""

    assert counted("/") == ""
    recordings.receipt("failed", "0A0", "9")
    assert counted("/") == "1 message"
    recordings.many(29)
    assert counted("/") == "30 messages"
    assert counted("/?status=failed") == "1 of 30 messages"
    recordings.many(60)  # 29 of them are receipts of the same messages
    assert counted("/") == "50 of 61 messages"
    assert counted("/?status=delivered") == "50+ of 61 messages"
    assert counted("/?status=expired") == "0 of 61 messages"


def test_legend_and_bars_lead_to_their_messages(recordings: Recordings) -> None:
    recordings.receipt("delivered", "0A1")
    recordings.receipt("failed", "0A2", "9", seconds=120)
    recordings.callback(Callback("POST", CALLBACK_PATH, (), b"[1]"), seconds=120)

    html = page(client(recordings), "/?numbers=1")

    links = [unescape(link) for link in re.findall(r'href="(/\?[^"]+)" data-filter', html)]
    bars = [link for link in links if "within=" in link]
    assert len(bars) == 3
    assert sorted(set(links) - set(bars)) == [
        "/?kind=unreadable&numbers=1",
        "/?status=delivered&numbers=1",
        "/?status=failed&numbers=1",
    ]
    for link in links:
        assert "1 of 3 messages" in words(page(client(recordings), link))
    assert "23 Nov 13:45:00 to 13:45:05" in words(page(client(recordings), bars[0]))


def test_the_parts_of_a_text_are_shown_as_one_message(recordings: Recordings) -> None:
    recordings.event_log.publish(Sent(("0A1", "0A2", "0A3"), MASKED))
    first = recordings.receipt("delivered", "0A1")
    failed = recordings.receipt("failed", "0A2", "9")

    html = page(client(recordings), f"/receipts/{first}")

    assert html.count('<li class="message"') == 1
    assert "1 message" in words(html)
    assert "1/3 parts" in words(html)
    (heading,) = re.findall(r"<h1>.*?</h1>", html, re.DOTALL)
    assert words(heading) == "failed Illegal Number err-code 9"
    assert "This receipt: delivered" in words(html)
    assert "Replay all 2" in words(html)
    (parts,) = re.findall(r'<ol class="parts".*?</ol>', html, re.DOTALL)
    assert words(parts) == "part 1 of 3 delivered part 2 of 3 failed part 3 of 3: no receipt yet"
    assert re.findall(r'href="([^"]*)"', parts) == [f"/receipts/{first}", f"/receipts/{failed}"]


def test_a_damaged_file_of_another_part_hides_only_its_reason(recordings: Recordings) -> None:
    recordings.event_log.publish(Sent(("0A1", "0A2"), MASKED))
    first = recordings.receipt("delivered", "0A1")
    failed = recordings.receipt("failed", "0A2", "9")
    (recordings.store.recorded / failed).write_bytes(b"{")

    html = page(client(recordings), f"/receipts/{first}")

    (heading,) = re.findall(r"<h1>.*?</h1>", html, re.DOTALL)
    assert words(heading) == "failed"
    assert "This receipt: delivered" in words(html)
    assert "Not all parts" not in words(html)


def test_a_text_with_a_part_without_a_receipt_is_sent(recordings: Recordings) -> None:
    recordings.event_log.publish(Sent(("0A1", "0A2"), MASKED))
    key = recordings.receipt("delivered", "0A1")

    html = page(client(recordings), f"/receipts/{key}")

    (heading,) = re.findall(r"<h1>.*?</h1>", html, re.DOTALL)
    assert words(heading) == "sent"
    assert "Not all parts have a receipt yet" in words(html)
    (message,) = client(recordings).get("/api/messages").get_json()["messages"]
    assert (message["status"], message["parts"]) == ("sent", ["delivered", ""])


def test_a_triggered_receipt_is_labelled(recordings: Recordings) -> None:
    label = 'title="made by devkit trigger">triggered'
    key = recordings.receipt("delivered", "0A1")
    assert label not in page(client(recordings), f"/receipts/{key}")
    path = recordings.store.recorded / key
    path.write_bytes(dumps(replace(load(path), tags=(TRIGGERED,))))

    assert page(client(recordings), f"/receipts/{key}").count(label) == 2  # in the list and in the heading


def test_a_replayed_receipt_is_labelled(recordings: Recordings, upstream: RecordingServer) -> None:
    from_page = recordings.receipt("delivered", "0A1")
    missed = recordings.receipt("delivered", "0A2")
    other = recordings.receipt("delivered", "0A3")
    client(recordings).post(f"/receipts/{from_page}/replay", data={"to": upstream.url})
    log = ResponseLog(recordings.private, upstream.url, recordings.clock, replay=True)
    log.add_failure(missed, "nothing listens")

    def labels(key: str) -> int:
        return page(client(recordings), f"/receipts/{key}").count(
            'title="sent again to the application">replayed'
        )

    assert (labels(from_page), labels(missed), labels(other)) == (3, 3, 2)  # two are in the list
    fragment = client(recordings).get(f"/receipts/{missed}", headers={"X-Fragment": "1"}).text
    assert 'title="sent again to the application">replayed' in fragment


@pytest.mark.parametrize("path", ["/nothing", "/receipts/nothing", "/receipts/2026-11-23/x.json"])
def test_a_page_that_does_not_exist_says_so_and_leads_back(recordings: Recordings, path: str) -> None:
    answer = client(recordings).get(path)

    assert answer.status_code == 404
    assert "404 No such page or recording." in words(answer.text)
    assert '<a class="button" href="/">All messages</a>' in answer.text
    assert "Reload to update" not in answer.text


# ---- Hostile text


@pytest.mark.parametrize("transport", ["get", "json"])
def test_hostile_text_is_text_everywhere(recordings: Recordings, transport: str) -> None:
    key = recordings.fields(HOSTILE, "json" if transport == "json" else "get")
    other = recordings.fields({**HOSTILE, "err-code": "x"}, "json")
    paths = [
        "/?numbers=1",
        f"/receipts/{key}?numbers=1",
        f"/receipts/{key}",
        f"/diff?a={key}&b={other}&numbers=1",
    ]

    for path in paths:
        html = page(client(recordings), path)
        assert html.count("<script") == 1
        assert "<img src=x" not in html
        assert "{{7*7}}" in html
        assert "&times;" not in html
        for char in "\u202e\u2066\x00\x1b\u200b":
            assert char not in html
    assert '<span class="escape">\\u202e</span>gnp.exe' in page(client(recordings), f"/receipts/{key}")
    assert client(recordings).get(f"/api/receipts/{key}").status_code == 200


def test_hostile_headers_are_text(recordings: Recordings) -> None:
    headers = (
        ("User-Agent", "<b>\u00e2\u0080\u00ae\x07"),
        ("X-\x7f".replace("\x7f", "y"), "caf\u00c3\u00a9"),
    )
    key = recordings.callback(Callback("GET", "/webhooks/delivery-receipt?status=delivered", headers))

    html = page(client(recordings), f"/receipts/{key}")

    assert '&lt;b&gt;<span class="escape">\\u202e</span><span class="escape">\\x07</span>' in html
    assert "café" in html


@pytest.mark.parametrize(
    ("message_id", "shown"),
    [("38eef590-711f-4360-a23d-80c38291eb1d", "38eef590"), ("0A0000001234567B", "1234567B")],
)
def test_the_list_shows_a_uuid_by_its_beginning_and_an_older_id_by_its_end(
    recordings: Recordings, message_id: str, shown: str
) -> None:
    recordings.receipt("delivered", message_id)

    page = client(recordings).get("/").text
    assert f'title="message id {message_id}">{shown}</code>' in page


def test_receipts_of_a_uuid_are_one_message(recordings: Recordings) -> None:
    for status in ("accepted", "delivered"):
        recordings.receipt(status, "38eef590-711f-4360-a23d-80c38291eb1d")

    (message,) = client(recordings).get("/api/messages").get_json()["messages"]
    assert message["message_id"] == "38eef590-711f-4360-a23d-80c38291eb1d"


def test_err_code_0_is_explained_where_it_is_no_delivery(recordings: Recordings) -> None:
    recordings.receipt("expired", "A", "0")
    assert "No reason given" in client(recordings).get("/").text


def test_err_code_0_is_not_explained_where_it_adds_nothing(recordings: Recordings) -> None:
    recordings.receipt("accepted", "A", "0")
    text = client(recordings).get("/").text
    assert "accepted" in text
    assert "no error" not in text.lower()
