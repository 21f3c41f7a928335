"""`devkit restore`, from what a killed session leaves: its callback in the account, and the journal."""

import json
import os
from pathlib import Path

import pytest

from devkit.errors import CallbackHeldError, ConfigurationError, VonageError
from devkit.session.project import Project, project_in
from devkit.session.settings import Settings
from devkit.vonage.journal import Journal, read_journal, write_journal
from devkit.vonage.restoration import Restoration
from tests.support.command import call
from tests.support.dev_process import running_dev
from tests.support.live_account import environ, registered_callback, restored, set_callback, settings
from tests.support.settings_gateway import Gateway
from tests.support.simulator_client import Listener, listening

NOW = "2026-11-23T12:00:00+00:00"
OURS = "http://127.0.0.1:9/webhooks/delivery-receipt/a-token-of-the-tests"


def killed(project: Project, vonage: Gateway, former_url: str, ours: Listener) -> Journal:
    """What a killed session leaves: its callback in the account, and the journal."""
    set_callback(vonage, ours.url)
    journal = Journal(vonage.host, vonage.simulator.api_key, former_url, ours.url, NOW, 1)
    write_journal(project.journal, journal)
    return journal


def run_restore(project: Project, vonage: Gateway, *, clear: bool = False) -> Restoration:
    return restored(settings(vonage), project, clear=clear)


def test_the_former_callback_is_restored_and_the_second_time_there_is_nothing_to_do(
    project: Project, vonage: Gateway, former: Listener
) -> None:
    with listening() as ours:
        killed(project, vonage, former.url, ours)

    assert run_restore(project, vonage) == Restoration("given-back", former.url, former.url)
    assert registered_callback(vonage) == former.url
    assert run_restore(project, vonage) == Restoration("nothing")
    assert [path.name for path in project.private.iterdir()] == [".gitignore"]


def test_a_private_directory_of_another_user_is_not_believed(
    project: Project, vonage: Gateway, former: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening() as ours:
        killed(project, vonage, former.url, ours)
    monkeypatch.setattr(Project, "_is_own", lambda project: False)

    with pytest.raises(ConfigurationError, match="belongs to another user"):
        run_restore(project, vonage)

    assert vonage.changes == []


def test_what_somebody_else_has_set_stays_unchanged(
    project: Project, vonage: Gateway, former: Listener
) -> None:
    with listening() as ours, listening() as theirs:
        killed(project, vonage, former.url, ours)
        set_callback(vonage, theirs.url)

    assert run_restore(project, vonage) == Restoration(
        "left-alone", theirs.url, former.url, lost_url=former.url
    )
    assert registered_callback(vonage) == theirs.url
    assert not project.journal.exists()


def test_a_dead_former_callback_is_reported_and_kept_until_it_is_cleared(
    project: Project, vonage: Gateway, former: Listener
) -> None:
    with listening() as ours:
        journal = killed(project, vonage, former.url, ours)
    former.probe = 404

    with pytest.raises(VonageError, match="could not be restored") as caught:
        run_restore(project, vonage)
    assert "devkit restore --clear" in caught.value.hint
    assert read_journal(project.journal) == journal
    assert vonage.changes == [former.url]

    assert run_restore(project, vonage, clear=True) == Restoration("cleared", "", former.url)
    assert registered_callback(vonage) == ""
    assert not project.journal.exists()


def test_where_there_was_no_session_nothing_is_made_and_nobody_is_asked(tmp_path: Path) -> None:
    assert restored(Settings(), project_in(tmp_path)) == Restoration("nothing")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (Settings(), "no credentials"),
        (Settings(api_key="ffff0000", api_secret="x"), "another Vonage account"),
    ],
)
def test_without_the_account_it_says_what_is_missing(
    project: Project, vonage: Gateway, former: Listener, other: Settings, words: str
) -> None:
    with listening() as ours:
        killed(project, vonage, former.url, ours)

    with pytest.raises(ConfigurationError, match=words):
        restored(other, project)
    assert project.journal.exists()


def test_while_a_session_runs_it_is_left_to_that_session(project: Project) -> None:
    with (
        project.session_lock("2026-11-23T11:00:00+00:00"),
        pytest.raises(CallbackHeldError, match=f"process {os.getpid()}, since 2026-11-23T11:00:00"),
    ):
        restored(Settings(), project)


def test_the_command_says_what_it_did(
    tmp_path: Path, project: Project, vonage: Gateway, former: Listener
) -> None:
    with listening() as ours:
        killed(project, vonage, former.url, ours)

    done = call(tmp_path, "restore", "--json", **environ(vonage))
    again = call(tmp_path, "restore", **environ(vonage))

    assert (done.code, done.err) == (0, "")
    assert [json.loads(line) for line in done.out] == [
        {
            "event": "restored",
            "outcome": "given-back",
            "callback_url": former.url,
            "former_url": former.url,
            "setting": "drCallBackUrl",
        }
    ]
    assert (again.code, again.out) == (0, ["Nothing to restore."])


def test_by_force_it_is_restored_whatever_the_account_holds_and_that_is_printed(
    tmp_path: Path, project: Project, vonage: Gateway, former: Listener
) -> None:
    with listening() as ours, listening() as theirs:
        killed(project, vonage, former.url, ours)
        set_callback(vonage, their_devkit := f"{theirs.url}/0123456789abcdef")

        left = call(tmp_path, "restore", "--json", **environ(vonage))
        both = call(tmp_path, "restore", "--force", "--clear", **environ(vonage))
        assert registered_callback(vonage) == their_devkit
        done = call(tmp_path, "restore", "--force", **environ(vonage))

    assert json.loads(left.out[0])["outcome"] == "left-alone"
    assert json.loads(left.out[0])["pending_url"] == former.url
    assert "devkit restore --force" in left.err
    assert both.code == 2
    assert f"The account holds {their_devkit}, which is replaced." in done.err
    assert registered_callback(vonage) == former.url
    assert not project.journal.exists()


def test_offline_session_does_not_forget_what_a_live_one_has_left(tmp_path: Path, project: Project) -> None:
    left = Journal("rest.nexmo.com", "abcd1234", "https://production.example.com/dlr", OURS, NOW, 1)
    write_journal(project.journal, left)

    with running_dev(tmp_path, "--no-demo") as dev:
        dev.wait_for("ready")
        assert dev.stop() == 0

    assert read_journal(project.journal) == left


def test_session_with_another_account_does_not_forget_it_either(
    tmp_path: Path, project: Project, vonage: Gateway, former: Listener
) -> None:
    left = Journal("rest.nexmo.com", "ffff0000", "https://production.example.com/dlr", OURS, NOW, 1)
    write_journal(project.journal, left)

    with running_dev(tmp_path, "--public-url", "http://127.0.0.1:9", **environ(vonage)) as dev:
        assert dev.finish() == 3

    assert "another Vonage account" in dev.stderr
    assert "devkit restore" in dev.stderr
    assert read_journal(project.journal) == left
    assert registered_callback(vonage) == former.url
