"""A fault of a moment at the end of a session does not leave the account with a URL that leads nowhere."""

from pathlib import Path

import pytest

from devkit.errors import VonageError
from devkit.events import Notice
from devkit.events.session import Restored
from devkit.vonage.journal import read_journal, write_journal
from devkit.vonage.setting import Retry
from tests.support.fake_account import FORMER, JOURNAL, OTHERS, OURS, FakeSession, Platform, Snatched

LOOK, GIVE_BACK, READ_BACK = 4, 5, 6  # the calls at the end; before them: look, set, read back


def platform_that_fails_at(*numbers: int, saves: bool = False) -> Platform:
    platform = Platform()
    platform.breaks, platform.transient, platform.saves = set(numbers), True, saves
    return platform


@pytest.mark.parametrize("call", [LOOK, GIVE_BACK, READ_BACK])
@pytest.mark.parametrize("saves", [False, True])
def test_one_fault_at_the_end_is_tried_again(tmp_path: Path, call: int, saves: bool) -> None:
    platform = platform_that_fails_at(call, saves=saves)
    session = FakeSession(tmp_path, platform)

    with session.registered():
        pass

    assert platform.callback == FORMER
    assert session.events[-1] == Restored(FORMER)
    assert not session.path.exists()


def test_the_user_sees_why_it_takes_longer(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, platform_that_fails_at(LOOK))

    with session.registered():
        pass

    (notice,) = (event.text for event in session.events if isinstance(event, Notice))
    assert notice.endswith("could not be restored: rest.nexmo.com did not answer. Trying again.")
    assert session.paused == [0.5]


def test_a_lost_answer_that_could_not_be_verified_counts_as_restored(tmp_path: Path) -> None:
    platform = platform_that_fails_at(2, 3, saves=True)  # after a look: the change, and the look after it
    session = FakeSession(tmp_path, platform)
    write_journal(session.path, JOURNAL)
    platform.callback = OURS

    done = session.restore()

    assert done.outcome == "given-back"
    assert platform.changes == [FORMER]
    assert not session.path.exists()


def test_a_fault_that_stays_ends_in_the_words_of_the_last_attempt_and_the_journal_stays(
    tmp_path: Path,
) -> None:
    session = FakeSession(tmp_path, platform_that_fails_at(*range(LOOK, 99)))

    with pytest.raises(VonageError) as caught, session.registered():
        pass

    assert "could not be restored: rest.nexmo.com did not answer" in caught.value.message

    assert session.paused == [0.5, 1.0, 2.0]
    assert read_journal(session.path) == JOURNAL


def test_a_refusal_is_not_tried_again(tmp_path: Path) -> None:
    platform = Platform(refuses=FORMER)
    session = FakeSession(tmp_path, platform)

    with pytest.raises(VonageError, match="420"), session.registered():
        pass

    assert session.paused == []
    assert platform.changes == [OURS, FORMER]


def test_what_somebody_has_set_between_two_attempts_stays_unchanged(tmp_path: Path) -> None:
    platform = Snatched()
    platform.breaks, platform.transient = {GIVE_BACK}, True
    session = FakeSession(tmp_path, platform)

    with session.registered():
        pass

    assert platform.callback == OTHERS
    assert platform.changes == [OURS, FORMER]
    assert session.events[-1] == Restored(OTHERS, kept=True)


def test_no_attempt_begins_after_the_deadline() -> None:
    now = [0.0]
    paused: list[float] = []

    def attempt(number: int) -> None:
        now[0] += 20.0  # as long as a call may take
        raise VonageError("did not answer.", transient=True)

    retry = Retry(pauses=(0.5, 1.0, 2.0), seconds=30.0, sleep=paused.append, clock=lambda: now[0])
    with pytest.raises(VonageError):
        retry.run(attempt, lambda words: None)

    assert now[0] == 40.0
    assert paused == [0.5]


def test_restore_tries_again_too(tmp_path: Path) -> None:
    platform = platform_that_fails_at(1)
    session = FakeSession(tmp_path, platform)
    write_journal(session.path, JOURNAL)
    platform.callback = OURS

    assert session.restore().outcome == "given-back"
    assert session.printed == [
        f"The former callback {FORMER} could not be restored: rest.nexmo.com did not answer. Trying again."
    ]
