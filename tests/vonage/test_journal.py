import errno
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from devkit.errors import ConfigurationError
from devkit.vonage.account import AccountSetting
from devkit.vonage.client import Credentials
from devkit.vonage.journal import Journal, read_journal
from tests.support.fake_account import CREDENTIALS, FORMER, JOURNAL, OTHERS, OURS, FakeSession, Platform


def test_the_journal_is_private_and_on_disk_before_the_first_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    platform = Platform()
    session = FakeSession(tmp_path, platform)
    real_fsync = os.fsync

    def fsync(file: int) -> None:
        done.append("directory" if stat.S_ISDIR(os.fstat(file).st_mode) else "file")
        real_fsync(file)

    def post(credentials: Credentials, path: str, params: dict[str, str]) -> Mapping[str, object]:
        if params and OURS in params.values():
            done.append("change")
            assert read_journal(session.path) == JOURNAL
            assert stat.S_IMODE(session.path.stat().st_mode) == 0o600
        return platform.post(credentials, path, params)

    monkeypatch.setattr(os, "fsync", fsync)
    session.account = AccountSetting(CREDENTIALS, post)
    with session.registered():
        assert done == ["file", "directory", "change"]


def test_the_journal_holds_no_secret(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, Platform())
    with session.registered():
        assert "s3cret-value" not in session.path.read_text()


def test_a_journal_that_cannot_be_written_keeps_everything_as_it_is(tmp_path: Path) -> None:
    platform = Platform()
    session = FakeSession(tmp_path / "missing", platform)

    with pytest.raises(ConfigurationError, match="Nothing was changed"), session.registered():
        pytest.fail("must not begin")

    assert platform.changes == []


def test_a_full_disk_after_the_restoration_is_not_said_to_have_changed_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = Platform()
    pending = "https://older.example.com/dlr"
    session = killed(tmp_path, platform, replace(JOURNAL, pending_url=pending))

    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as disk:
        disk.setattr("devkit.durable.files.replace", full)
        with pytest.raises(ConfigurationError) as caught:
            session.restore()

    assert platform.callback == FORMER
    assert "No space left on device. It should say that https://older.example.com/dlr" in caught.value.message
    session.restore()
    journal = read_journal(session.path)
    assert journal
    assert (journal.former_url, journal.pending_url) == (pending, "")


def test_the_journal_of_another_session_in_this_directory_stays(tmp_path: Path) -> None:
    platform = Platform()
    session = FakeSession(tmp_path, platform)
    theirs = replace(JOURNAL, our_url=OTHERS, pid=2)

    with session.registered():
        platform.callback = OTHERS
        session.path.write_text(json.dumps(asdict(theirs)))

    assert read_journal(session.path) == theirs


def killed(tmp_path: Path, platform: Platform, journal: Journal = JOURNAL) -> FakeSession:
    """What a killed session leaves: ours in the account, and the journal."""
    session = FakeSession(tmp_path, platform)
    session.path.write_text(json.dumps(asdict(journal)))
    platform.callback = OURS
    return session


def former_callback(session: FakeSession) -> str:
    """What the next session will take for the former callback."""
    return session.next_journal(OURS).former_url


def test_after_a_killed_session_the_journal_says_what_belongs_there(tmp_path: Path) -> None:
    platform = Platform()
    session = killed(tmp_path, platform)

    assert former_callback(session) == FORMER


def test_a_killed_session_is_restored_from_its_journal(tmp_path: Path) -> None:
    platform = Platform()
    session = killed(tmp_path, platform)

    session.restore()

    assert platform.callback == FORMER
    assert not session.path.exists()


@pytest.mark.parametrize("other", [{"host": "127.0.0.1:9"}, {"api_key": "ffff0000"}, {"our_url": OTHERS}])
def test_a_journal_of_another_account_or_callback_is_not_believed(
    tmp_path: Path, other: dict[str, str]
) -> None:
    platform = Platform()
    session = killed(tmp_path, platform)
    session.path.write_text(json.dumps({**asdict(JOURNAL), **other}))

    assert former_callback(session) == OURS


def test_without_a_journal_the_account_is_believed(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, Platform())

    assert former_callback(session) == FORMER


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"host": "x"}',
        json.dumps({**asdict(JOURNAL), "new": 1}),
        json.dumps({**asdict(JOURNAL), "former_application": "{"}),
        json.dumps({**asdict(JOURNAL), "former_application": "[]"}),
        json.dumps({**asdict(JOURNAL), "setting": "other_url"}),
    ],
)
def test_a_spoilt_journal_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "registration.json"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=r"registration\.json cannot be read"):
        read_journal(path)


def test_a_journal_from_before_there_were_other_settings_is_read(tmp_path: Path) -> None:
    path = tmp_path / "registration.json"
    names = ("host", "api_key", "former_url", "our_url", "since", "pid", "earlier_url", "pending_url")
    path.write_text(json.dumps({name: getattr(JOURNAL, name) for name in names}))

    assert read_journal(path) == JOURNAL
