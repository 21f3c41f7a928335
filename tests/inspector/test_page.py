"""The pages and the API, without a browser: what they say, what they do, and what they keep to themselves."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache

from devkit.events.session import Forwarded, Probe, Refused, Sent
from devkit.fixture.format import load
from devkit.fixture.store import Store
from devkit.http.address import parse_address
from devkit.inspector.app import create_inspector
from devkit.inspector.detail import wire_hex
from devkit.webhook.callback import CALLBACK_PATH, Callback, compose
from devkit.webhook.receipt import Receipt
from devkit.webhook.signature import sign
from tests.support.inspector_server import HOSTILE, Desk, taken
from tests.support.raw_socket import closed_port
from tests.support.upstream import Upstream, local_server

NUMBER = "447700900123"
MASKED = "*********123"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(Store(tmp_path / "fixtures"))


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with local_server() as server:
        yield server


class Compiled(BytecodeCache):
    """Templates, compiled once for all tests."""

    def __init__(self) -> None:
        self.known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.known:
            bucket.bytecode_from_string(self.known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.known[bucket.key] = bucket.bytecode_to_string()


COMPILED = Compiled()


def client(desk: Desk, **options: object) -> FlaskClient:
    app = create_inspector(desk.store, desk.event_log, desk.options(**options))
    app.jinja_env.bytecode_cache = COMPILED
    return app.test_client()


def page(desk: Desk, path: str, **options: object) -> str:
    answer = client(desk, **options).get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


def words(html: str) -> str:
    """What a reader sees of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


# ---- The list


def test_an_empty_inspector_says_what_to_do_next(desk: Desk) -> None:
    text = words(page(desk, "/"))

    assert "Nothing has been recorded yet" in text
    assert "devkit trigger delivered" in text
    assert "Empty until the first receipt arrives" in text


def test_a_message_shows_its_state_in_one_look(desk: Desk) -> None:
    desk.event_log.publish(Sent(("0A1", "0A2"), NUMBER))
    desk.receipt("accepted", "0A1", msisdn=NUMBER)
    desk.receipt("failed", "0A1", "9", msisdn=NUMBER, transport="json", seconds=2.5)

    html = client(desk).post("/list").get_data(as_text=True)

    for expected in (
        "failed",
        "Illegal Number",
        MASKED,
        "23410",
        "0A1",
        "+2.5 s",
        "part 1/2",
        "json",
        "2\N{MULTIPLICATION SIGN}",
        "now",
    ):
        assert expected in words(html)
    assert 'aria-label="accepted, final"' in html


def test_numbers_are_masked_until_they_are_asked_for(desk: Desk) -> None:
    key = desk.receipt(msisdn=NUMBER)
    for path in ("/", f"/receipts/{key}", f"/api/receipts/{key}", "/api/receipts", f"/receipts/{key}/keep"):
        assert NUMBER not in page(desk, path)

    assert NUMBER in page(desk, "/?numbers=1")
    assert NUMBER in page(desk, f"/receipts/{key}?numbers=1")
    assert NUMBER in page(desk, f"/api/receipts/{key}?numbers=1")


def test_no_address_on_a_page_holds_a_number(desk: Desk) -> None:
    key = desk.receipt(msisdn=NUMBER, client_ref=NUMBER)

    for path in ("/?numbers=1", f"/receipts/{key}?numbers=1"):
        shown = page(desk, path)
        assert NUMBER in shown
        assert not re.search(rf'(href|action|src)="[^"]*{NUMBER}', shown)


def test_words_to_search_for_are_taken_from_a_form_and_not_from_an_address(desk: Desk) -> None:
    desk.receipt("delivered", "0A1", client_ref="alpha")
    desk.receipt("failed", "0A2", "9", client_ref="omega")

    searched = client(desk).post("/", data={"q": "alpha"}).get_data(as_text=True)

    assert ("0A1" in words(searched), "0A2" in words(searched)) == (True, False)
    assert "0A2" in words(page(desk, "/?q=alpha"))


def test_filters_may_stand_in_an_address(desk: Desk) -> None:
    desk.receipt("delivered", "0A1")
    desk.receipt("failed", "0A2", "9")

    assert "0A1" not in words(page(desk, "/?status=failed"))
    assert "No recorded receipts match" in words(page(desk, "/?status=expired"))


