from dataclasses import replace
from pathlib import Path

import pytest

from devkit.errors import VonageError
from devkit.events.session import Registered, Restored
from devkit.vonage.account import AccountSetting
from devkit.vonage.journal import read_journal
from tests.support.fake_account import CREDENTIALS, FORMER, JOURNAL, OTHERS, OURS, FakeSession, Platform


def test_the_callback_is_ours_in_between_and_restored_after(tmp_path: Path) -> None:
    platform = Platform()
    session = FakeSession(tmp_path, platform)

    with session.registered():
        assert platform.callback == OURS
        assert session.events == [Registered(OURS, FORMER)]

    assert platform.callback == FORMER
    assert session.events[1:] == [Restored(FORMER)]
    assert platform.changes == [OURS, FORMER]
    assert not session.path.exists()


def test_it_is_restored_when_the_session_fails(tmp_path: Path) -> None:
    platform = Platform()

    with pytest.raises(ZeroDivisionError), FakeSession(tmp_path, platform).registered():
        raise ZeroDivisionError

    assert platform.callback == FORMER


def test_an_account_without_a_callback_has_none_again(tmp_path: Path) -> None:
    platform = Platform("")
    session = FakeSession(tmp_path, platform, replace(JOURNAL, former_url=""))

    with session.registered():
        pass

    assert platform.changes == [OURS, ""]
    assert session.events[-1] == Restored("")


@pytest.mark.parametrize("answer", [{}, {"dr-callback-url": None}, {"dr-callback-url": ""}])
def test_no_callback_is_read_however_it_is_said(answer: dict[str, object]) -> None:
    assert AccountSetting(CREDENTIALS, lambda *_: answer).read().url == ""


def test_what_somebody_else_set_meanwhile_stays_unchanged(tmp_path: Path) -> None:
    platform = Platform()
    session = FakeSession(tmp_path, platform)

    with session.registered():
        platform.callback = OTHERS

    assert platform.callback == OTHERS
    assert platform.changes == [OURS]
    assert session.events[-1] == Restored(OTHERS, kept=True)
    assert not session.path.exists()


def test_what_somebody_put_back_by_hand_is_not_posted_again(tmp_path: Path) -> None:
    platform = Platform()
    session = FakeSession(tmp_path, platform)

    with session.registered():
        platform.callback = FORMER

    assert platform.changes == [OURS]
    assert session.events[-1] == Restored(FORMER)


def test_nothing_is_posted_at_the_end_when_ours_was_there_before(tmp_path: Path) -> None:
    platform = Platform(OURS)
    session = FakeSession(tmp_path, platform, replace(JOURNAL, former_url=OURS))

    with session.registered():
        pass

    assert platform.changes == [OURS]
    assert not session.path.exists()


def test_200_that_changed_nothing_is_noticed_and_leaves_nothing(tmp_path: Path) -> None:
    platform = Platform(says_yes_to=OURS)
    session = FakeSession(tmp_path, platform)

    with pytest.raises(VonageError, match=f"holds {FORMER} instead of {OURS}"), session.registered():
        pytest.fail("must not begin")

    assert (platform.callback, platform.changes) == (FORMER, [OURS])
    assert session.events == []
    assert not session.path.exists()


def test_200_with_an_error_in_it_is_an_error(tmp_path: Path) -> None:
    answer = {"error-code": "420", "error-code-label": "callback\x1b[31m failed"}

    with pytest.raises(VonageError, match=r"error 420: callback \[31m failed"):
        AccountSetting(CREDENTIALS, lambda *_: answer).set_callback(OURS)


def test_a_refused_url_of_ours_changes_nothing(tmp_path: Path) -> None:
    platform = Platform(refuses=OURS)
    session = FakeSession(tmp_path, platform)

    with pytest.raises(VonageError, match="420"), session.registered():
        pytest.fail("must not begin")

    assert platform.callback == FORMER
    assert session.events == []
    assert not session.path.exists()


@pytest.mark.parametrize("broken", [2, 3])
def test_what_was_saved_before_the_line_broke_is_taken_back(tmp_path: Path, broken: int) -> None:
    platform = Platform()
    platform.breaks, platform.saves = {broken}, True  # the change itself, or reading it back
    session = FakeSession(tmp_path, platform)

    with pytest.raises(VonageError, match="did not answer"), session.registered():
        pytest.fail("must not begin")

    assert (platform.callback, platform.changes) == (FORMER, [OURS, FORMER])
    assert not session.path.exists()


def test_when_the_line_stays_broken_the_journal_stays(tmp_path: Path) -> None:
    platform = Platform()
    platform.breaks, platform.saves = {2, 3}, True
    session = FakeSession(tmp_path, platform)

    with pytest.raises(VonageError, match="did not answer"), session.registered():
        pytest.fail("must not begin")

    assert read_journal(session.path) == JOURNAL


def test_a_former_url_that_is_refused_is_reported_with_what_was_left_and_kept_in_the_journal(
    tmp_path: Path,
) -> None:
    platform = Platform(refuses=FORMER)
    session = FakeSession(tmp_path, platform)

    with pytest.raises(VonageError) as caught, session.registered():
        pass

    assert FORMER in caught.value.message
    assert f"left with {OURS}" in caught.value.message
    assert "devkit restore --clear" in caught.value.hint
    assert platform.callback == OURS
    assert read_journal(session.path) == JOURNAL
    assert session.events == [Registered(OURS, FORMER)]


def test_a_restoration_whose_answer_was_lost_is_verified(tmp_path: Path) -> None:
    platform = Platform()
    session = FakeSession(tmp_path, platform)
    with session.registered():
        platform.breaks, platform.saves = {5}, True  # 1 read, 2 set, 3 read, 4 read, 5 give back

    assert platform.callback == FORMER
    assert session.events[-1] == Restored(FORMER)
    assert not session.path.exists()


def test_a_restoration_that_cannot_begin_keeps_the_journal(tmp_path: Path) -> None:
    platform = Platform()
    session = FakeSession(tmp_path, platform)

    with pytest.raises(VonageError), session.registered():
        platform.breaks = {4}

    assert read_journal(session.path) == JOURNAL
