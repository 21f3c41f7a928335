"""The page with every kind of webhook: list, filters, timeline, conversation, strangers, and what scripts get."""

import json
import re

import pytest
from flask.testing import FlaskClient

from devkit.events.relay import CaughtUp, RelayChanged
from devkit.fixture.format import load
from devkit.http.address import parse_address
from devkit.webhook.callback import Callback, compose
from devkit.webhook.jwt import verify_token
from devkit.webhook.new_webhook import make_inbound_fields, make_receipt_fields
from tests.support.inspector_client import client, page, words
from tests.support.inspector_server import HOSTILE, Recordings
from tests.support.recording_server import RecordingServer

SECRET = "devkit-signature-secret-of-32-bytes!"
UUID = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
OTHER = "bbbbbbbb-bbbb-4ccc-8ddd-0123456789ab"
VERIFY = {"request_id": OTHER, "type": "event", "channel": "sms", "status": "completed"}
TEXTS = ("One two ", "three four ", "five")


def listed(web: FlaskClient, path: str = "/", **form: str) -> list[str]:
    """What the list says about each message, newest first."""
    answer = web.post("/list", data=form) if form else web.get(path)
    found = re.findall(r'<li class="message".*?</li>', answer.text, re.DOTALL)
    return [words(each) for each in found]


@pytest.fixture
def every_kind(recordings: Recordings) -> dict[str, str]:
    """The key of one recording of each kind."""
    unreadable = Callback(
        "POST", "/webhooks/delivery-receipt", (("Content-Type", "application/json"),), b"[1]"
    )
    inbound = make_inbound_fields("STOP", message_uuid=UUID, timestamp=recordings.now)
    return {
        "sms-receipt": recordings.receipt("failed", "0A1", "9"),
        "sms-inbound": recordings.inbound("Call 447700900123", "0B1"),
        "messages-status": recordings.status("rejected", UUID.replace("a", "c"), "1240"),
        "messages-inbound": recordings.messages(inbound),
        "unknown": recordings.messages(VERIFY),
        "unreadable": recordings.callback(unreadable),
    }


# ---- The list


def test_each_kind_has_its_row(recordings: Recordings, every_kind: dict[str, str]) -> None:
    rows = listed(client(recordings))

    expected = [
        ("unreadable", "The body is a JSON array"),
        ("completed", "This is a webhook of Vonage's Verify API"),
        ("inbound", "STOP", "Messages"),
        ("rejected", "Illegal number", "Messages"),
        ("inbound", "Call *********123", "get"),
        ("failed", "Illegal Number", "get"),
    ]
    for row, parts in zip(rows, expected, strict=True):
        assert all(part in row for part in parts), row


@pytest.mark.parametrize(
    "kind", ["sms-receipt", "sms-inbound", "messages-status", "messages-inbound", "unknown", "unreadable"]
)
def test_a_kind_is_filtered_for_in_the_address_and_among_search_words(
    recordings: Recordings, every_kind: dict[str, str], kind: str
) -> None:
    web = client(recordings)

    in_address, in_words = listed(web, f"/?kind={kind}"), listed(web, q=f"kind:{kind}")

    assert len(in_address) == 1
    assert in_words == in_address
    assert web.get(f"/api/receipts?kind={kind}").get_json()["receipts"][0]["key"] == every_kind[kind]
    assert web.get(f"/api/receipts?kind={kind}").get_json()["receipts"][0]["kind"] == kind


def test_a_kept_address_with_the_older_name_of_a_kind_works(
    recordings: Recordings, every_kind: dict[str, str]
) -> None:
    assert listed(client(recordings), "/?kind=receipt") == listed(client(recordings), "/?kind=sms-receipt")
    assert client(recordings).get("/?kind=nonsense").status_code == 400


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("illegal number 1240", "rejected"),
        ("error.title=1240", "rejected"),
        ("text=stop", "inbound"),
        ("call", "inbound"),
    ],
)
def test_all_fields_of_every_kind_are_searched(
    recordings: Recordings, every_kind: dict[str, str], text: str, status: str
) -> None:
    (row,) = listed(client(recordings), q=text)

    assert row.startswith(status)