def test_what_is_not_recorded_is_shown_from_the_session(desk: Desk) -> None:
    desk.event_log.publish(Probe("Nexmo/MessagingHUB"))
    desk.event_log.publish(Refused(404, "not the callback path", 3))
    desk.event_log.publish(
        taken(None, Receipt({"status": "delivered", "messageId": "0A9"}), status="delivered")
    )

    assert "Nexmo/MessagingHUB" in words(page(desk, "/?kind=probe"))
    assert "404 not the callback path" in words(page(desk, "/?kind=refused"))
    assert "0A9" in words(page(desk, "/?kind=replay"))


def test_older_messages_are_a_page_away(desk: Desk) -> None:
    for number in range(52):
        desk.receipt("delivered", f"MESSAGE{number}")
    web = client(desk)

    first = web.post("/list").get_data(as_text=True)
    match = re.search(r'name="before" value="([^"]+)"', first)
    assert match
    second = web.post("/list", data={"before": match[1]}).get_data(as_text=True)

    assert (first.count("data-message="), second.count("data-message=")) == (50, 2)
    assert 'name="before"' not in second


def test_the_overview_counts_each_message_once_until_its_first_final_receipt(desk: Desk) -> None:
    desk.event_log.publish(Sent(("0A3",), NUMBER))
    desk.receipt("accepted", "0A1")
    desk.receipt("delivered", "0A1", seconds=2)
    desk.receipt("delivered", "0A1", seconds=60)
    desk.receipt("delivered", "0A2")  # came alone, so it tells no delay
    desk.receipt("delivered", "0A3", seconds=5, network_code="26201")  # its send is known

    text = words(page(desk, "/overview"))

    assert "23410 1 message · median 2.0 s · slowest 2.0 s" in text
    assert "26201 1 message · median 1 min 09 s" in text
    assert "delivered 4 accepted 1" in text


# ---- One receipt


def test_a_receipt_is_explained(desk: Desk) -> None:
    desk.receipt("accepted", "0A1", msisdn=NUMBER)
    key = desk.receipt("failed", "0A1", "9", msisdn=NUMBER)

    text = words(page(desk, f"/receipts/{key}"))

    for expected in (
        "Illegal Number err-code 9",
        "The user opted out of this service",
        "the number that the message was sent to (not the sender, whatever the name suggests)",
        "msisdn is the recipient and to the sender",
        "Vonage signs receipts only after its support has enabled that",
        "Final after 1.0 s",
        "User-Agent Nexmo/MessagingHUB/v1.0",
    ):
        assert expected in text


def test_the_timeline_marks_duplicates_wrong_order_and_the_coming_expiry(desk: Desk) -> None:
    desk.receipt("delivered", "0A1", scts="1")
    duplicate = desk.receipt("delivered", "0A1", scts="1")
    desk.receipt("accepted", "0A1")
    waiting = desk.receipt("accepted", "0A2")

    text = words(page(desk, f"/receipts/{duplicate}"))
    assert "duplicate of number 1" in text
    assert "wrong order" in text
    assert "Vonage gives up in 72 h, 72 hours after the first receipt" in words(
        page(desk, f"/receipts/{waiting}")
    )


def test_receipts_of_messages_with_names_alike_are_told_apart(desk: Desk) -> None:
    desk.receipt("accepted", "A-B")
    key = desk.receipt("delivered", "A_B")

    text = words(page(desk, f"/receipts/{key}"))

    assert "the first" in text
    assert "Final after" not in text


def test_the_bytes_are_shown_on_demand_as_text_and_as_hex(desk: Desk) -> None:
    key = desk.callback(compose({"status": "delivered", "msisdn": NUMBER}, "json"))

    assert "68 6f 73 74" not in page(desk, f"/receipts/{key}")
    shown = page(desk, f"/receipts/{key}?numbers=1")
    assert "POST /webhooks/delivery-receipt HTTP/1.1" in shown
    assert "000000  50 4f 53 54 20 2f 77 65  62 68 6f 6f 6b 73 2f 64  POST /webhooks/d" in shown


def test_a_hex_dump_has_every_byte() -> None:
    callback = Callback("GET", "/", (), bytes(range(256)))
    digits = "".join(line[8:57].replace(" ", "") for line in wire_hex(callback).splitlines())

    assert bytes.fromhex(digits).endswith(bytes(range(256)))


