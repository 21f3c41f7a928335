import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from devkit.errors import ConfigurationError, VonageError
from devkit.events import Notice
from devkit.events.session import Registered, Restored
from devkit.vonage.journal import other_devkit, read_journal, refuse_foreign_journal
from devkit.vonage.restoration import Restoration
from tests.support.fake_account import FORMER, JOURNAL, OTHERS, OURS, FakeSession, Platform

MOVED = "https://new.example.test/webhooks/delivery-receipt/t0ken"
THIRD = "https://third.example.test/webhooks/delivery-receipt/t0ken"


def killed(tmp_path: Path, platform: Platform) -> FakeSession:
    """What a killed session leaves: ours in the account, and the journal."""
    session = FakeSession(tmp_path, platform)
    session.path.write_text(json.dumps(asdict(JOURNAL)))
    platform.callback = OURS
    return session


def test_the_account_follows_to_another_url_of_ours_and_is_restored_from_there(tmp_path: Path) -> None:
    platform = Platform()
    session = FakeSession(tmp_path, platform)

    with session.registered() as registration:
        registration.move(MOVED)
        assert platform.callback == MOVED

    assert platform.changes == [OURS, MOVED, FORMER]
    assert session.events == [Registered(OURS, FORMER), Registered(MOVED, FORMER), Restored(FORMER)]
    assert not session.path.exists()


@pytest.mark.parametrize("current", [OURS, MOVED])
def test_the_journal_of_a_move_covers_both_urls_before_the_change(tmp_path: Path, current: str) -> None:
    platform = Platform()
    session = FakeSession(tmp_path, platform)
    with session.registered() as registration:
        registration.move(MOVED)
        left = session.path.read_text()
    session.path.write_text(left)  # as if it had been killed
    platform.callback = current

    assert session.restore() == Restoration("given-back", FORMER, FORMER)


def test_a_move_that_failed_halfway_is_not_posted_again(tmp_path: Path) -> None:
    platform = Platform()
    session = FakeSession(tmp_path, platform)

    with session.registered() as registration:
        platform.breaks, platform.saves = {5}, True  # 1 look, 2 set, 3 read, 4 look, 5 move
        with pytest.raises(VonageError):
            registration.move(MOVED)
        registration.move(MOVED)

    assert platform.changes == [OURS, MOVED, FORMER]


def test_a_move_leaves_alone_what_somebody_else_set(tmp_path: Path) -> None:
    platform = Platform()
    session = FakeSession(tmp_path, platform)

    with session.registered() as registration:
        platform.callback = OTHERS
        registration.move(MOVED)

    notice = next(event for event in session.events if isinstance(event, Notice))
    assert OTHERS in notice.text
    assert platform.callback == OTHERS
    assert platform.changes == [OURS]


def test_a_session_that_took_over_with_the_same_url_keeps_it_when_the_first_one_ends(tmp_path: Path) -> None:
    platform = Platform()
    first = FakeSession(tmp_path, platform)

    with first.registered() as registration:
        second = FakeSession(tmp_path, platform, first.next_journal(OURS))
        taking_over = second.registered()
        taking_over.__enter__()
        registration.move(MOVED)
    assert platform.callback == OURS
    assert first.events[-1] == Restored(OURS, kept=True)

    taking_over.__exit__(None, None, None)
    assert platform.callback == FORMER
    assert not first.path.exists()


@pytest.mark.parametrize("current", [OURS, MOVED])
def test_a_session_killed_while_it_took_over_is_restored_whatever_was_saved(
    tmp_path: Path, current: str
) -> None:
    platform = Platform()
    session = killed(tmp_path, platform)
    session.path.write_text(json.dumps(asdict(session.next_journal(MOVED))))  # and killed again
    platform.callback = current

    journal = session.next_journal(THIRD)

    assert journal.former_url == FORMER
    assert journal.earlier_url == current


def test_the_callback_can_be_unset_when_the_former_one_is_dead(tmp_path: Path) -> None:
    platform = Platform(refuses=FORMER)
    session = killed(tmp_path, platform)

    done = session.restore(clear=True)

    assert done == Restoration("cleared", "", FORMER)
    assert platform.changes == [""]
    assert not session.path.exists()


def test_what_is_not_ours_is_not_unset(tmp_path: Path) -> None:
    platform = Platform()
    session = killed(tmp_path, platform)
    platform.callback = OTHERS

    assert session.restore(clear=True).outcome == "left-alone"
    assert platform.changes == []


def test_unsetting_that_fails_says_so(tmp_path: Path) -> None:
    platform = Platform(says_yes_to="")
    session = killed(tmp_path, platform)

    with pytest.raises(VonageError, match="could not be unset"):
        session.restore(clear=True)
    assert read_journal(session.path) == JOURNAL


@pytest.mark.parametrize("other", [{"host": "api.nexmo.com"}, {"api_key": "ffff0000"}])
def test_a_journal_of_another_account_is_not_forgotten(tmp_path: Path, other: dict[str, str]) -> None:
    session = killed(tmp_path, Platform())
    session.path.write_text(json.dumps({**asdict(JOURNAL), **other}))

    with pytest.raises(ConfigurationError, match="another Vonage account"):
        refuse_foreign_journal(session.account, session.path)


@pytest.mark.parametrize("other", [{}, {"our_url": OTHERS}, {"host": "127.0.0.1:9"}])
def test_a_journal_of_this_account_or_of_a_simulator_is_no_obstacle(
    tmp_path: Path, other: dict[str, str]
) -> None:
    session = killed(tmp_path, Platform())
    session.path.write_text(json.dumps({**asdict(JOURNAL), **other}))

    refuse_foreign_journal(session.account, session.path)


@pytest.mark.parametrize(
    ("former", "host"),
    [
        ("https://their.example.com/webhooks/delivery-receipt/0123456789abcdef", "their.example.com"),
        (
            "https://dlr.example.test/webhooks/delivery-receipt/0123456789abcdef",
            "",
        ),  # a domain that is ours now
        ("https://their.example.com/webhooks/delivery-receipt", ""),  # as in the tutorials
        ("https://their.example.com/dlr/0123456789abcdef", ""),
        (FORMER, ""),
        ("", ""),
    ],
)
def test_the_callback_of_another_devkit_is_known_by_its_path(former: str, host: str) -> None:
    assert other_devkit(replace(JOURNAL, former_url=former)) == host


def test_a_url_that_our_own_killed_session_left_is_not_another_devkit() -> None:
    theirs = "https://their.example.com/webhooks/delivery-receipt/0123456789abcdef"

    assert other_devkit(replace(JOURNAL, former_url=theirs, earlier_url=OURS)) == ""


def test_when_nothing_is_known_any_more_it_says_what_to_type(tmp_path: Path) -> None:
    platform = Platform()
    platform.breaks, platform.saves = {2, 3}, True
    session = FakeSession(tmp_path, platform)

    with pytest.raises(VonageError) as caught, session.registered():
        pytest.fail("must not begin")

    assert caught.value.message == "rest.nexmo.com did not answer. What the account holds now is not known."
    assert "devkit restore" in caught.value.hint