def test_the_parts_of_an_inbound_text_are_one_entry(recordings: Recordings) -> None:
    web = client(recordings)
    keys = recordings.parts(TEXTS, [3, 1])
    (row,) = listed(web)
    assert "One two […] five" in row
    assert "2/3 parts" in row

    keys += recordings.parts(TEXTS, [2])
    (row,) = listed(web)

    assert "One two three four five" in row
    assert "3/3 parts" in row
    messages = web.get("/api/messages").get_json()["messages"]
    assert [(each["receipts"], each["text"]["text"]) for each in messages] == [(3, "".join(TEXTS))]
    assert messages[0]["text"]["keys"] == keys
    assert "1 message" in words(page(web, "/"))
    assert web.get("/api/messages?kind=sms-inbound").get_json()["messages"][0]["text"]["missing"] == []


def test_deleted_parts_are_missing_again(recordings: Recordings) -> None:
    web = client(recordings)
    keys = recordings.parts(TEXTS, [1, 2, 3])
    assert "3/3 parts" in listed(web)[0]

    recordings.store.recorded.joinpath(keys[1]).unlink()

    assert "2/3 parts" in listed(web)[0]


def test_one_action_takes_all_parts(recordings: Recordings, upstream: RecordingServer) -> None:
    key = recordings.parts(TEXTS, [2, 1, 3])[0]
    web = client(recordings, forward_to=parse_address(f"{upstream.url}/dlr"))

    web.post("/selection/replay", data={"key": key})

    assert [re.search(r"concat-part=(\d)", each.target)[1] for each in upstream.arrived] == ["2", "1", "3"]  # type: ignore[index]


# ---- A status of the Messages API


def test_statuses_of_a_message_are_ranked_and_not_ordered_by_their_timestamps(recordings: Recordings) -> None:
    keys = [
        recordings.status(status, UUID, timestamp="2026-11-23T13:45:00Z")
        for status in ("delivered", "submitted", "delivered")
    ]
    web = client(recordings)

    text = words(page(web, f"/receipts/{keys[-1]}"))

    assert "delivered" in listed(web)[0]
    assert re.search(r"submitted wrong order .* delivered this status duplicate of number 1", text)
    assert "orders nothing: it is to the second" in text
    timeline = web.get(f"/api/receipts/{keys[0]}").get_json()["timeline"]
    assert [(each["status"], each["wrong_order"], each["duplicate"]) for each in timeline] == [
        ("delivered", False, False),
        ("submitted", True, False),
        ("delivered", False, True),
    ]


def test_an_error_has_its_title_advice_and_err_code(recordings: Recordings) -> None:
    web = client(recordings)
    key = recordings.status(
        "rejected", UUID, "1240", channel="whatsapp", destination={"network_code": "23410"}
    )

    text = words(page(web, f"/receipts/{key}"))

    assert "rejected Illegal number error 1240" in text
    assert "The user opted out with STOP: stop sending to the number." in text
    assert "The SMS API calls it err-code 9, Illegal Number" in text
    for fact in (
        "Channel whatsapp",
        "Network 23410",
        f"Message id {UUID}",
        "Sender AcmeInc",
        "Recipient *********000",
    ):
        assert fact in text
    assert "error.title" in text
    assert "status of the Messages API" in text
    assert web.get(f"/api/receipts/{key}").get_json()["corresponds_to"] == "err-code 9, Illegal Number"


def test_an_open_message_of_the_messages_api_has_no_made_up_end(recordings: Recordings) -> None:
    text = words(page(client(recordings), f"/receipts/{recordings.status('submitted', UUID)}"))

    assert "No document says when Vonage gives up" in text
    assert "72 hours" not in text