def test_an_unreadable_callback_has_a_page_too(desk: Desk) -> None:
    key = desk.callback(Callback("POST", "/webhooks/delivery-receipt", (), b"[1]"))

    assert "The body is a JSON array" in words(page(desk, f"/receipts/{key}"))


def test_what_is_not_there_is_said_so(desk: Desk) -> None:
    key = desk.receipt()
    (desk.store.recorded / key).unlink()
    answer = client(desk).get(f"/receipts/{key}")

    assert answer.status_code == 404
    assert "No such page or recording" in words(answer.get_data(as_text=True))


@pytest.mark.parametrize("ending", ["", "/as/curl", "/keep"])
def test_a_recording_has_one_address_only_and_none_when_it_has_gone(desk: Desk, ending: str) -> None:
    key = desk.receipt()
    web = client(desk)
    assert web.get(f"/receipts/{key}{ending}").status_code == 200

    assert web.get(f"/receipts/../recorded/{key}{ending}").status_code == 404
    assert web.get(f"/receipts/2026-11-22/../{key}{ending}").status_code == 404
    (desk.store.recorded / key).unlink()
    assert web.get(f"/receipts/{key}{ending}").status_code == 404


def test_a_damaged_file_is_said_so(desk: Desk) -> None:
    key = desk.receipt()
    (desk.store.recorded / key).write_bytes(b"{}")
    answer = client(desk).get(f"/receipts/{key}")

    assert answer.status_code == 400
    assert "not a receipt fixture" in words(answer.get_data(as_text=True))


@pytest.mark.parametrize(
    ("form", "begins"),
    [("curl", "curl "), ("httpie", "http "), ("pytest", "from pathlib"), ("http", "GET /web"), ("har", "{")],
)
def test_a_receipt_can_be_copied(desk: Desk, form: str, begins: str) -> None:
    key = desk.receipt(msisdn=NUMBER)
    answer = client(desk, forward_to=parse_address("127.0.0.1:5000/dlr")).get(f"/receipts/{key}/as/{form}")

    assert answer.mimetype == "text/plain"
    assert answer.get_data(as_text=True).startswith(begins)
    assert (NUMBER in answer.get_data(as_text=True)) == (form != "pytest")  # which names the file instead


def test_an_unknown_form_is_refused(desk: Desk) -> None:
    assert client(desk).get(f"/receipts/{desk.receipt()}/as/poem").status_code == 400


def test_two_receipts_are_compared(desk: Desk) -> None:
    first = desk.receipt("accepted", "0A1", msisdn=NUMBER, client_ref="one")
    second = desk.receipt("failed", "0A1", "9", msisdn="447700900456", transport="form")

    html = page(desk, f"/diff?a={first}&b={second}")

    text = words(html)
    assert "status changed accepted failed" in text
    assert "client-ref only left one \N{EN DASH}" in text
    assert "messageId 0A1 0A1" in text
    assert f"msisdn changed {MASKED} *********456" in text
    assert "method changed GET POST" in text


def test_two_numbers_that_look_alike_when_masked_are_told_apart(desk: Desk) -> None:
    first, second = desk.receipt(msisdn="447700900123"), desk.receipt(msisdn="999700900123")

    assert "(another one)" in words(page(desk, f"/diff?a={first}&b={second}"))


@pytest.fixture
def told(desk: Desk) -> list[str]:
    """Two recordings through a proxy that says the request target in a header."""
    keys = []
    for number in (NUMBER, "999700900123"):
        callback = compose({"msisdn": number, "status": "delivered"}, "get", target=f"{CALLBACK_PATH}/s3cr3t")
        headers = (*callback.headers, ("X-Original-URI", callback.target))
        keys.append(desk.callback(replace(callback, headers=headers)))
    return keys


def test_headers_are_shown_without_the_secret_and_the_number(desk: Desk, told: list[str]) -> None:
    html = words(page(desk, f"/receipts/{told[0]}"))

    assert f"X-Original-URI {CALLBACK_PATH}?msisdn={MASKED}&status=delivered" in html
    assert "s3cr3t" not in html
    assert f"{CALLBACK_PATH}?msisdn={NUMBER}&" in words(page(desk, f"/receipts/{told[0]}?numbers=1"))


