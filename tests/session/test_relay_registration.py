"""`devkit relay register`, and what restores the former callback, against the simulator."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from devkit.cli import cli
from devkit.errors import CallbackHeldError, ConfigurationError, DevkitError, VonageError
from devkit.events import Event
from devkit.events.session import Registered
from devkit.session.project import Project
from devkit.session.relay import register_relay
from devkit.session.settings import Settings
from devkit.vonage.journal import Journal, read_journal, write_journal
from tests.support.live_account import environ, registered_callback, restored, set_callback, settings
from tests.support.relay_request import TEAM
from tests.support.settings_gateway import Gateway
from tests.support.simulator_client import PATH, Listener, listening

NOW = "2026-11-23T12:00:00+00:00"


class Relay:
    """A receiver that answers Vonage's probe, and its registration. events: those that were published."""

    def __init__(self, project: Project, settings: Settings, listener: Listener) -> None:
        self.events: list[Event] = []
        self.questions: list[str] = []
        self.base = listener.url.removesuffix(PATH)
        self.url = f"{listener.url}/{TEAM}"
        self._project, self._settings = project, replace(settings, callback_token=TEAM)

    def register(
        self, *, force: bool = False, agrees: bool = False, inbound: bool = False, url: str = ""
    ) -> None:
        def confirm(question: str) -> bool:
            self.questions.append(question)
            return agrees

        register_relay(
            self._settings,
            self._project,
            url or self.base,
            inbound=inbound,
            force=force,
            now=NOW,
            publish=self.events.append,
            confirm=confirm,
        )


@contextmanager
def relay_of(project: Project, vonage: Gateway) -> Iterator[Relay]:
    with listening() as listener:
        yield Relay(project, settings(vonage), listener)


def command(vonage: Gateway, *arguments: str, **more: str) -> Result:
    return CliRunner().invoke(cli, arguments, env=environ(vonage, DEVKIT_CALLBACK_TOKEN=TEAM, **more))


def test_the_account_has_the_relays_callback_until_it_is_restored(
    project: Project, vonage: Gateway, former: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.private.parent)
    with relay_of(project, vonage) as relay:
        relay.register()
        assert registered_callback(vonage) == relay.url
        assert relay.events == [Registered(relay.url, former.url)]
        journal = read_journal(project.relay_journal)
        assert journal
        assert (journal.former_url, journal.our_url) == (former.url, relay.url)
        assert project.relay_journal.stat().st_mode & 0o777 == 0o600

        without = command(vonage, "restore")  # for sessions: the relay outlasts them
        assert "Nothing to restore." in without.stdout
        assert "devkit restore --relay" in without.stderr
        assert registered_callback(vonage) == relay.url

        done = command(vonage, "restore", "--relay")
        assert done.exit_code == 0
        assert f"Restored: the account holds {former.url}" in done.stdout
        assert registered_callback(vonage) == former.url
        assert not project.relay_journal.exists()


def test_registering_again_changes_nothing(project: Project, vonage: Gateway) -> None:
    with relay_of(project, vonage) as relay:
        relay.register()
        journal, changes = read_journal(project.relay_journal), list(vonage.changes)
        relay.register()

    assert read_journal(project.relay_journal) == journal
    assert vonage.changes == changes
    assert "already" in str(relay.events[-1])


def test_the_registered_relay_stays_when_vonage_refuses_another_one(
    project: Project, vonage: Gateway, former: Listener
) -> None:
    with relay_of(project, vonage) as relay:
        relay.register()
        relay.events.clear()
        with pytest.raises(VonageError):
            relay.register(url="http://127.0.0.1:1")

        assert registered_callback(vonage) == relay.url
        assert relay.events == []
        journal = read_journal(project.relay_journal)
        assert journal
        assert (journal.our_url, journal.earlier_url, journal.former_url) == (relay.url, "", former.url)


def test_another_devkit_is_asked_about(project: Project, vonage: Gateway) -> None:
    with listening() as theirs, relay_of(project, vonage) as relay:
        theirs_url = f"{theirs.url}/a-token-of-another-devkit"
        set_callback(vonage, theirs_url)
        with pytest.raises(CallbackHeldError) as error:
            relay.register()
        assert "--force" in error.value.hint
        assert registered_callback(vonage) == theirs_url
        relay.register(agrees=True)

        assert registered_callback(vonage) == relay.url
        assert len(relay.questions) == 2


def test_a_killed_session_is_restored_first(project: Project, vonage: Gateway, former: Listener) -> None:
    with relay_of(project, vonage) as relay:
        ours = Journal(vonage.host, vonage.simulator.api_key, former.url, f"{relay.url}-of-a-session", NOW, 1)
        write_journal(project.journal, ours)
        with pytest.raises(ConfigurationError, match="A killed session left its callback") as error:
            relay.register()
        assert error.value.hint == "Restore the former one first: devkit restore"
        restored(settings(vonage), project)
        relay.register()

        assert registered_callback(vonage) == relay.url


def test_a_running_session_keeps_its_callback(project: Project, vonage: Gateway, former: Listener) -> None:
    with relay_of(project, vonage) as relay, project.session_lock(NOW):
        with pytest.raises(CallbackHeldError):
            relay.register()

        assert registered_callback(vonage) == former.url


def test_a_relay_that_does_not_answer_is_not_registered(
    project: Project, vonage: Gateway, former: Listener
) -> None:
    with relay_of(project, vonage) as relay:
        pass
    with pytest.raises(VonageError):
        relay.register()

    assert registered_callback(vonage) == former.url
    assert not project.relay_journal.exists()


def test_inbound_messages_can_come_to_the_relay_too(project: Project, vonage: Gateway) -> None:
    with relay_of(project, vonage) as relay:
        relay.register(inbound=True)

        assert vonage.simulator.account.mo_callback_url == relay.url


@pytest.mark.parametrize(
    "url",
    [
        "dlr.example.com",
        "http://dlr.example.com",
        "https://dlr.example.com/path",
        "https://[",
        "https://a:s3cret@c.test",
    ],
)
def test_what_is_no_public_url_is_refused(project: Project, vonage: Gateway, url: str) -> None:
    with (
        relay_of(project, vonage) as relay,
        pytest.raises(DevkitError, match=r"The public URL of the relay (is|has|holds)") as caught,
    ):
        relay.register(url=url)

    assert "s3cret" not in caught.value.message
    assert vonage.changes == []


def test_without_credentials_there_is_no_account(project: Project, tmp_path: Path) -> None:
    with listening() as listener, pytest.raises(ConfigurationError, match="no Vonage credentials"):
        Relay(project, Settings(), listener).register()


def test_the_command_says_what_it_did_and_how_to_undo_it(
    project: Project, vonage: Gateway, former: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.private.parent)
    with relay_of(project, vonage) as relay:
        done = command(vonage, "relay", "register", relay.base)

    assert done.exit_code == 0
    assert done.stdout == f"registered  the account's callback; it was {former.url}\n"
    assert "devkit restore --relay" in done.stderr