@pytest.mark.parametrize(
    ("signed_with", "verdict", "why"),
    [
        (SECRET, "token valid", "checked with VONAGE_SIGNATURE_SECRET"),
        ("another-secret-of-32-bytes-or-more!", "token invalid", "signed with the secret of another account"),
        ("", "token absent", "Authorization: Bearer"),
    ],
)
def test_the_verdict_on_a_token_has_its_reason(
    recordings: Recordings, signed_with: str, verdict: str, why: str
) -> None:
    web = client(recordings, secret=SECRET)
    key = recordings.status("delivered", UUID, secret=signed_with)

    html = page(web, f"/receipts/{key}")

    assert verdict in words(html)
    assert why in words(html)
    assert why in web.get(f"/api/receipts/{key}").get_json()["signature_detail"]
    assert ("The token says" in words(html)) == bool(signed_with)
    assert ("payload_hash" in words(html)) == bool(signed_with)
    assert bool(re.search(r"iat \d{10} \(2026-11-23 13:45:00 UTC\)", words(html))) == bool(signed_with)


# ---- Inbound messages


def test_inbound_messages_are_a_conversation_of_two_numbers(recordings: Recordings) -> None:
    web = client(recordings)
    recordings.inbound("Hello from 447700900123", "0B1")
    recordings.inbound("Somebody else", "0B2", sender="447700900002")
    recordings.inbound("Another number of mine", "0B3", recipient="447700900009")
    key = recordings.parts(TEXTS, [1, 3])[0]

    html = page(web, f"/receipts/{key}")
    conversation = words(html[html.index('class="conversation"') : html.index('id="fields"')])

    assert "Hello from *********123" in conversation
    assert "One two [part 2 of 3 is missing] five" in conversation
    assert "2 of 3 parts, as they arrived" in conversation
    assert "Somebody else" not in conversation
    assert "Another number" not in conversation
    assert "part 2 of 3: missing" in words(html)
    assert "447700900123" in page(web, f"/receipts/{key}?numbers=1")
    assert [each["text"] for each in web.get(f"/api/receipts/{key}").get_json()["conversation"]] == [
        "Hello from *********123",
        "One two five",
    ]


def test_a_message_without_text_is_named_by_its_type(recordings: Recordings) -> None:
    image = {"channel": "mms", "message_uuid": UUID, "to": "447700900000", "from": "447700900001"}
    key = recordings.messages(
        {**image, "message_type": "image", "image": {"url": "https://example.com/a.jpg"}}
    )
    web = client(recordings)

    assert "[image]" in listed(web)[0]
    assert "image message without a text" in words(page(web, f"/receipts/{key}"))
    assert "image.url" in words(page(web, f"/receipts/{key}"))


def test_a_long_conversation_shows_what_is_nearest(recordings: Recordings) -> None:
    keys = [recordings.inbound(f"message number {number:03}", f"0B{number:03}") for number in range(130)]
    web = client(recordings)

    newest, oldest = (words(page(web, f"/receipts/{keys[place]}")) for place in (-1, 0))

    assert "30 other messages of this person are not shown" in newest
    assert "number 129" in newest
    assert "number 000 " in oldest


def test_a_webhook_of_another_product_is_explained(recordings: Recordings) -> None:
    web = client(recordings)
    key = recordings.messages(VERIFY)

    text = words(page(web, f"/receipts/{key}"))

    assert "This is a webhook of Vonage's Verify API: it says nothing about an SMS of yours." in text
    assert f"Request id {OTHER}" in text
    assert "webhook of another kind" in text


# ---- Hostile text