def test_compared_headers_are_shown_without_the_secret_and_the_numbers(desk: Desk, told: list[str]) -> None:
    path = f"/diff?a={told[0]}&b={told[1]}"
    html, whole = words(page(desk, path)), words(page(desk, f"{path}&numbers=1"))

    masked = f"{CALLBACK_PATH}?msisdn={MASKED}&status=delivered"
    assert f"X-Original-Uri changed {masked} {masked} (another one)" in html
    assert f"{CALLBACK_PATH}?msisdn=999700900123&" in whole
    assert "s3cr3t" not in html + whole


def test_what_the_application_answered_is_shown(desk: Desk) -> None:
    key, other, again = desk.receipt(), desk.receipt(), desk.receipt()
    desk.event_log.publish(Forwarded(str(desk.store.recorded / key), "0A1", 500, 12.5, ""))
    desk.event_log.publish(
        Forwarded(str(desk.store.recorded / other), "0A1", None, None, "Nobody answers at 127.0.0.1")
    )
    desk.event_log.publish(Forwarded(str(desk.store.recorded / again), "0A1", 200, 1.5, "", sent_again=True))

    assert "500 in 12.5 ms" in words(page(desk, f"/receipts/{key}"))
    assert "sent again" not in words(page(desk, f"/receipts/{key}"))
    assert "200 in 1.5 ms, sent again on a new connection" in words(page(desk, f"/receipts/{again}"))
    assert "no answer Nobody answers" in words(page(desk, f"/receipts/{other}"))


# ---- Replay


def test_a_replay_sends_the_recorded_request_again(desk: Desk, upstream: Upstream) -> None:
    key = desk.receipt(msisdn=NUMBER)
    web = client(desk, forward_to=parse_address(f"{upstream.url}/dlr"))

    answer = web.post(f"/receipts/{key}/replay")

    assert (answer.status_code, answer.headers["Location"]) == (303, f"/receipts/{key}#replays")
    ((line, headers, body),) = upstream.arrived
    query = load(desk.store.recorded / key).callback.query
    assert (line, body) == (f"GET /dlr?{query}", b"")
    assert ("X-Devkit-Replay", "1") in headers
    assert "ok 200 in" in words(page(desk, f"/receipts/{key}"))


def test_an_edited_replay_changes_what_was_edited_and_nothing_else(desk: Desk, upstream: Upstream) -> None:
    key = desk.receipt("accepted", "0A1", msisdn=NUMBER)
    form = {
        "to": f"{upstream.url}/other",
        "field.status": "delivered",
        "field.messageId": "0A1",
        "field.msisdn": "",  # not shown, so it stays
        "unset": "price",
        "new-name": "extra",
        "new-value": "1",
    }

    client(desk).post(f"/receipts/{key}/replay", data=form)

    query = load(desk.store.recorded / key).callback.query
    edited = (
        query.replace("status=accepted", "status=delivered").replace("&price=0.03330000", "") + "&extra=1"
    )
    assert upstream.arrived[0][0] == f"GET /other?{edited}"
    (done,) = desk.event_log.kept("replayed")
    assert done.event.as_json()["edited"] is True


def test_a_replay_can_be_made_fresh_signed_and_of_another_transport(desk: Desk, upstream: Upstream) -> None:
    key = desk.receipt("delivered", "0A1")
    form = {"to": upstream.url, "as": "POST-JSON", "now": "1", "resign": "1"}

    client(desk, secret="a secret", method="sha256").post(f"/receipts/{key}/replay", data=form)

    fields = json.loads(upstream.arrived[0][2])
    assert fields["message-timestamp"] == "2026-11-23 13:45:01"
    assert fields["sig"] == sign(fields, "a secret", "sha256").upper()


@pytest.mark.parametrize("to", ["http://192.0.2.1/", "ftp://127.0.0.1/", "http://u:p@127.0.0.1/"])
def test_a_replay_goes_to_this_machine_only(desk: Desk, to: str) -> None:
    key = desk.receipt()
    answer = client(desk).post(f"/receipts/{key}/replay", data={"to": to})

    assert 'role="alert"' in answer.get_data(as_text=True)
    assert desk.event_log.kept("replayed") == []


def test_a_replay_that_nobody_answers_is_shown_with_advice(desk: Desk) -> None:
    key = desk.receipt()
    url = f"http://127.0.0.1:{closed_port()}"
    html = (
        client(desk)
        .post(f"/receipts/{key}/replay", data={"to": url}, headers={"X-Fragment": "1"})
        .get_data(as_text=True)
    )

    assert "unreachable" in words(html)
    assert "Start your application" in words(html)
    assert 'data-tab="replays"' in html


