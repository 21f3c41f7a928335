"""Where a message goes out and where its receipts come in."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from devkit.errors import ConfigurationError, UsageError
from devkit.http.server import listen, serve
from devkit.receiver.app import IncomingRequest, TokenAccess, create_receiver
from devkit.session.project import Session
from devkit.session.reachability import local_callback_url, why_unreachable
from devkit.session.send import SendRoute, choose_recipient, choose_route, require_receiver
from devkit.session.settings import Settings
from devkit.simulator.outcomes import OFFLINE_RECIPIENT
from devkit.vonage.client import Credentials
from devkit.webhook.callback import MAX_CALLBACK
from tests.support.raw_socket import closed_port

SECRET = "s3cret-value"
SETTINGS = Settings(api_key="abcd1234", api_secret=SECRET)
TOKEN = "t0ken-t0ken-t0ken"
OFFLINE = Session(
    pid=os.getpid(),
    started_at="2026-11-23T12:00:00+00:00",
    mode="offline",
    local_url="http://127.0.0.1:3000",
    public_url="http://127.0.0.1:3000",
    callback_url=f"http://127.0.0.1:3000/webhooks/delivery-receipt/{TOKEN}",
    rest_host="127.0.0.1:3333",
    api_key="simkey",
    api_secret="simsecret",
)
LIVE = replace(
    OFFLINE,
    mode="live",
    public_url="https://dlr.example.test",
    callback_url=f"https://dlr.example.test/webhooks/delivery-receipt/{TOKEN}",
    rest_host="",
    api_key="",
    api_secret="",
)


def test_an_offline_session_has_its_own_simulator_even_when_there_are_credentials() -> None:
    route = choose_route(SETTINGS, OFFLINE)

    assert route.mode == "offline"
    assert route.credentials == Credentials("simkey", "simsecret", "127.0.0.1:3333")
    assert route.callback == OFFLINE.callback_url


def test_a_live_session_sends_with_the_account_of_the_settings_and_its_own_callback() -> None:
    route = choose_route(replace(SETTINGS, rest_host="api.nexmo.com"), LIVE)

    assert route.mode == "live"
    assert route.credentials == Credentials("abcd1234", SECRET, "api.nexmo.com")
    assert route.callback == LIVE.callback_url


def test_a_callback_that_is_too_long_for_a_message_is_left_to_the_account_or_refused() -> None:
    # As that of a codespace or of a quick tunnel.
    callback_url = LIVE.callback_url.replace("dlr.", "strategy-adjusted-mature-beverage-dlr.")
    long = replace(LIVE, callback_url=callback_url)
    registered, alone = (
        choose_route(SETTINGS, replace(long, is_registered=True)),
        choose_route(SETTINGS, long),
    )

    assert len(callback_url) > MAX_CALLBACK
    assert choose_route(SETTINGS, LIVE).sms_callback == LIVE.callback_url
    assert registered.sms_callback == ""
    with pytest.raises(UsageError, match="Nothing was sent") as caught:
        alone.sms_callback  # noqa: B018 - it raises
    assert "--api messages" in caught.value.hint
    assert alone.callback == callback_url  # the Messages API takes it


def test_without_a_session_the_callback_is_left_to_the_account() -> None:
    route = choose_route(SETTINGS, None)

    assert (route.mode, route.credentials, route.callback) == ("live", Credentials("abcd1234", SECRET), "")


@pytest.mark.parametrize("settings", [Settings(), replace(SETTINGS, offline=True)])
def test_offline_without_a_session_there_is_nowhere_to_send_to(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="No session runs") as caught:
        choose_route(settings, None)

    assert "devkit dev" in caught.value.hint


@pytest.mark.parametrize(
    ("settings", "words"),
    [(Settings(), "no credentials"), (replace(SETTINGS, offline=True), "DEVKIT_OFFLINE")],
)
def test_a_live_session_never_sends_against_the_settings(settings: Settings, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        choose_route(settings, LIVE)


RELAY = SendRoute("live", SETTINGS.credentials, f"https://dlr.example.test/r/{TOKEN}/ada", "ada")


def test_a_message_names_its_sender_at_the_relay() -> None:
    without = replace(RELAY, callback="")

    assert (RELAY.client_ref(""), RELAY.client_ref("order-7")) == ("", "ada:order-7")
    assert (without.client_ref(""), without.client_ref("order-7")) == ("ada:", "ada:order-7")


def test_a_session_that_follows_a_relay_sends_as_its_member() -> None:
    session = replace(LIVE, relay="redis://127.0.0.1:6379", who="grace", callback_url=RELAY.callback)

    route = choose_route(SETTINGS, session)

    assert (route.callback, route.client_ref("order-7")) == (RELAY.callback, "grace:order-7")
    assert choose_route(SETTINGS, LIVE).client_ref("order-7") == "order-7"


def test_a_client_ref_that_is_too_long_with_the_name_is_an_error_before_anything_is_sent() -> None:
    assert len(RELAY.client_ref("x" * 96)) == 100
    with pytest.raises(UsageError, match="would have 101 characters") as caught:
        RELAY.client_ref("x" * 97)
    assert caught.value.hint == "Shorten --client-ref to 96 characters."


def test_the_receiver_of_a_session_with_a_relay_has_no_path_of_the_relay() -> None:
    session = replace(LIVE, relay="redis://127.0.0.1:6379", who="ada", callback_url=RELAY.callback)

    assert local_callback_url(session) == "http://127.0.0.1:3000/webhooks/delivery-receipt"


def test_no_secret_is_in_what_a_route_shows() -> None:
    shown = repr(choose_route(SETTINGS, LIVE)) + repr(choose_route(SETTINGS, OFFLINE))

    assert all(secret not in shown for secret in (SECRET, "simsecret", TOKEN))


@pytest.mark.parametrize(
    "typed", ["447700900001", "+447700900001", "+44 7700 900001", "+44 (7700) 900-001", "44.7700.900001"]
)
def test_a_number_is_taken_as_people_write_it(typed: str) -> None:
    assert choose_recipient(typed, "live") == "447700900001"


@pytest.mark.parametrize(
    "typed",
    ["07700900001", "00447700900001", "123456", "4477009000012345", "AcmeInc", "+", "٤٤٧٧٠٠٩٠٠٠٠١", "44x"],
)
def test_what_is_no_international_number_is_refused_and_not_repeated(typed: str) -> None:
    with pytest.raises(UsageError, match="international") as caught:
        choose_recipient(typed, "offline")

    assert typed == "+" or typed not in caught.value.message + caught.value.hint


def test_only_offline_there_is_a_recipient_by_itself() -> None:
    assert choose_recipient("", "offline") == OFFLINE_RECIPIENT
    with pytest.raises(UsageError, match="needs a recipient"):
        choose_recipient("", "live")


def test_a_receiver_is_found_where_the_session_says_and_reports_nothing(tmp_path: Path) -> None:
    arrivals: list[IncomingRequest] = []
    listener = listen("127.0.0.1", 0)
    local_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    session = replace(LIVE, local_url=local_url)

    def take(arrival: IncomingRequest) -> int:
        arrivals.append(arrival)
        return 200

    with serve(create_receiver(take, TokenAccess(TOKEN)), listener):
        require_receiver(session)
        found = why_unreachable(local_callback_url(session))
        elsewhere = why_unreachable(f"{local_url}/webhooks/delivery-receipt/an0ther-t0ken-")

    assert found == ""
    assert elsewhere == f"{local_url} answers 404"
    assert [arrival.kind for arrival in arrivals] == ["refused"]


def test_a_session_that_does_not_answer_gets_nothing_sent() -> None:
    dead = replace(LIVE, local_url=f"http://127.0.0.1:{closed_port()}")

    with pytest.raises(ConfigurationError, match="Nothing was sent") as caught:
        require_receiver(dead)

    assert "devkit dev" in caught.value.hint
    assert TOKEN not in caught.value.message