@pytest.mark.parametrize("kind", ["status", "inbound", "unknown"])
def test_hostile_text_of_every_kind_is_neutralised(recordings: Recordings, kind: str) -> None:
    script = "<script>alert(1)</script>\u202e\x00"
    hostile: dict[str, object] = {
        "message_uuid": script,
        "to": {"type": script, "number": script},
        "from": script,
        "client_ref": script,
        "error": {"error": {"title": script, "detail": script, script: [script]}},
        "channel": script,
        **{name: value for name, value in HOSTILE.items() if name not in ("status", "messageId")},
    }
    extra: dict[str, dict[str, object]] = {
        "status": {"status": script},
        "inbound": {"text": script, "message_type": script},
        "unknown": {"request_id": script, "type": script, "status": script},
    }
    fields = hostile | extra[kind]
    if kind == "unknown":
        del fields["message_uuid"]
    key = recordings.messages(fields, "s" * 32)
    web = client(recordings, secret=SECRET)

    for path in ("/", f"/receipts/{key}", f"/receipts/{key}?numbers=1", f"/diff?a={key}&b={key}", "/trigger"):
        html = page(web, path)
        assert "<script>alert" not in html
        assert "\u202e" not in html
        assert "\x00" not in html
    assert r"\u202e" in words(page(web, "/"))
    assert web.get(f"/api/receipts/{key}").status_code == 200


# ---- Actions


def test_every_kind_is_replayed_and_exported_to_the_byte(
    recordings: Recordings, every_kind: dict[str, str], upstream: RecordingServer
) -> None:
    web = client(recordings, forward_to=parse_address(f"{upstream.url}/dlr"))

    for key in every_kind.values():
        assert web.post(f"/api/receipts/{key}/replay", json={}).get_json()["outcome"] == "ok"
        assert "curl" in web.get(f"/receipts/{key}/as/curl").text
    exported = web.post("/selection/export", data={"all": "1", "form": "json"}).get_json()

    recorded = [load(recordings.store.recorded / key).callback for key in every_kind.values()]
    assert [each.body for each in upstream.arrived] == [each.body for each in recorded]
    kinds = [each.get("kind", "") for each in exported["fixtures"]]
    assert kinds == ["", "sms-inbound", "messages-status", "messages-inbound", "unknown", ""]


def test_the_form_changes_fields_inside_objects_and_makes_the_token_anew(
    recordings: Recordings, upstream: RecordingServer
) -> None:
    key = recordings.status("rejected", UUID, "1240", secret="another-secret-of-32-bytes-or-more!")
    web = client(recordings, forward_to=parse_address(f"{upstream.url}/dlr"), secret=SECRET)
    assert 'name="field.error.title"' in page(web, f"/receipts/{key}")

    form = {"field.error.title": "1360", "resign": "1", "to": f"{upstream.url}/dlr"}
    web.post(f"/receipts/{key}/replay", data=form)

    (arrived,) = upstream.arrived
    assert json.loads(arrived.body)["error"]["title"] == "1360"
    assert verify_token(arrived.headers, arrived.body, SECRET, None).verdict == "valid"


@pytest.mark.parametrize(
    ("form", "kind", "expected"),
    [
        ({"status": "messages:rejected", "err-code": "1240"}, "messages-status", ("rejected", "1240")),
        ({"status": "messages:submitted"}, "messages-status", ("submitted", "")),
        ({"status": "inbound", "text": "STOP"}, "sms-inbound", ("inbound", "")),
        ({"status": "messages:inbound", "text": "STOP", "sign": "jwt"}, "messages-inbound", ("inbound", "")),
    ],
)
def test_every_kind_is_triggered(
    recordings: Recordings, receiver: str, form: dict[str, str], kind: str, expected: tuple[str, str]
) -> None:
    web = client(recordings, receiver_url=receiver, secret=SECRET)

    html = web.post("/trigger", data=form).text

    (row,) = web.get("/api/receipts").get_json()["receipts"]
    assert "Open it" in words(html)
    assert (row["kind"], row["triggered"]) == (kind, True)
    assert (row["status"], row["err_code"]) == expected
    assert row["text"] == form.get("text", "")
    assert row["signature"] == ("unchecked" if "sign" in form else "absent")


