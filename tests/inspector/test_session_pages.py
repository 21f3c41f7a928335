"""The forms that trigger a receipt and send a message, and the panel of the session."""

import json
import re
from dataclasses import dataclass, field
from typing import Literal

import pytest

from devkit.errors import UsageError
from devkit.events.session import Ready, Sent
from devkit.fixture.format import load
from devkit.http.address import parse_address
from devkit.inspector.context import SessionFacts
from devkit.inspector.session_panel import masked_key
from devkit.simulator.outcomes import recipients
from devkit.webhook.receipt import Receipt
from tests.support.inspector_client import client, words
from tests.support.inspector_server import Recordings
from tests.support.raw_socket import closed_port
from tests.support.recording_server import RecordingServer

SECRET = "t0ken-t0ken-t0ken"
CALLBACK = f"https://dlr.example.test/webhooks/delivery-receipt/{SECRET}"


READY = Ready("live", "https://dlr.example.test", CALLBACK, "", "", "", 1)


@dataclass
class Outbox:
    """What was sent. refuse: the error of the next message."""

    messages: list[tuple[str, str, str, str]] = field(default_factory=list)
    refuse: UsageError | None = None

    def send(self, to: str, sender: str, text: str, client_ref: str) -> Sent:
        if self.refuse:
            raise self.refuse
        self.messages.append((to, sender, text, client_ref))
        return Sent(("0A1", "0A2"), "*********000")

    def session(self, mode: Literal["live", "offline"]) -> SessionFacts:
        return SessionFacts(
            mode=mode,
            started_at="2026-11-23T12:00:00+00:00",
            public_url="https://dlr.example.test",
            callback_url=CALLBACK,
            api_key="abcd1234",
            send=self.send,
        )


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


# ---- Trigger


def test_a_triggered_receipt_is_recorded_as_such_and_can_be_opened(
    recordings: Recordings, receiver: str
) -> None:
    web = client(recordings, receiver_url=receiver)

    html = web.post("/trigger", data={"status": "failed", "err-code": "9", "as": "json"}).get_data(
        as_text=True
    )

    match = re.search(r'<a href="/receipts/([^"]+)" data-into="detail">Open it', html)
    assert match
    fixture = load(recordings.store.recorded / match[1])
    receipt = fixture.read()
    assert isinstance(receipt, Receipt)
    assert (receipt.status, receipt.err_code, fixture.callback.transport) == ("failed", "9", "json")
    assert "triggered" in fixture.tags
    assert "The receiver answered 200 in" in words(html)


def test_the_err_code_is_the_usual_one_of_the_status(recordings: Recordings, receiver: str) -> None:
    client(recordings, receiver_url=receiver).post("/trigger", data={"status": "expired"})

    (entry,) = recordings.store.entries()
    receipt = load(entry.path).read()
    assert isinstance(receipt, Receipt)
    assert (receipt.status, receipt.err_code) == ("expired", "1")


def test_a_triggered_receipt_can_be_signed_and_have_other_fields(
    recordings: Recordings, upstream: RecordingServer
) -> None:
    form = {"status": "delivered", "as": "json", "sign": "sha256", "fields": "client-ref=order-7\nprice\n"}

    client(recordings, receiver_url=upstream.url, secret="a secret").post("/trigger", data=form)

    fields = json.loads(upstream.arrived[0].body)
    assert fields["client-ref"] == "order-7"
    assert len(fields["sig"]) == 64
    assert "price" not in fields


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({}, "needs a status"),
        ({"status": "failed", "err-code": "nonsense"}, "No err-code is called 'nonsense'"),
        ({"status": "failed", "as": "pigeon"}, "No transport is called 'pigeon'"),
        ({"status": "failed", "sign": "rot13"}, "No signature method is called 'rot13'"),
        ({"status": "failed", "sign": "md5hash"}, "VONAGE_SIGNATURE_SECRET"),
    ],
)
def test_a_mistake_in_the_form_sends_nothing(
    recordings: Recordings, upstream: RecordingServer, form: dict[str, str], problem: str
) -> None:
    html = client(recordings, receiver_url=upstream.url).post("/trigger", data=form).text

    assert 'role="alert"' in html
    assert problem in words(html)
    assert upstream.arrived == []


def test_a_form_with_a_mistake_keeps_what_was_typed(recordings: Recordings) -> None:
    form = {"status": "expired", "err-code": "bad", "as": "json", "fields": "client-ref=order-7"}

    html = client(recordings).post("/trigger", data=form).text

    assert '<option value="expired" selected>expired</option>' in html
    assert '<option value="json" selected>' in html
    assert ">client-ref=order-7</textarea>" in html


def test_a_receiver_that_does_not_answer_is_reported(recordings: Recordings) -> None:
    url = f"http://127.0.0.1:{closed_port()}"

    text = words(client(recordings, receiver_url=url).post("/trigger", data={"status": "delivered"}).text)

    assert "unreachable delivered" in text
    assert "Open it" not in text


def test_an_undocumented_status_is_sent_with_a_notice(recordings: Recordings, receiver: str) -> None:
    text = words(client(recordings, receiver_url=receiver).post("/trigger", data={"status": "deliverd"}).text)

    assert "(did you mean 'delivered'?); it was sent anyway" in text
    assert len(list(recordings.store.entries())) == 1


# ---- Send


def test_offline_the_recipients_have_their_outcomes(recordings: Recordings, outbox: Outbox) -> None:
    html = client(recordings, session=lambda: outbox.session("offline")).get("/send").text

    options = re.findall(r'<option value="(4477009\d+)"[^>]*>\d+: ([^<]+)<', html)
    assert options[0] == ("447700900000", "accepted, buffered, delivered")
    assert ("447700900009", "accepted, failed: Illegal Number") in options
    assert ("447700900102", "delivered twice") in options
    assert dict(options) == recipients()


