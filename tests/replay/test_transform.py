from datetime import UTC, datetime
from pathlib import Path

import pytest

from devkit.errors import FixtureError, UsageError
from devkit.http.address import parse_address
from devkit.replay.schedule import Recording
from devkit.replay.transform import (
    Changes,
    ReplayRoute,
    change_recordings,
    check_secrecy,
    transformer,
)
from devkit.webhook.callback import CALLBACK_PATH, Callback, compose
from devkit.webhook.receipt import Receipt, read
from devkit.webhook.signature import Signer, verify

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LOCAL = parse_address("http://127.0.0.1:5000")
SECRET = "test-signature-secret"
CALLBACK = compose(
    {"status": "delivered", "message-timestamp": "2020-01-01 12:00:00"},
    "get",
    target=f"{CALLBACK_PATH}/s3cret",
    host="dlr.example.com",
)


def recording(callback: Callback = CALLBACK) -> Recording:
    return Recording(Path("a.json"), NOW, callback)


def transformed(
    callback: Callback, route: ReplayRoute, changes: Changes | None = None, signer: Signer | None = None
) -> Callback:
    transform = transformer(changes or Changes(), route, signer, clock=lambda: NOW, nonce=lambda: "nonce")
    return transform(callback)


def test_changes_are_made_in_the_new_transport_and_set_goes_before_unset() -> None:
    changes = Changes("json", sets=(("status", "failed"), ("client-ref", "x")), unsets=("client-ref",))

    [changed] = change_recordings([recording()], changes)

    assert changed.callback.transport == "json"
    assert changed.callback.body == b'{"status":"failed","message-timestamp":"2020-01-01 12:00:00"}'


def test_without_changes_a_recording_is_unchanged() -> None:
    assert change_recordings([recording()], Changes()) == [recording()]


def test_a_file_that_cannot_be_changed_is_named() -> None:
    broken = Callback("POST", "/", (("Content-Type", "application/json"),), b"[]")

    with pytest.raises(FixtureError, match=r"a\.json: The body is not a JSON object"):
        change_recordings([recording(broken)], Changes(sets=(("status", "x"),)))


def test_the_path_option_has_precedence_over_the_address_and_that_over_the_recording() -> None:
    address = parse_address("http://127.0.0.1:5000/dlr")

    assert transformed(CALLBACK, ReplayRoute(LOCAL)).path == CALLBACK_PATH
    assert transformed(CALLBACK, ReplayRoute(address)).path == "/dlr"
    assert transformed(CALLBACK, ReplayRoute(address, path="/other")).path == "/other"
    assert transformed(CALLBACK, ReplayRoute(address, path="/other")).query == CALLBACK.query


def test_an_exact_replay_keeps_even_host_and_path() -> None:
    assert transformed(CALLBACK, ReplayRoute(LOCAL, exact=True)) == CALLBACK
    assert transformed(CALLBACK, ReplayRoute(LOCAL, path="/dlr", exact=True)).path == "/dlr"


def test_devkit_s_own_receiver_gets_no_forwarding_headers() -> None:
    callback = Callback("GET", "/", (("Host", "x"), ("X-Forwarded-For", "192.0.2.1"), ("Via", "1.1 x")))

    assert transformed(callback, ReplayRoute(LOCAL)).header("X-Forwarded-For") == "192.0.2.1"
    assert [name for name, _ in transformed(callback, ReplayRoute(LOCAL, receiver=LOCAL)).headers] == [
        "Host",
        "X-Devkit-Replay",
    ]


def test_chosen_headers_are_applied_last() -> None:
    changes = Changes(headers=(("host", "elsewhere.example.com"), ("X-Devkit-Replay", None), ("X-New", "1")))

    sent = transformed(CALLBACK, ReplayRoute(LOCAL), changes)

    assert sent.header("Host") == "elsewhere.example.com"
    assert sent.header("X-Devkit-Replay") is None
    assert sent.headers[-1] == ("X-New", "1")


def test_a_fresh_time_is_part_of_the_new_signature() -> None:
    sent = transformed(CALLBACK, ReplayRoute(LOCAL), Changes(now=True, resign=True), Signer(SECRET, "sha256"))

    reading = read(sent)
    assert isinstance(reading, Receipt)
    assert reading.text("message-timestamp") == "2026-11-23 12:00:00"
    assert verify(reading.fields, SECRET, "sha256") == "valid"


@pytest.mark.parametrize(
    "route",
    [
        ReplayRoute(LOCAL, exact=True),
        ReplayRoute(parse_address("http://dlr.example.com", allow_remote=True)),
        ReplayRoute(parse_address("http://dlr.example.com/dlr", allow_remote=True), exact=True),
        ReplayRoute(parse_address("http://dlr.example.com", allow_remote=True), path="/dlr", exact=True),
        ReplayRoute(parse_address("http://localhost:5000", allow_remote=True), exact=True),
    ],
)
def test_the_secret_segment_may_stay_on_this_machine_or_be_replaced(route: ReplayRoute) -> None:
    check_secrecy([recording()], route)


@pytest.mark.parametrize(("url", "is_remote"), [("http://dlr.example.com", True), ("http://app:5000", False)])
def test_the_secret_segment_is_never_sent_to_another_machine(url: str, is_remote: bool) -> None:
    route = ReplayRoute(parse_address(url, allow_remote=is_remote, allow_private=not is_remote), exact=True)

    check_secrecy([recording(Callback("GET", "/dlr?status=x"))], route)
    with pytest.raises(UsageError, match=r"a\.json") as caught:
        check_secrecy([recording()], route)
    assert "s3cret" not in caught.value.message


def test_the_secret_in_a_header_is_never_sent_to_another_machine() -> None:
    headers = (("X-Original-URI", "/webhooks/delivery-receipt/s3cret?status=x"),)
    reported = recording(Callback("GET", "/dlr?status=x", headers))
    remote = parse_address("http://dlr.example.com", allow_remote=True)

    check_secrecy([reported], ReplayRoute(LOCAL, exact=True))
    check_secrecy([reported], ReplayRoute(remote))
    for route in (ReplayRoute(remote, exact=True), ReplayRoute(remote, path="/dlr", exact=True)):
        with pytest.raises(UsageError, match=r"a\.json") as caught:
            check_secrecy([reported], route)
        assert caught.value.hint == "Omit --exact."
