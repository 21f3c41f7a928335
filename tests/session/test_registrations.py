"""Which callback URLs a session sets: the account's two, and those of an application."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from devkit.errors import ConfigurationError, VonageError
from devkit.events import Event, Notice
from devkit.events.session import Ready, Registered, Restored
from devkit.session.credentials import parse_application_id
from devkit.session.project import Project
from devkit.session.restore import restore
from devkit.session.run import SessionOptions, run
from devkit.session.settings import Settings, read_settings
from devkit.session.signals import Shutdown
from devkit.simulator import Simulator, run_simulator
from devkit.vonage.account import AccountSetting
from devkit.vonage.client import Credentials
from devkit.vonage.journal import Journal, journal_path, write_journal
from devkit.vonage.restoration import Restoration
from devkit.vonage.setting import AccountSettingName
from tests.support.command import call
from tests.support.raw_socket import closed_port
from tests.support.simulator_client import listening

APPLICATION_ID = "78d335fa-323d-0114-9c3d-d6f0d48968cf"
OURS = "http://127.0.0.1:9/webhooks/delivery-receipt/a-token-of-the-tests"


@pytest.fixture
def vonage() -> Iterator[Simulator]:
    with run_simulator() as simulator:
        yield simulator


def settings(vonage: Simulator, directory: Path) -> Settings:
    port = closed_port()
    return Settings(
        api_key=vonage.api_key,
        api_secret=vonage.api_secret,
        rest_host=vonage.host,
        port=port,
        inspector_port=0,
        public_url=f"http://127.0.0.1:{port}",
        fixtures=directory / "fixtures",
    )


def run_until_ready(settings: Settings, options: SessionOptions, directory: Path) -> list[Event]:
    """The events of a session that is stopped as soon as it is ready."""
    stop, events = Shutdown(), list[Event]()

    def publish(event: Event) -> None:
        events.append(event)
        if isinstance(event, Ready):
            stop.request()

    run(settings, options, directory, publish, stop, lambda question: False)
    return events


def set_inbound_url(vonage: Simulator, url: str) -> None:
    credentials = Credentials(vonage.api_key, vonage.api_secret, vonage.host)
    AccountSetting(credentials, name="moCallBackUrl").set_callback(url)


def test_inbound_url_is_the_sessions_and_restored(tmp_path: Path, vonage: Simulator) -> None:
    with listening() as former:
        set_inbound_url(vonage, former.url)
        events = run_until_ready(settings(vonage, tmp_path), SessionOptions(inbound=True), tmp_path)

    (ready,) = (event for event in events if isinstance(event, Ready))
    changes = [event for event in events if isinstance(event, Registered | Restored)]
    assert changes == [
        Registered(ready.callback_url, "", "drCallBackUrl"),
        Registered(ready.callback_url, former.url, "moCallBackUrl"),
        Restored(former.url, setting="moCallBackUrl"),
        Restored("", setting="drCallBackUrl"),
    ]
    assert (vonage.account.mo_callback_url, vonage.account.dr_callback_url) == (former.url, "")


def test_without_the_option_the_inbound_url_stays_unchanged(tmp_path: Path, vonage: Simulator) -> None:
    events = run_until_ready(settings(vonage, tmp_path), SessionOptions(), tmp_path)

    assert {event.setting for event in events if isinstance(event, Registered)} == {"drCallBackUrl"}


def test_nothing_is_changed_when_the_application_is_unknown(tmp_path: Path, vonage: Simulator) -> None:
    chosen = replace(settings(vonage, tmp_path), application_id=APPLICATION_ID)

    with pytest.raises(VonageError):
        run_until_ready(chosen, SessionOptions(inbound=True), tmp_path)

    assert (vonage.account.mo_callback_url, vonage.account.dr_callback_url) == ("", "")
    assert list((tmp_path / ".devkit").glob("registration*")) == []


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--inbound", "--no-register"), "--inbound and --no-register exclude each other"),
        (("--application", APPLICATION_ID, "--no-register"), "--application and --no-register exclude"),
        (("--demo", "all", "--no-demo"), "--demo and --no-demo exclude each other"),
        (("--inbound", "--relay", "https://relay.example.test"), "--inbound sets a URL of this session"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    tmp_path: Path, args: tuple[str, ...], words: str
) -> None:
    done = call(tmp_path, "dev", *args, DEVKIT_RELAY_KEY="a-key-of-the-tests-of-the-relay")

    assert done.code == 2
    assert words in done.err.splitlines()[0]
    assert len(done.err.splitlines()) == 2


def test_a_session_says_what_an_earlier_one_left_that_it_does_not_set_itself(
    tmp_path: Path, project: Project, vonage: Simulator
) -> None:
    journal = Journal(vonage.host, vonage.api_key, "", OURS, "", 1, setting="moCallBackUrl")
    write_journal(journal_path(project.journal, "moCallBackUrl"), journal)

    events = run_until_ready(settings(vonage, tmp_path), SessionOptions(), tmp_path)

    words = "An earlier session has not restored the account's inbound URL"
    (notice,) = (event.text for event in events if isinstance(event, Notice) and words in event.text)
    assert "devkit restore" in notice
    assert journal_path(project.journal, "moCallBackUrl").exists()


@pytest.mark.parametrize("text", ["my-app", "../../account", APPLICATION_ID[:-1], APPLICATION_ID + "0"])
def test_text_that_is_no_application_id_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match="VONAGE_APPLICATION_ID is") as caught:
        read_settings({"VONAGE_APPLICATION_ID": text}, tmp_path)
    done = call(tmp_path, "dev", "--application", text)

    assert "Applications" in caught.value.hint
    assert done.code == 3
    assert done.err.splitlines()[0].startswith("Error: --application is")


def test_an_application_id_is_one_text_in_any_case() -> None:
    assert parse_application_id(APPLICATION_ID.upper()) == APPLICATION_ID
    assert parse_application_id("") == ""


def test_each_url_that_a_killed_session_left_is_restored_even_when_one_is_refused(
    tmp_path: Path, project: Project, vonage: Simulator
) -> None:
    with listening() as former, listening() as dead, listening() as ours:
        journal = Journal(vonage.host, vonage.api_key, former.url, ours.url, "", 1)
        former_urls: dict[AccountSettingName, str] = {"moCallBackUrl": dead.url, "drCallBackUrl": former.url}
        for name, former_url in former_urls.items():
            changed = replace(journal, setting=name, former_url=former_url)
            write_journal(journal_path(project.journal, name), changed)
            AccountSetting(
                Credentials(vonage.api_key, vonage.api_secret, vonage.host), name=name
            ).set_callback(ours.url)
        dead.probe = 404

        done: list[Restoration] = []
        with pytest.raises(VonageError, match=f"The former inbound URL {dead.url} could not be restored"):
            done.extend(restore(settings(vonage, tmp_path), project, clear=False, now=""))

    assert [(each.setting, each.outcome) for each in done] == [("drCallBackUrl", "given-back")]
    assert vonage.account.dr_callback_url == former.url
    assert [path.name for path in project.private.glob("registration*")] == [
        "registration-moCallBackUrl.json"
    ]
