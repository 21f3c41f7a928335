"""The demo of an offline session: one webhook of each kind, through the path of real ones."""

from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from devkit.fixture.format import load
from devkit.fixture.store import Store
from devkit.webhook.kinds import MessagesInbound, MessagesStatus
from devkit.webhook.receipt import Unreadable, Webhook
from tests.support.command import call
from tests.support.dev_process import DevProcess, running_dev
from tests.support.recording_server import RecordingServer, Response

SECRET = {"VONAGE_SIGNATURE_SECRET": "devkit-signature-secret-of-32-bytes!"}


def kinds_of(dev: DevProcess, count: int) -> list[str]:
    """The kinds of the next webhooks that are recorded."""
    return [dev.wait_for("receipt")["kind"] for _ in range(count)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DevProcess]:
    """The directory and the events of a session that has shown one webhook of each kind."""
    directory = tmp_path_factory.mktemp("demo")
    with running_dev(directory, "--offline", "--demo", "all", **SECRET) as dev:
        dev.wait_for("ready")
        kinds_of(dev, 7)
        assert dev.stop() == 0
    return directory, dev


def test_all_is_one_webhook_of_each_kind_at_least(demo: tuple[Path, DevProcess]) -> None:
    directory, dev = demo

    receipts = [event for event in dev.events if event["event"] == "receipt"]
    assert {(event["kind"], event["status"]) for event in receipts} == {
        *(("sms-receipt", status) for status in ("accepted", "buffered", "delivered")),
        *(("messages-status", status) for status in ("submitted", "delivered")),
        *(("sms-inbound", "inbound"), ("messages-inbound", "inbound")),
    }
    signed = {event["signature"] for event in receipts if event["kind"].startswith("messages-")}
    assert signed == {"valid"}
    readings = [load(entry.path).read() for entry in Store(directory / "fixtures").entries()]
    assert not [reading for reading in readings if isinstance(reading, Unreadable)]
    assert (dev.events[-1]["receipts"], dev.events[-1]["other_webhooks"]) == (3, 4)


def test_its_urls_are_registered_and_restored_as_those_of_an_account(demo: tuple[Path, DevProcess]) -> None:
    _, dev = demo

    registered = [event["setting"] for event in dev.events if event["event"] == "registered"]
    restored = [event for event in dev.events if event["event"] == "restored"]
    assert registered == ["drCallBackUrl", "moCallBackUrl", "status_url", "inbound_url"]
    assert [event["setting"] for event in restored] == registered[::-1]
    assert {event["kept"] for event in restored} == {False}


def test_webhooks_of_the_messages_api_come_from_the_application(demo: tuple[Path, DevProcess]) -> None:
    directory, dev = demo
    from devkit.webhook.jwt import claims_of

    (ready,) = (event for event in dev.events if event["event"] == "ready")
    fixtures = [load(entry.path) for entry in Store(directory / "fixtures").entries()]
    claims = [
        claims_of(fixture.callback.header("Authorization"))
        for fixture in fixtures
        if isinstance(fixture.read(), MessagesStatus | MessagesInbound)
    ]
    assert [each["application_id"] for each in claims] == [ready["simulator"]["application_id"]] * 3
    key = Path(ready["simulator"]["private_key"])
    assert key.read_text().startswith("-----BEGIN PRIVATE KEY-----\n")
    assert key.stat().st_mode & 0o777 == 0o600


def test_what_it_recorded_is_valid_and_replays_to_a_plain_handler(demo: tuple[Path, DevProcess]) -> None:
    directory, _ = demo
    server = RecordingServer(lambda callback: Response(200))
    try:
        checked = call(directory, "check")
        replayed = call(
            directory, "replay", "fixtures/recorded", "--to", f"{server.url}/any", "--speed", "max"
        )
    finally:
        server.close()

    assert checked.code == 0, checked.err
    assert replayed.code == 0, replayed.err
    assert len(server.arrived) == 7
    bodies = {
        fixture.callback.body for fixture in map(load, (directory / "fixtures/recorded").rglob("*.json"))
    }
    assert {callback.body for callback in server.arrived} == bodies


def test_without_registration_each_message_names_its_url(tmp_path: Path) -> None:
    with running_dev(tmp_path, "--offline", "--demo", "all", "--no-register") as dev:
        dev.wait_for("ready")
        kinds = kinds_of(dev, 5)
        dev.stop()

    assert sorted(kinds) == ["messages-status"] * 2 + ["sms-receipt"] * 3
    assert "registered" not in dev.names()
    assert "The demo has no inbound messages: their URL must be registered" in dev.stderr
    receipts = [event for event in dev.events if event["event"] == "receipt"]
    signed = {event["signature"] for event in receipts if event["kind"] == "messages-status"}
    assert signed == {"valid"}  # by the secret that the session made for its simulator


def test_a_program_sends_an_inbound_message_through_the_session(tmp_path: Path) -> None:
    application_id = "00000000-1111-4222-8333-444444444444"
    with running_dev(tmp_path, "--offline", "--no-demo", "--inbound", "--application", application_id) as dev:
        simulator = dev.wait_for("ready")["simulator"]
        connection = HTTPConnection(urlsplit(simulator["url"]).netloc)
        for api in ("sms", "messages"):
            connection.request("POST", "/simulator/inbound", f'{{"text": "STOP", "api": "{api}"}}')
            assert connection.getresponse().read()
        connection.close()
        kinds = kinds_of(dev, 2)
        assert dev.stop() == 0

    assert sorted(kinds) == ["messages-inbound", "sms-inbound"]
    assert simulator["application_id"] == application_id
    readings = [load(entry.path).read() for entry in Store(tmp_path / "fixtures").entries()]
    assert {reading.body_text for reading in readings if isinstance(reading, Webhook)} == {"STOP"}


def test_a_demo_has_no_effect_in_a_live_session(tmp_path: Path) -> None:
    account = {"VONAGE_API_KEY": "abcd1234", "VONAGE_API_SECRET": "s3cret-value"}
    args = ["--demo", "all", "--public-url", "https://dlr.example.test"]
    with running_dev(tmp_path, *args, VONAGE_REST_HOST="127.0.0.1:9", **account) as dev:
        assert dev.finish() == 4

    assert "--demo has no effect in a live session" in dev.stderr
