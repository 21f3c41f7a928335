"""Which parts are one message, as a session knows it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from devkit.events import Event, Notice
from devkit.events.session import Sent
from devkit.fixture.send_log import FILE, SendLog
from devkit.session.sends import Sends
from devkit.webhook.timeline import SentMessage

AT = datetime(2026, 11, 23, 13, 45, 47, 100_000, UTC)
MESSAGE = SentMessage(AT, ("0A01", "0A02"), "*********000")
SENT = Sent(("0A01", "0A02"), "*********000", "2026-11-23T13:45:47.100000Z")


@pytest.fixture
def events() -> list[Event]:
    return []


def test_a_message_of_another_process_is_published_once(tmp_path: Path, events: list[Event]) -> None:
    sends = Sends(SendLog(tmp_path))
    SendLog(tmp_path).add(MESSAGE)

    sends.publish_new(events.append)
    sends.publish_new(events.append)

    assert events == [SENT]
    assert sends.of("0A02") == MESSAGE


def test_a_receipt_that_comes_before_the_next_poll_finds_its_message(
    tmp_path: Path, events: list[Event]
) -> None:
    sends = Sends(SendLog(tmp_path))
    SendLog(tmp_path).add(MESSAGE)

    assert sends.find("0A01", events.append) == MESSAGE
    assert sends.find("0B00", events.append) is None
    assert events == [SENT]


def test_messages_of_former_sessions_are_known_and_not_published_again(
    tmp_path: Path, events: list[Event]
) -> None:
    SendLog(tmp_path).add(MESSAGE)

    sends = Sends(SendLog(tmp_path))
    sends.publish_new(events.append)

    assert (sends.earlier, sends.of("0A01"), events) == ((MESSAGE,), MESSAGE, [])


def test_a_message_of_this_process_is_logged_for_later_and_not_published_again(
    tmp_path: Path, events: list[Event]
) -> None:
    sends = Sends(SendLog(tmp_path))
    publish = sends.remembering(events.append, lambda: AT)

    publish(SENT)
    publish(Notice("other"))
    sends.publish_new(publish)

    assert (sends.of("0A01"), events) == (MESSAGE, [SENT, Notice("other")])
    assert SendLog(tmp_path).poll() == [MESSAGE]


def test_a_log_that_cannot_be_written_is_a_notice(tmp_path: Path, events: list[Event]) -> None:
    sends = Sends(SendLog(tmp_path))
    (tmp_path / FILE).mkdir()

    sends.remembering(events.append, lambda: AT)(SENT)

    sent, problem = events
    assert sent == SENT
    assert isinstance(problem, Notice)
    assert "not kept together" in problem.text
    assert sends.of("0A01") == MESSAGE
