"""`devkit dev --relay`: a session that follows a relay, with all that a session has."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from devkit.cli import cli
from devkit.session.project import is_followed, project_in
from tests.support.command import call
from tests.support.dev_process import clean_environ, running_dev
from tests.support.memory_engine import relayed_receipt
from tests.support.recording_server import recording_server
from tests.support.redis_server import RedisServer
from tests.support.relayed import Relay, relay_on

CALLBACK = f"https://dlr.example.test/r/{'t' * 22}/ada"


@pytest.fixture
def relay(shared_redis: RedisServer) -> Iterator[Relay]:
    with relay_on(shared_redis) as relay:
        yield relay


def get(url: str) -> tuple[int, str]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_a_relay_replaces_tunnel_and_registration_and_nothing_else(tmp_path: Path, relay: Relay) -> None:
    relay.put("ada", 1)
    relay.put("grace", 2)
    environ = {**relay.environ, "DEVKIT_RELAY_CALLBACK": CALLBACK}
    project = project_in(tmp_path)
    with (
        recording_server() as application,
        running_dev(tmp_path, "--relay", relay.server.url, "--forward-to", application.url, **environ) as dev,
    ):
        ready = dev.wait_for("ready")
        assert (ready["mode"], ready["relay"], ready["who"]) == ("live", relay.server.url, "ada")
        assert (ready["callback_url"], ready["public_url"]) == (CALLBACK, "https://dlr.example.test")
        dev.wait_for("forwarded", message_id="0A00000000000001", answer=200)
        # The receipt is forwarded while the rest is read: either may be told first.
        told = [event for event in dev.events if event["event"] == "caught_up"]
        caught_up = told[0] if told else dev.wait_for("caught_up")
        assert (caught_up["mine"], caught_up["others"]) == (1, 1)
        session = project.session()
        assert session
        assert (session.relay, session.callback_url, session.local_url) == (
            relay.server.url,
            CALLBACK,
            ready["local_url"],
        )
        assert is_followed(project)

        commands = clean_environ(tmp_path)
        triggered = call(tmp_path, "trigger", "failed", "--json", **commands)
        dev.wait_for("receipt", triggered=True, who="")
        relay.put_fixture("", replace(relayed_receipt(3), recorded_at=datetime.now(UTC)))
        waited = call(tmp_path, "wait", "0A00000000000003", **commands)
        status, state = get(f"{ready['inspector_url']}/ready")
        listed = get(f"{ready['inspector_url']}/api/receipts")[1]
        page = get(f"{ready['inspector_url']}/?who=ada")[1]

        assert dev.stop() == 0

    assert triggered.code == 0
    assert waited.code == 0, waited
    assert (status, json.loads(state)["state"]) == (200, "ready")
    assert "0A00000000000003" in listed
    assert "relay: live, 0 behind, kept since" in page
    assert page.count('<li class="message"') == 1
    assert len(application.arrived) == 3
    assert project.session() is None
    assert not is_followed(project)
    assert "tunnel" not in dev.names()
    assert "registered" not in dev.names()


def test_a_session_without_a_callback_of_its_own_and_without_the_accounts_secret_follows_too(
    tmp_path: Path, relay: Relay
) -> None:
    with running_dev(tmp_path, **{**relay.environ, "VONAGE_API_SECRET": "", "DEVKIT_WHO": "ada"}) as dev:
        assert dev.wait_for("ready")["callback_url"] == ""
        assert dev.stop() == 0

    assert "DEVKIT_RELAY_CALLBACK is not set" in dev.stderr


def test_offline_and_an_empty_relay_win_over_the_setting(
    tmp_path: Path, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    for option in (["--offline"], ["--relay", ""]):
        with running_dev(tmp_path, *option, "--no-demo", DEVKIT_RELAY=relay.server.url) as dev:
            ready = dev.wait_for("ready")
            assert (ready["mode"], ready["relay"]) == ("offline", "")
            assert dev.stop() == 0

    monkeypatch.chdir(tmp_path)
    both = CliRunner().invoke(cli, ["dev", "--offline", "--relay", relay.server.url], prog_name="devkit")
    assert both.exit_code == 2
    assert "--relay and --offline exclude each other." in both.stderr
