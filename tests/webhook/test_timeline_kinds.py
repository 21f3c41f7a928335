"""The statuses of one message in order: by rank, because their timestamps order nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.webhook.kinds import MessagesStatus, SmsInbound
from devkit.webhook.receipt import Receipt, Webhook
from devkit.webhook.timeline import Moment, Timeline, build_timeline, current_status, pushed_at, stage

START = datetime(2026, 11, 23, 13, 45, tzinfo=UTC)


def status(word: str, timestamp: str = "2026-11-23T13:45:00Z", **fields: object) -> MessagesStatus:
    return MessagesStatus({"message_uuid": "a", "timestamp": timestamp, "status": word, **fields})


def timeline(*webhooks: Webhook) -> Timeline:
    return build_timeline(
        Moment(START + timedelta(seconds=number), webhook) for number, webhook in enumerate(webhooks)
    )


def marks(built: Timeline) -> list[str]:
    return [
        "duplicate" if each.repeats is not None else "late" if each.overtaken else "" for each in built.steps
    ]


def test_a_message_is_submitted_delivered_and_read() -> None:
    built = timeline(status("submitted"), status("delivered"), status("read"))

    assert marks(built) == ["", "", ""]
    assert (built.status, built.final, built.delay) == ("read", True, timedelta(seconds=1))
    assert not any(step.contradicts for step in built.steps)


def test_an_equal_or_older_timestamp_is_not_late_but_a_lower_rank_is() -> None:
    older = "2026-11-23T13:44:00Z"

    assert marks(timeline(status("submitted"), status("delivered", older))) == ["", ""]
    assert marks(timeline(status("delivered"), status("submitted", "2026-11-23T13:50:00Z"))) == ["", "late"]
    assert marks(timeline(status("read"), status("delivered"))) == ["", "late"]
    assert timeline(status("read"), status("delivered"), status("submitted")).status == "read"


def test_a_status_that_comes_again_is_a_duplicate_whatever_its_timestamp() -> None:
    again = status("delivered", "2026-11-23T14:00:00Z")

    assert marks(timeline(status("delivered"), again)) == ["", "duplicate"]
    assert marks(timeline(status("submitted"), status("submitted", error={"title": "1220"}))) == ["", ""]


@pytest.mark.parametrize(("first", "second"), [("rejected", "delivered"), ("read", "undeliverable")])
def test_two_ends_contradict_each_other(first: str, second: str) -> None:
    assert [step.contradicts for step in timeline(status(first), status(second)).steps] == [False, True]


def test_nobody_knows_when_a_message_without_an_end_expires() -> None:
    assert timeline(status("submitted")).expires_at is None
    assert timeline(Receipt({"status": "accepted"})).expires_at is not None


def test_the_timestamp_of_the_messages_api_is_no_time_of_a_push() -> None:
    assert pushed_at(status("delivered")) is None
    assert pushed_at(SmsInbound({"message-timestamp": "2026-11-23 13:45:00"})) == START


@given(st.permutations(["submitted", "delivered", "read"]))
def test_the_current_status_does_not_depend_on_the_order(words: list[str]) -> None:
    assert current_status(words) == "read"
    assert stage("submitted") == "accepted"