def test_devkits_own_receiver_is_not_told_of_the_way_a_recording_came(desk: Desk, upstream: Upstream) -> None:
    recorded = compose({"status": "delivered"}, "get")
    forwarded = Callback("GET", recorded.target, (*recorded.headers, ("X-Forwarded-For", "192.0.2.1")))
    key = desk.callback(forwarded)

    client(desk, receiver_url=upstream.url).post(f"/receipts/{key}/replay")

    assert "X-Forwarded-For" not in dict(upstream.arrived[0][1])


# ---- Keep


def test_what_will_be_redacted_is_shown_before_anything_is_written(desk: Desk) -> None:
    key = desk.receipt("failed", "0A0000001234567B", "9", msisdn="999456789012")

    text = words(page(desk, f"/receipts/{key}/keep"))

    assert "messageId a value of the same form" in text
    assert "msisdn a number that is assigned to nobody" in text
    assert "999456789012" not in text
    assert not desk.store.samples.exists()


def test_a_sample_is_written_under_its_name(desk: Desk) -> None:
    key = desk.receipt("failed", "0A0000001234567B", "9")

    html = client(desk).post(f"/receipts/{key}/keep", data={"name": "opted-out"}).get_data(as_text=True)

    sample = load(desk.store.samples / "opted-out.json")
    reading = sample.read()
    assert isinstance(reading, Receipt)
    assert reading.message_id != "0A0000001234567B"
    assert "opted-out.json" in words(html)


def test_a_name_that_is_taken_is_refused_and_nothing_overwritten(desk: Desk) -> None:
    key = desk.receipt()
    web = client(desk)
    web.post(f"/receipts/{key}/keep", data={"name": "taken"})
    before = (desk.store.samples / "taken.json").read_bytes()

    again = web.post(f"/receipts/{desk.receipt('failed')}/keep", data={"name": "taken"}).get_data(
        as_text=True
    )

    assert "already exists" in words(again)
    assert (desk.store.samples / "taken.json").read_bytes() == before


def test_a_name_cannot_leave_the_directory_of_samples(desk: Desk) -> None:
    web = client(desk)
    html = web.post(f"/receipts/{desk.receipt()}/keep", data={"name": "../../x"}).get_data(as_text=True)

    assert 'role="alert"' in html


def test_without_a_place_for_samples_it_is_said_so(desk: Desk) -> None:
    answer = client(desk, samples=None).get(f"/receipts/{desk.receipt()}/keep")

    assert answer.status_code == 400
    assert "devkit keep" in words(answer.get_data(as_text=True))


# ---- The API


def test_the_api_lists_receipts_and_messages(desk: Desk) -> None:
    desk.receipt("accepted", "0A1")
    key = desk.receipt("failed", "0A1", "9", msisdn=NUMBER)
    web = client(desk)

    receipts = web.get("/api/receipts?limit=1").json
    messages = web.get("/api/messages?status=failed").json

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
    }
    assert web.get(f"/api/receipts?before={receipts['next']}").json["receipts"][0]["status"] == "accepted"
    assert [(each["status"], each["receipts"]) for each in messages["messages"]] == [("failed", 2)]


def test_the_api_searches_with_a_body_only(desk: Desk) -> None:
    desk.receipt(client_ref="needle")
    desk.receipt(message="0A2")
    web = client(desk)

    refused = web.get("/api/receipts?q=needle")
    found = web.post("/api/receipts", json={"q": "needle"})

    assert refused.status_code == 400
    assert "phone number" in refused.json["error"]
    assert len(found.json["receipts"]) == 1


def test_the_api_tells_one_receipt_with_its_timeline(desk: Desk) -> None:
    desk.receipt("accepted", "0A1")
    key = desk.receipt("failed", "0A1", "9")

    one = client(desk).get(f"/api/receipts/{key}").json

    assert one["fields"]["err-code"] == "9"
    assert [(step["status"], step["since_first"]) for step in one["timeline"]] == [
        ("accepted", 0),
        ("failed", 1),
    ]


