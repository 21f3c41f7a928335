"""One SMS through the Messages API: what goes out, and what is said when Vonage does not take it."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import responses
from cryptography.hazmat.primitives.asymmetric import rsa

from devkit.errors import UsageError, VonageError
from devkit.vonage.client import ApplicationKey, Credentials
from devkit.vonage.sms import send_message
from tests.support.fake_application import APPLICATION_ID
from tests.support.private_key import as_pem

SECRET = "s3cret-value"
CREDENTIALS = Credentials("abcd1234", SECRET)
URL = "https://api.nexmo.com/v1/messages"
TO = "447700900001"
UUID = "c26213be-2916-4c64-903e-4125158eedd8"
WEBHOOK = "https://dlr.example.test/webhooks/delivery-receipt/t0ken"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def vonage() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def send(**more: Any) -> str:
    fields = {"webhook_url": WEBHOOK, "client_ref": "my-ref", **more}
    return send_message(CREDENTIALS, to=TO, sender="AcmeInc", text="Hello €", **fields)


def refused(**more: Any) -> VonageError:
    """The error of a message, after a look that it gives nothing away and helps on."""
    with pytest.raises(VonageError) as caught:
        send(**more)
    error = caught.value
    assert error.hint
    assert all(private not in error.message + error.hint for private in (SECRET, TO, "t0ken"))
    assert (error.message + error.hint).isprintable()
    return error


def test_a_message_goes_out_as_documented_with_key_and_secret(vonage: responses.RequestsMock) -> None:
    vonage.post(URL, status=202, json={"message_uuid": UUID})

    assert send() == UUID

    request = vonage.calls[0].request
    assert json.loads(request.body or b"") == {
        "to": TO,
        "client_ref": "my-ref",
        "webhook_url": WEBHOOK,
        "from": "AcmeInc",
        "text": "Hello €",
        "channel": "sms",
        "message_type": "text",
    }
    assert (
        base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")) == b"abcd1234:s3cret-value"
    )
    assert vars(request)["req_kwargs"]["timeout"]


def test_an_application_signs_with_its_private_key(
    vonage: responses.RequestsMock, key: rsa.RSAPrivateKey
) -> None:
    vonage.post(URL, status=202, json={"message_uuid": UUID})

    send(application=ApplicationKey(APPLICATION_ID, as_pem(key)))

    token = vonage.calls[0].request.headers["Authorization"].split()[1]
    claims = jwt.decode(token, key.public_key(), algorithms=["RS256"])
    assert claims["application_id"] == APPLICATION_ID
    assert claims["exp"] > time.time()


def test_what_is_not_given_is_not_sent(vonage: responses.RequestsMock) -> None:
    vonage.post(URL, status=202, json={"message_uuid": UUID})

    send(webhook_url="", client_ref="")

    assert not {"webhook_url", "client_ref"} & json.loads(vonage.calls[0].request.body or b"").keys()


@pytest.mark.parametrize(
    ("status", "problem", "words", "hint"),
    [
        (
            401,
            {"title": "Unauthorised", "detail": "Invalid Token"},
            "refused the API key",
            "VONAGE_API_SECRET",
        ),
        (
            402,
            {"title": "Low balance", "detail": "too low."},
            "Vonage answered 402: Low balance: too low.",
            "top it up",
        ),
        (
            422,
            {
                "title": "Invalid params",
                "detail": "Wrong.",
                "invalid_parameters": [{"name": "to", "reason": f"{TO} is no number"}],
            },
            "Vonage answered 422: Invalid params: Wrong.: to [hidden] is no number",
            "Correct what the answer names",
        ),
        (
            429,
            {"title": "Rate Limit Hit", "detail": "Please wait"},
            "Vonage answered 429: Rate Limit Hit",
            "wait",
        ),
        (500, f"<html>\x1b[31m{TO} {SECRET} {WEBHOOK}", "Vonage answered 500: <html>", "Try again"),
    ],
)
def test_a_refusal_is_reported_with_what_to_do(
    vonage: responses.RequestsMock, status: int, problem: object, words: str, hint: str
) -> None:
    vonage.post(URL, status=status, body=problem if isinstance(problem, str) else json.dumps(problem))

    error = refused()

    assert words in error.message
    assert hint in error.hint
    assert len(vonage.calls) == 1


def test_a_refused_token_names_the_settings_of_the_application(
    vonage: responses.RequestsMock, key: rsa.RSAPrivateKey
) -> None:
    vonage.post(URL, status=401, json={"title": "Unauthorised", "detail": "Invalid Token"})

    error = refused(application=ApplicationKey(APPLICATION_ID, as_pem(key)))

    assert error.message == "Vonage refused the application's token (401)."
    assert "VONAGE_PRIVATE_KEY" in error.hint


def test_another_refusal_of_a_signed_message_shows_its_reason(
    vonage: responses.RequestsMock, key: rsa.RSAPrivateKey
) -> None:
    vonage.post(URL, status=402, json={"title": "Low balance"})
    assert "Low balance" in refused(application=ApplicationKey(APPLICATION_ID, as_pem(key))).message


@pytest.mark.parametrize("body", ["", "[]", "null", "{}", '{"message_uuid": 7}', "<html>"])
def test_an_answer_that_cannot_be_read_warns_that_it_may_have_been_sent(
    vonage: responses.RequestsMock, body: str
) -> None:
    vonage.post(URL, status=202, body=body)

    error = refused()

    assert "may have been sent" in error.message
    assert "before you send it again" in error.hint
    assert len(vonage.calls) == 1


def test_what_the_sdk_does_not_take_is_a_usage_error(vonage: responses.RequestsMock) -> None:
    with pytest.raises(UsageError, match="at most 100 characters"):
        send(client_ref="x" * 101)

    assert len(vonage.calls) == 0


def test_an_application_key_shows_nothing_in_its_repr(key: rsa.RSAPrivateKey) -> None:
    assert "PRIVATE" not in repr(ApplicationKey(APPLICATION_ID, as_pem(key)))
