"""Statuses and inbound messages in tests: their token."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.http import HttpRequest
from flask import Flask, request
from starlette.datastructures import Headers as StarletteHeaders

from devkit.testing import verify_webhook
from devkit.webhook.jwt import make_token

SECRET = "only-for-tests"
BODY = b'{"message_uuid":"aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab","status":"delivered"}'


def signed(body: bytes = BODY, age: timedelta = timedelta()) -> dict[str, str]:
    token = make_token(body, SECRET, api_key="abcd1234", now=datetime.now(UTC) - age, jti="1")
    return {"authorization": f"Bearer {token}"}


def test_a_handler_sees_at_once_whether_a_webhook_is_right() -> None:
    assert verify_webhook(signed(), BODY, SECRET)
    assert not verify_webhook(signed(), BODY + b" ", SECRET)
    assert not verify_webhook({}, BODY, SECRET)
    assert not verify_webhook(signed(), BODY, "")
    assert verify_webhook(signed(), BODY + b" ", SECRET).reason.startswith("The payload hash is wrong")


def test_an_old_webhook_counts_as_a_recording_only() -> None:
    old = signed(age=timedelta(days=30))

    assert "stale" in verify_webhook(old, BODY, SECRET).reason
    assert verify_webhook(old, BODY, SECRET, any_age=True)
    assert verify_webhook(old, BODY, SECRET, now=datetime.now(UTC) - timedelta(days=30))


def test_it_can_ask_for_one_account_and_one_application() -> None:
    assert verify_webhook(signed(), BODY, SECRET, api_key="abcd1234")
    assert "api_key" in verify_webhook(signed(), BODY, SECRET, api_key="efgh5678").reason
    assert "application_id" in verify_webhook(signed(), BODY, SECRET, application_id="x").reason


def test_the_headers_of_each_framework_are_understood() -> None:
    found: list[bool] = []
    app = Flask(__name__)

    @app.post("/")
    def view() -> str:
        found.append(bool(verify_webhook(request.headers, request.get_data(), SECRET)))
        return ""

    app.test_client().post("/", data=BODY, headers=signed())
    if not settings.configured:
        settings.configure()
    django = HttpRequest()
    django.META["HTTP_AUTHORIZATION"] = signed()["authorization"]
    found.append(bool(verify_webhook(django.headers, BODY, SECRET)))
    found.append(bool(verify_webhook(StarletteHeaders(signed()), BODY, SECRET)))
    found.append(bool(verify_webhook([*signed().items()], BODY, SECRET)))

    assert found == [True] * 4


def test_a_second_header_is_seen_where_the_framework_keeps_both() -> None:
    pairs = [*signed().items(), *signed().items()]
    starlette = StarletteHeaders(raw=[(name.encode(), value.encode()) for name, value in pairs])

    assert "2 Authorization headers" in verify_webhook(pairs, BODY, SECRET).reason
    assert not verify_webhook(starlette, BODY, SECRET)


def test_a_body_that_was_decoded_is_a_mistake_of_the_test() -> None:
    with pytest.raises(TypeError, match=r"give the raw bytes, such as request\.get_data\(\)"):
        verify_webhook(signed(), BODY.decode(), SECRET)  # type: ignore[arg-type]