def test_the_api_replays(desk: Desk, upstream: Upstream) -> None:
    key = desk.receipt("accepted", "0A1")
    order = {"to": f"{upstream.url}/dlr", "set": {"status": "delivered"}, "unset": ["price"]}

    answer = client(desk).post(f"/api/receipts/{key}/replay", json=order).json

    assert (answer["outcome"], answer["answer"], answer["edited"]) == ("ok", 200, True)
    assert "status=delivered" in upstream.arrived[0][0]
    assert "price" not in upstream.arrived[0][0]


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
def test_an_order_that_makes_no_sense_is_refused(desk: Desk, order: object, said: str) -> None:
    key = desk.receipt()
    answer = client(desk).post(f"/api/receipts/{key}/replay", json=order)

    assert answer.status_code == 400
    assert said in answer.json["error"]


@pytest.mark.parametrize(
    "path",
    [
        *("receipts?limit=0", "receipts?limit=501", "receipts?limit=x", "receipts?limit=-1"),
        *("receipts?limit=", "receipts?limit=\u0661", "messages?kind=x", "receipts?within=soon"),
        *(f"{what}?limit={'9' * 5000}" for what in ("receipts", "messages")),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(desk: Desk, path: str) -> None:
    answer = client(desk).get(f"/api/{path}")

    assert (answer.status_code, answer.mimetype) == (400, "application/json")


def test_the_api_says_in_json_that_there_is_no_such_receipt(desk: Desk) -> None:
    answer = client(desk).get("/api/receipts/2026-11-23/x.json")

    assert (answer.status_code, answer.json) == (404, {"error": "Not Found", "hint": ""})


# ---- Hostile text


@pytest.mark.parametrize("transport", ["get", "json"])
def test_hostile_text_is_text_everywhere(desk: Desk, transport: str) -> None:
    key = desk.fields(HOSTILE, "json" if transport == "json" else "get")
    other = desk.fields({**HOSTILE, "err-code": "x"}, "json")
    paths = [
        "/?numbers=1",
        f"/receipts/{key}?numbers=1",
        f"/receipts/{key}",
        f"/diff?a={key}&b={other}&numbers=1",
    ]

    for path in paths:
        html = page(desk, path)
        assert html.count("<script") == 1
        assert "<img src=x" not in html
        assert "{{7*7}}" in html
        assert "&times;" not in html
        for char in "\u202e\u2066\x00\x1b\u200b":
            assert char not in html
    assert '<span class="escape">\\u202e</span>gnp.exe' in page(desk, f"/receipts/{key}")
    assert client(desk).get(f"/api/receipts/{key}").status_code == 200


def test_hostile_headers_are_text(desk: Desk) -> None:
    headers = (
        ("User-Agent", "<b>\u00e2\u0080\u00ae\x07"),
        ("X-\x7f".replace("\x7f", "y"), "caf\u00c3\u00a9"),
    )
    key = desk.callback(Callback("GET", "/webhooks/delivery-receipt?status=delivered", headers))

    html = page(desk, f"/receipts/{key}")

    assert '&lt;b&gt;<span class="escape">\\u202e</span><span class="escape">\\x07</span>' in html
    assert "café" in html


@pytest.mark.parametrize(
    ("message_id", "shown"),
    [("38eef590-711f-4360-a23d-80c38291eb1d", "38eef590"), ("0A0000001234567B", "1234567B")],
)
def test_the_list_shows_a_uuid_by_its_beginning_and_an_older_id_by_its_end(
    desk: Desk, message_id: str, shown: str
) -> None:
    desk.receipt("delivered", message_id)

    page = client(desk).get("/").text
    assert f'title="message id {message_id}">{shown}</code>' in page


def test_receipts_of_a_uuid_are_one_message(desk: Desk) -> None:
    for status in ("accepted", "delivered"):
        desk.receipt(status, "38eef590-711f-4360-a23d-80c38291eb1d")

    (message,) = client(desk).get("/api/messages").get_json()["messages"]
    assert message["message_id"] == "38eef590-711f-4360-a23d-80c38291eb1d"


def test_zero_is_explained_where_it_is_no_delivery(desk: Desk) -> None:
    desk.receipt("expired", "A", "0")
    assert "No reason given" in client(desk).get("/").text


def test_zero_is_not_explained_where_all_is_well(desk: Desk) -> None:
    desk.receipt("accepted", "A", "0")
    text = client(desk).get("/").text
    assert "accepted" in text
    assert "no error" not in text.lower()