@pytest.mark.parametrize(
    ("form", "words_"),
    [
        ({"status": "messages:rejected", "sign": "md5hash"}, "The Messages API does not sign with md5hash."),
        ({"status": "delivered", "sign": "jwt"}, "The SMS API does not sign with jwt."),
        ({"status": "messages:rejected", "err-code": "nonsense"}, "No error of the Messages API is called"),
        ({"status": "inbound", "err-code": "9"}, "An inbound message has no error."),
    ],
)
def test_a_mistake_about_a_kind_sends_nothing(
    recordings: Recordings, upstream: RecordingServer, form: dict[str, str], words_: str
) -> None:
    html = client(recordings, receiver_url=upstream.url, secret=SECRET).post("/trigger", data=form)

    assert words_ in words(html.text)
    assert upstream.arrived == []


# ---- The relay


def live(recordings: Recordings) -> None:
    recordings.event_log.publish(
        RelayChanged(
            "live", "rediss://relay.test", "ada", kept=3, kept_since="2026-11-17T08:00:00.000Z", recorded="x"
        )
    )


def relayed(recordings: Recordings, message: str, who: str) -> None:
    fields = make_receipt_fields("delivered", "0", message_id=message, pushed_at=recordings.now)
    recordings.callback(compose(fields, "get"), who=who)


def test_a_relay_has_chips_a_line_and_owners(recordings: Recordings) -> None:
    for message, who in (("0A1", "ada"), ("0A2", "ada.laptop"), ("0A3", "ben"), ("0A4", "")):
        relayed(recordings, message, who)
    live(recordings)
    web = client(recordings)

    assert "relay: catching up" in words(page(web, "/"))
    recordings.event_log.publish(CaughtUp(4, 2, 1, 1, 4, 0, 0))
    text = words(page(web, "/"))

    assert "relay: live, 0 behind, kept since 17 Nov" in text
    assert "mine unclaimed everybody" in text
    assert [row.split()[-2] for row in listed(web)] == ["unclaimed", "ben", "ada.laptop", "ada"]
    assert len(listed(web, "/?who=ada")) == 2
    assert [row.split()[-2] for row in listed(web, "/?who=unclaimed")] == ["unclaimed"]
    assert listed(web, q="who:ben") == listed(web, "/?who=ben")
    assert len(listed(web, "/?who=ben")) == 1
    assert web.get("/api/receipts?who=ben").get_json()["receipts"][0]["who"] == "ben"


@pytest.mark.parametrize("headers", [{}, {"X-Fragment": "1"}])
def test_a_receipt_has_its_owner_on_a_whole_page_and_where_the_script_opens_it(
    recordings: Recordings, headers: dict[str, str]
) -> None:
    relayed(recordings, "0A1", "ada.laptop")
    live(recordings)
    (key,) = (each["key"] for each in client(recordings).get("/api/receipts").get_json()["receipts"])

    html = client(recordings).get(f"/receipts/{key}", headers=headers).text

    assert "ada.laptop" in html.partition('<article class="receipt"')[2]


def test_a_lost_relay_and_what_it_no_longer_had_are_named(recordings: Recordings) -> None:
    live(recordings)
    web = client(recordings)
    since, until = "2026-11-23T11:50:00.000Z", "2026-11-23T12:04:00.000Z"
    recordings.event_log.publish(
        RelayChanged("trimmed", "rediss://relay.test", "ada", since=since, until=until)
    )
    recordings.event_log.publish(
        RelayChanged("reconnecting", "rediss://relay.test", "ada", since="2026-11-23T13:40:00.000Z")
    )

    text = words(page(web, "/"))

    assert "relay: reconnecting since 13:40:00, kept since 17 Nov" in text
    assert "What came from 11:50:00 to 12:04:00 is no longer kept by the relay." in text


def test_nothing_of_a_relay_is_shown_without_one(recordings: Recordings) -> None:
    relayed(recordings, "0A1", "ada")
    web = client(recordings)
    text = words(page(web, "/"))

    assert "delivered" in text
    for word in ("relay", "unclaimed", "everybody", "ada "):
        assert word not in text
