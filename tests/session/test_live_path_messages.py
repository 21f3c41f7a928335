"""The live path with an application and the inbound URL: the simulator in a process of its own, the real SDK, the real
pyngrok that drives a stand-in agent. The session is killed, and `devkit restore` restores every URL."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from devkit.fixture.format import load
from devkit.vonage.account import AccountSetting, read_urls
from devkit.vonage.client import ApplicationKey, Credentials, get_json, put_json
from devkit.vonage.sms import send_message
from devkit.webhook.kinds import MessagesStatus
from devkit.webhook.receipt import Webhook
from tests.support.command import call
from tests.support.dev_process import DevProcess, running_dev, running_simulate
from tests.support.fake_application import APPLICATION
from tests.support.simulator_client import listening
from tests.support.standin import install_standin

pytestmark = pytest.mark.program

NUMBER = "447700900000"


@dataclass(frozen=True)
class Vonage:
    """The platform, in a process of its own."""

    credentials: Credentials
    application_id: str
    private_key: Path

    @property
    def path(self) -> str:
        return f"/v2/applications/{self.application_id}"

    @property
    def application(self) -> dict[str, Any]:
        return get_json(self.credentials, self.path)

    def put(self, application: Mapping[str, Any]) -> None:
        """As somebody in the dashboard."""
        put_json(self.credentials, self.path, dict(application))

    def control(self, path: str, document: Mapping[str, object]) -> None:
        answer = requests.post(f"http://{self.credentials.host}/simulator/{path}", json=document, timeout=30)
        assert answer.ok, answer.text

    def environ(self, agent: Path) -> dict[str, str]:
        return {
            "VONAGE_API_KEY": self.credentials.api_key,
            "VONAGE_API_SECRET": self.credentials.api_secret,
            "VONAGE_REST_HOST": self.credentials.host,
            "VONAGE_PRIVATE_KEY": str(self.private_key),
            "VONAGE_APPLICATION_ID": self.application_id,
            "NGROK_AUTHTOKEN": "2abcDEFauthtokenNeverShown_0123456789",
            "PYNGROK_NGROK_PATH": str(agent),
        }


@contextmanager
def simulate(directory: Path) -> Iterator[Vonage]:
    """With an application that has fields which the SDK's models lose."""
    directory.mkdir()
    with running_simulate(directory) as simulator:
        ready = simulator.wait_for("ready")
        credentials = Credentials(ready["api_key"], ready["api_secret"], ready["host"])
        vonage = Vonage(credentials, ready["application_id"], Path(ready["private_key"]))
        keys = vonage.application["keys"]
        kept = {name: value for name, value in APPLICATION.items() if name not in ("id", "_links")}
        vonage.put({**kept, "keys": keys})
        vonage.control("settings", {"speed": 10})
        yield vonage


@pytest.fixture
def vonage(tmp_path: Path) -> Iterator[Vonage]:
    with simulate(tmp_path / "platform") as platform:
        yield platform


def reading(event: Mapping[str, Any]) -> Webhook:
    webhook = load(Path(event["file"])).read()
    assert isinstance(webhook, Webhook)
    return webhook


def messages_addresses(application: Mapping[str, Any]) -> set[str]:
    webhooks = application["capabilities"]["messages"]["webhooks"]
    return {webhook["address"] for webhook in webhooks.values()}


def receive_all_kinds(dev: DevProcess, vonage: Vonage) -> None:
    """A status that the application's URL gets, and inbound messages at the account's URL and at the application's."""
    key = ApplicationKey(vonage.application_id, vonage.private_key.read_text())
    uuid = send_message(vonage.credentials, to=NUMBER, sender="AcmeInc", text="Hello", application=key)
    statuses = [dev.wait_for("receipt") for _ in range(2)]
    assert [event["status"] for event in statuses] == ["submitted", "delivered"]
    assert {event["message_id"] for event in statuses} == {uuid}
    assert isinstance(reading(statuses[0]), MessagesStatus)

    vonage.control("inbound", {"text": "STOP please"})
    by_account = reading(dev.wait_for("receipt"))
    vonage.control("settings", {"messaging_api": "messages"})
    vonage.control("inbound", {"text": "HELP"})
    by_application = reading(dev.wait_for("receipt"))
    assert (by_account.kind, by_account.body_text) == ("sms-inbound", "STOP please")
    assert (by_application.kind, by_application.body_text) == ("messages-inbound", "HELP")