def test_every_recipient_has_an_outcome_of_its_own_in_words() -> None:
    outcomes = recipients()

    assert outcomes["447700900006"] == "accepted, rejected: Anti-Spam Rejection"
    assert outcomes["447700900101"] == "expired: Unknown after 72 h"
    assert outcomes["447700900104"] == "delivered, before the send call is answered"
    assert outcomes["447700900105"] == "never a receipt"
    assert len(set(outcomes.values())) == len(outcomes)


def test_a_message_is_sent_and_its_parts_are_known(recordings: Recordings, outbox: Outbox) -> None:
    web = client(recordings, session=lambda: outbox.session("offline"))
    form = {"to": "447700900009", "from": "Acme", "text": "Hi", "client-ref": "order-7"}

    text = words(web.post("/send", data=form).text)

    assert outbox.messages == [("447700900009", "Acme", "Hi", "order-7")]
    assert "sent to *********000, 2 parts" in text
    assert list(recordings.event_log.sends()) == ["0A1", "0A2"]


def test_another_number_takes_precedence(recordings: Recordings, outbox: Outbox) -> None:
    web = client(recordings, session=lambda: outbox.session("offline"))

    web.post("/send", data={"to": "447700900000", "other": "447700900555", "text": "Hi"})

    assert outbox.messages[0][0] == "447700900555"


def test_a_real_message_needs_a_confirmation(recordings: Recordings, outbox: Outbox) -> None:
    web = client(recordings, session=lambda: outbox.session("live"))
    form = {"to": "447700900000", "text": "Hi"}

    assert "a real SMS costs money" in words(web.post("/send", data=form).text)
    assert outbox.messages == []

    web.post("/send", data={**form, "confirmed": "1"})
    assert len(outbox.messages) == 1


def test_the_form_of_a_live_session_offers_no_recipient(recordings: Recordings, outbox: Outbox) -> None:
    html = client(recordings, session=lambda: outbox.session("live")).get("/send").text

    assert '<input type="checkbox" name="confirmed" value="1" required>' in html
    assert "<option" not in html.partition('action="/send"')[2].partition("</form>")[0]


def test_what_the_platform_refuses_is_shown(recordings: Recordings, outbox: Outbox) -> None:
    outbox.refuse = UsageError("Not a number.", hint="Write the country code first.")
    web = client(recordings, session=lambda: outbox.session("offline"))

    html = web.post("/send", data={"to": "12", "text": "Hi <b>"}).text

    assert 'role="alert"' in html
    assert "Not a number. Write the country code first." in words(html)
    assert ">Hi &lt;b&gt;</textarea>" in html
    assert recordings.event_log.kept("sent") == []


def test_before_the_session_is_ready_nothing_is_sent(recordings: Recordings) -> None:
    text = words(client(recordings).post("/send", data={"to": "447700900000", "text": "Hi"}).text)

    assert "The session is not ready to send." in text


# ---- The panel


def test_the_panel_describes_the_session_without_its_secrets(
    recordings: Recordings, outbox: Outbox, upstream: RecordingServer
) -> None:
    web = client(
        recordings,
        session=lambda: outbox.session("live"),
        forward_to=parse_address(f"{upstream.url}/dlr"),
        receiver_url="http://127.0.0.1:3999",
    )

    recordings.event_log.publish(READY)

    html = web.get("/session").text

    text = words(html)
    assert "Mode live : Vonage sends the receipts State ready : receipts are recorded" in text
    assert "https://dlr.example.test/webhooks/delivery-receipt/[hidden]" in text
    assert f"{upstream.url}/dlr answers" in text
    assert "http://127.0.0.1:3999" in text
    assert "*****234" in text
    assert "vonage" in text.lower()
    assert SECRET not in html
    assert "abcd1234" not in html


def test_the_callback_url_can_be_copied_whole(recordings: Recordings, outbox: Outbox) -> None:
    web = client(recordings, session=lambda: outbox.session("live"))

    assert web.get("/session/callback-url").text == CALLBACK
    assert client(recordings).get("/session/callback-url").status_code == 404


def test_the_panel_says_when_the_application_does_not_answer(recordings: Recordings, outbox: Outbox) -> None:
    target = parse_address(f"127.0.0.1:{closed_port()}")
    web = client(recordings, session=lambda: outbox.session("offline"), forward_to=target)

    assert "does not answer now" in words(web.get("/session").text)


def test_without_a_session_the_panel_says_so(recordings: Recordings) -> None:
    assert "The session is not ready" in words(client(recordings).get("/session").text)


@pytest.mark.parametrize(
    ("key", "shown"), [("abcd1234", "*****234"), ("abc", "***"), ("", "none"), ("abcd", "*bcd")]
)
def test_an_account_key_is_masked(key: str, shown: str) -> None:
    assert masked_key(key) == shown


def test_an_empty_page_offers_the_forms(recordings: Recordings) -> None:
    html = client(recordings).get("/").text

    assert '<a class="button" href="/trigger" data-into="detail">Trigger a receipt' in html
    assert '<a class="button" href="/send" data-into="detail">Send a message' in html


@pytest.mark.parametrize("path", ["/trigger", "/send"])
def test_a_page_of_another_origin_can_use_no_form(recordings: Recordings, outbox: Outbox, path: str) -> None:
    web = client(recordings, session=lambda: outbox.session("offline"))

    answer = web.post(
        path, data={"status": "delivered", "text": "Hi"}, headers={"Origin": "http://example.com"}
    )

    assert answer.status_code == 403
    assert outbox.messages == []
