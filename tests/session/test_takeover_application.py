"""Two sessions in two directories and one Vonage application, each in a process of its own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from devkit.simulator import Simulator, run_simulator
from devkit.vonage.account import AccountSetting
from devkit.vonage.client import Credentials, get_json, put_json
from tests.support.command import call
from tests.support.dev_process import DevProcess, running_dev
from tests.support.fake_application import APPLICATION
from tests.support.terminal_session import own_tunnel

pytestmark = pytest.mark.program


@pytest.fixture(scope="module")
def vonage() -> Iterator[Simulator]:
    with run_simulator() as simulator:
        yield simulator


def credentials(vonage: Simulator) -> Credentials:
    return Credentials(vonage.api_key, vonage.api_secret, vonage.host)


def path(vonage: Simulator) -> str:
    return f"/v2/applications/{vonage.application_id}"


def application_of(vonage: Simulator) -> dict[str, Any]:
    return get_json(credentials(vonage), path(vonage))


def addresses(vonage: Simulator) -> set[str]:
    webhooks = application_of(vonage)["capabilities"].get("messages", {}).get("webhooks", {})
    return {webhook["address"] for webhook in webhooks.values()}


def prepare(vonage: Simulator, *, is_set: bool) -> str:
    """The application as JSON before the sessions, with or without the messages capability."""
    wanted = {name: value for name, value in APPLICATION.items() if name not in ("id", "_links")}
    wanted["keys"] = application_of(vonage)["keys"]
    wanted["capabilities"] = {**wanted["capabilities"]}
    if not is_set:
        del wanted["capabilities"]["messages"]
    put_json(credentials(vonage), path(vonage), wanted)
    return json.dumps(application_of(vonage))


def environ(vonage: Simulator) -> dict[str, str]:
    return {
        "VONAGE_API_KEY": vonage.api_key,
        "VONAGE_API_SECRET": vonage.api_secret,
        "VONAGE_REST_HOST": vonage.host,
        "VONAGE_APPLICATION_ID": vonage.application_id,
    }


@contextmanager
def session(directory: Path, vonage: Simulator, *args: str) -> Iterator[DevProcess]:
    directory.mkdir(exist_ok=True)
    with running_dev(directory, *own_tunnel(), *args, **environ(vonage)) as dev:
        yield dev


def unset_callback(vonage: Simulator) -> None:
    """As somebody in the dashboard, so that only the application is that of another devkit."""
    AccountSetting(credentials(vonage)).set_callback("")


def test_the_second_session_is_refused_takes_over_by_force_and_gives_the_addresses_back(
    tmp_path: Path, vonage: Simulator
) -> None:
    before = prepare(vonage, is_set=True)
    with session(tmp_path / "first", vonage) as first:
        theirs = first.wait_for("ready")["callback_url"]
        unset_callback(vonage)
        with session(tmp_path / "second", vonage) as refused:
            assert refused.finish() == 6
        assert addresses(vonage) == {theirs}
        with session(tmp_path / "second", vonage, "--force") as second:
            ours = second.wait_for("ready")["callback_url"]
            assert addresses(vonage) == {ours}
            assert second.stop() == 0
        assert addresses(vonage) == {theirs}
        assert first.stop() == 0

    host = theirs.split("/")[2]
    error, hint = refused.stderr.splitlines()[-2:]
    assert error == f"Error: The application's status URL is that of another devkit, at {host}."
    assert "devkit dev --force" in hint
    assert f"The application's inbound URL is that of another devkit, at {host}." in second.stderr
    assert theirs not in refused.stderr + second.stderr  # its path is a secret
    assert json.dumps(application_of(vonage)) == before
    assert list(tmp_path.glob("*/.devkit/registration*")) == []


def test_when_the_first_session_ends_first_a_restore_in_its_directory_gives_the_addresses_back(
    tmp_path: Path, vonage: Simulator
) -> None:
    before = prepare(vonage, is_set=False)
    with session(tmp_path / "first", vonage) as first:
        theirs = first.wait_for("ready")["callback_url"]
        unset_callback(vonage)
        with session(tmp_path / "second", vonage, "--force") as second:
            ours = second.wait_for("ready")["callback_url"]
            assert first.stop() == 0
            assert addresses(vonage) == {ours}
            assert second.stop() == 0
    assert addresses(vonage) == {theirs}  # which nobody serves any more
    done = call(tmp_path / "first", "restore", **environ(vonage))

    kept = [event["setting"] for event in first.events if event["event"] == "restored" and event["kept"]]
    assert kept == ["inbound_url", "status_url", "drCallBackUrl"]
    assert "type in this project: devkit restore" in first.stderr
    host = theirs.split("/")[2]
    for name in ("status", "inbound"):
        words = f"The application's {name} URL is that of another devkit again, at {host}."
        assert f"{words} If that has ended, type in its project: devkit restore" in second.stderr
    assert done.code == 0, done.err
    assert json.dumps(application_of(vonage)) == before
    assert list(tmp_path.glob("*/.devkit/registration*")) == []