def test_after_sigkill_application_and_account_are_as_before_but_for_what_somebody_else_changed(
    tmp_path: Path, vonage: Vonage
) -> None:
    agent = install_standin(tmp_path)
    with listening() as receipts, listening() as inbound:
        AccountSetting(vonage.credentials, name="drCallBackUrl").set_callback(receipts.url)
        AccountSetting(vonage.credentials, name="moCallBackUrl").set_callback(inbound.url)
        account, application = read_urls(vonage.credentials), vonage.application

        with running_dev(tmp_path, "--inbound", **vonage.environ(agent)) as dev:
            callback_url = dev.wait_for("ready")["callback_url"]
            assert set(read_urls(vonage.credentials).values()) == {callback_url}
            assert messages_addresses(vonage.application) == {callback_url}
            receive_all_kinds(dev, vonage)
            sent = call(
                tmp_path,
                *("send", "--api", "messages", "--to", NUMBER, "--wait", "--timeout", "60"),
                **vonage.environ(agent),
            )
            changed = deepcopy(vonage.application)
            changed["name"] = "Renamed in the dashboard"
            changed["capabilities"]["voice"]["payment_enabled"] = False
            vonage.put({name: value for name, value in changed.items() if name not in ("id", "_links")})
            dev.process.kill()
            dev.process.wait()

        assert sent.code == 0, sent.err
        assert sent.out[-1].endswith("1 delivered: every part has a final status")
        journals = sorted(path.name for path in (tmp_path / ".devkit").glob("registration*"))
        restored = call(tmp_path, "restore", "--json", **vonage.environ(agent))

        assert len(journals) == 4
        assert restored.code == 0, restored.err
        assert [json.loads(line)["outcome"] for line in restored.out] == ["given-back"] * 4
        assert read_urls(vonage.credentials) == account
    expected = deepcopy(application)
    expected["name"] = "Renamed in the dashboard"
    expected["capabilities"]["voice"]["payment_enabled"] = False
    assert json.dumps(vonage.application) == json.dumps(expected)
    assert list((tmp_path / ".devkit").glob("registration*")) == []
    private_key = vonage.private_key.read_text().splitlines()[1]
    assert private_key not in dev.stderr + str(dev.events) + sent.err + str(sent.out)


def test_a_session_adds_a_missing_capability_and_removes_it_when_it_stops(
    tmp_path: Path, vonage: Vonage
) -> None:
    application = vonage.application
    del application["capabilities"]["messages"]
    vonage.put({name: value for name, value in application.items() if name not in ("id", "_links")})
    before = json.dumps(vonage.application)

    with running_dev(tmp_path, **vonage.environ(install_standin(tmp_path))) as dev:
        callback_url = dev.wait_for("ready")["callback_url"]
        during = messages_addresses(vonage.application)
        assert dev.stop() == 0

    assert during == {callback_url}
    assert json.dumps(vonage.application) == before
    assert "come to the application, if the account's Messaging API type is Messages API" in dev.stderr


def test_a_session_that_vonage_refuses_leaves_everything_as_it_was(tmp_path: Path, vonage: Vonage) -> None:
    before = json.dumps(vonage.application), read_urls(vonage.credentials)
    environ = vonage.environ(install_standin(tmp_path))
    unknown = environ | {"VONAGE_APPLICATION_ID": vonage.application_id.replace("a", "b")}
    wrong_key = environ | {"VONAGE_API_SECRET": "wrong"}
    with running_dev(tmp_path, "--inbound", **unknown) as dev:
        assert (dev.finish(), len(dev.stderr.splitlines())) == (4, 2)
    assert f"has no application {unknown['VONAGE_APPLICATION_ID']}" in dev.stderr
    with running_dev(tmp_path, "--inbound", **wrong_key) as dev:
        assert (dev.finish(), len(dev.stderr.splitlines())) == (4, 2)
    assert "refused the API key" in dev.stderr

    assert (json.dumps(vonage.application), read_urls(vonage.credentials)) == before
    assert list((tmp_path / ".devkit").glob("registration*")) == []
