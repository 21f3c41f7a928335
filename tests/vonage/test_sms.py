import json
from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest
import responses

from devkit.errors import UsageError, VonageError
from devkit.vonage.client import Credentials
from devkit.vonage.sms import send_sms

SECRET = "s3cret-value"
CREDENTIALS = Credentials("abcd1234", SECRET)
URL = "https://rest.nexmo.com/sms/json"
TO = "447700900001"
TAKEN = {"to": TO, "message-id": "0A0000001234567B", "status": "0"}


@pytest.fixture
def vonage() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def answer(*parts: object, **changes: object) -> str:
    return json.dumps({"message-count": str(len(parts)), "messages": list(parts), **changes})


def send(*, callback: str = "", client_ref: str = "") -> tuple[str, ...]:
    return send_sms(
        CREDENTIALS, to=TO, sender="AcmeInc", text="Hello & = é", callback=callback, client_ref=client_ref
    )


def refused() -> VonageError:
    """The error of a message, after a look that it gives nothing away and helps on."""
    with pytest.raises(VonageError) as caught:
        send()
    error = caught.value
    assert error.hint
    assert all(private not in error.message + error.hint for private in (SECRET, TO))
    assert (error.message + error.hint).isprintable()
    return error


def test_a_message_goes_out_as_documented_and_gives_its_ids(vonage: responses.RequestsMock) -> None:
    vonage.post(URL, body=answer(TAKEN, {**TAKEN, "message-id": "0A0000001234567C"}))

    ids = send(callback="https://dlr.example.test/dlr?a=1", client_ref="my-ref")

    assert ids == ("0A0000001234567B", "0A0000001234567C")
    request = vonage.calls[0].request
    sent = dict(parse_qsl(str(request.body)))
    sent.pop("status-report-req", None)  # the SDK's own default
    assert sent == {
        "to": TO,
        "from": "AcmeInc",
        "text": "Hello & = é",
        "callback": "https://dlr.example.test/dlr?a=1",
        "client-ref": "my-ref",
    }
    assert request.headers["Authorization"].startswith("Basic ")
    assert vars(request)["req_kwargs"]["timeout"]


def test_what_is_not_given_is_not_sent(vonage: responses.RequestsMock) -> None:
    vonage.post(URL, body=answer(TAKEN))

    send()

    assert (
        not {"callback", "client-ref", "sig", "api_secret"}
        & dict(parse_qsl(str(vonage.calls[0].request.body))).keys()
    )


@pytest.mark.parametrize(
    ("status", "advice"),
    [("1", "wait"), ("4", "VONAGE_API_KEY"), ("29", "trial"), ("99", "Look the status up")],
)
def test_a_refusal_inside_of_200_is_reported_with_advice(
    vonage: responses.RequestsMock, status: str, advice: str
) -> None:
    vonage.post(URL, body=answer({"status": status, "error-text": f"No\x1b[31m {TO} {SECRET}"}))

    error = refused()

    assert f"(status {status}): No [31m [hidden] [hidden]." in error.message
    assert advice in error.hint
    assert len(vonage.calls) == 1


def test_a_refusal_that_repeats_its_callback_does_not_show_it(vonage: responses.RequestsMock) -> None:
    callback = "https://dlr.example.test/webhooks/delivery-receipt/t0ken"
    vonage.post(URL, body=answer({"status": "23", "error-text": f"Invalid callback {callback}"}))

    with pytest.raises(VonageError, match=r"status 23\): Invalid callback \[hidden\]\.") as caught:
        send(callback=callback)

    assert "t0ken" not in caught.value.message + caught.value.hint


def test_a_refusal_without_a_text_is_reported(vonage: responses.RequestsMock) -> None:
    vonage.post(URL, body=answer({"status": "2"}))

    assert refused().message == "Vonage did not take the message (status 2): no reason given."


def test_a_message_of_which_parts_were_taken_says_so(vonage: responses.RequestsMock) -> None:
    vonage.post(URL, body=answer(TAKEN, {"status": "1", "error-text": "Throttled"}, TAKEN))

    assert refused().message == "Vonage did not take 1 of 3 parts (status 1): Throttled."


def test_a_message_of_which_no_part_was_taken_says_so(vonage: responses.RequestsMock) -> None:
    vonage.post(URL, body=answer(*[{"status": "9", "error-text": "Quota"}] * 2))

    error = refused()

    assert error.message == "Vonage did not take the message (status 9): Quota."
    assert "credit" in error.hint


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "[]",
        "null",
        "{}",
        answer(),
        answer(TAKEN, **{"message-count": 1}),
        answer(TAKEN, **{"message-count": "many"}),
        answer(TAKEN, messages="none"),
        answer(TAKEN, messages=[None]),
        answer({"status": "0"}),
        answer({"message-id": "0A"}),
        answer({**TAKEN, "message-id": 7}),
        json.dumps({"error-code": "420", "error-code-label": "failed"}),
    ],
)
def test_an_answer_that_cannot_be_read_warns_that_it_may_have_been_sent(
    vonage: responses.RequestsMock, body: str
) -> None:
    vonage.post(URL, body=body)

    error = refused()

    assert "may have been sent" in error.message
    assert "before you send it again" in error.hint
    assert len(vonage.calls) == 1


@pytest.mark.parametrize(
    ("status", "words"), [(401, "refused the API key"), (420, "420"), (429, "429"), (500, "500")]
)
def test_a_refusal_by_status_is_reported(vonage: responses.RequestsMock, status: int, words: str) -> None:
    vonage.post(URL, status=status, body=f"{SECRET} {TO}")

    assert words in refused().message
    assert len(vonage.calls) == 1


def test_what_the_sdk_does_not_take_is_a_usage_error(vonage: responses.RequestsMock) -> None:
    with pytest.raises(UsageError, match="callback: String should have at most 100 characters"):
        send(callback="x" * 101)
    with pytest.raises(UsageError, match="at most 100 characters"):
        send(client_ref="x" * 101)

    assert len(vonage.calls) == 0


@pytest.mark.parametrize(
    ("text", "kind"), [("Hello & = é €", None), ("Привет", "unicode"), ("ok 👍", "unicode")]
)
def test_a_text_beyond_the_alphabet_is_sent_as_unicode(
    vonage: responses.RequestsMock, text: str, kind: str | None
) -> None:
    vonage.post(URL, body=answer(TAKEN))

    send_sms(CREDENTIALS, to=TO, sender="AcmeInc", text=text)

    sent = dict(parse_qsl(str(vonage.calls[0].request.body)))
    assert (sent["text"], sent.get("type")) == (text, kind)
