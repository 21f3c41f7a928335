"""What is replaced is what somebody agreed to: read again right before the change, and asked again if it is not."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from devkit.errors import CallbackHeldError, ConfigurationError, VonageError
from devkit.events import Notice
from devkit.events.session import Registered, Restored
from devkit.vonage.client import Credentials
from devkit.vonage.journal import read_journal, write_journal
from tests.support.fake_account import FORMER, JOURNAL, OTHERS, OURS, FakeSession, Platform, Snatched

THEIRS = "https://their.example.com/webhooks/delivery-receipt/0123456789abcdef"
THIRD = "https://third.example.com/webhooks/delivery-receipt/0123456789abcdef"


def test_nobody_is_asked_about_a_callback_that_is_no_devkits(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, platform := Platform())

    with session.registered():
        assert platform.posts[0] == {}  # read right before the change

    assert session.asked == []


def test_what_was_agreed_to_is_read_again_before_it_is_replaced(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, platform := Platform(THEIRS))
    session.answer = platform.posts.clear

    with session.registered():
        assert [bool(post) for post in platform.posts] == [False, True, False]  # read, set, read back

    assert session.asked == ["The account's callback is that of another devkit, at their.example.com."]
    assert platform.callback == THEIRS


@pytest.mark.parametrize(
    ("meanwhile", "words"),
    [(FORMER, FORMER), ("", "not set"), (THIRD, "that of another devkit, at third.example.com")],
)
def test_a_callback_that_changed_during_the_question_is_asked_about_and_restored(
    tmp_path: Path, meanwhile: str, words: str
) -> None:
    session = FakeSession(tmp_path, platform := Platform(THEIRS))

    def change() -> None:
        platform.callback = meanwhile

    session.answer = change
    with session.registered():
        journal = read_journal(session.path)

    assert session.asked[1:] == [f"The account's callback has changed meanwhile: now it is {words}."]
    assert journal
    assert journal.former_url == meanwhile
    assert platform.callback == meanwhile
    assert session.events == [Registered(OURS, meanwhile), Restored(meanwhile)]


def test_it_is_asked_as_often_as_it_changes(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, platform := Platform(THEIRS))
    coming = [THIRD, FORMER, THEIRS]

    def change() -> None:
        if coming:
            platform.callback = coming.pop(0)

    session.answer = change
    with session.registered():
        pass

    assert len(session.asked) == 4
    assert platform.callback == THEIRS


def test_no_to_the_second_question_changes_nothing(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, platform := Platform(THEIRS))

    def answer() -> None:
        platform.callback = FORMER
        if len(session.asked) == 2:
            raise CallbackHeldError("no")

    session.answer = answer
    with pytest.raises(CallbackHeldError), session.registered():
        pytest.fail("must not begin")

    assert platform.changes == []
    assert not session.path.exists()


def test_a_journal_that_another_session_wrote_during_the_question_is_not_overwritten_unsaid(
    tmp_path: Path,
) -> None:
    session = FakeSession(tmp_path, platform := Platform(THEIRS))

    def answer() -> None:
        write_journal(session.path, JOURNAL)  # a session of this project has begun, and was killed

    session.answer = answer
    with session.registered():
        journal = read_journal(session.path)

    assert journal
    assert (journal.former_url, journal.pending_url) == (THEIRS, FORMER)
    notices = [event.text for event in session.events if isinstance(event, Notice)]
    assert len(notices) == 2
    assert all(FORMER in words and "devkit restore --force" in words for words in notices)
    assert platform.callback == THEIRS
    left = read_journal(session.path)
    assert left
    assert left.former_url == FORMER


def test_a_journal_of_another_account_that_appears_during_the_question_is_not_overwritten(
    tmp_path: Path,
) -> None:
    session = FakeSession(tmp_path, platform := Platform(THEIRS))
    theirs = JOURNAL.__class__("rest.nexmo.com", "ffff0000", FORMER, OURS, "", 1)
    session.answer = lambda: write_journal(session.path, theirs)

    with pytest.raises(ConfigurationError, match="another Vonage account"), session.registered():
        pytest.fail("must not begin")

    assert platform.changes == []
    assert read_journal(session.path) == theirs


def test_what_an_earlier_session_could_not_restore_is_named_before_it_is_forgotten(tmp_path: Path) -> None:
    somebodys = "https://production2.example.com/dlr"
    session = FakeSession(tmp_path, Platform(somebodys))
    write_journal(session.path, JOURNAL)

    with session.registered():
        pass

    first = session.events[0]
    assert isinstance(first, Notice)
    assert FORMER in first.text
    assert not session.path.exists()


def test_a_former_callback_that_somebody_replaced_when_ours_was_refused_is_reported(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, platform := Snatched(refuses=OURS))

    with pytest.raises(VonageError, match="420"), session.registered():
        pytest.fail("must not begin")

    (notice,) = (event.text for event in session.events if isinstance(event, Notice))
    assert FORMER in notice
    assert platform.callback == OTHERS


class Intruder(Platform):
    """Another session of the directory writes its journal when the former callback has been given back."""

    path: Path

    def post(self, credentials: Credentials, path: str, params: dict[str, str]) -> Mapping[str, object]:
        answer = super().post(credentials, path, params)
        if len(self.changes) == 2 and not params:
            write_journal(self.path, JOURNAL.__class__("rest.nexmo.com", "abcd1234", FORMER, THIRD, "", 2))
        return answer


def test_a_journal_that_somebody_wrote_at_the_last_moment_is_not_removed(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, platform := Intruder())
    platform.path = session.path

    with session.registered():
        pass

    left = read_journal(session.path)
    assert left
    assert (left.our_url, left.pid) == (THIRD, 2)
