"""The traps of one receipt, in words."""

from datetime import UTC, datetime, timedelta

import pytest

from devkit.explanation.trap import pushed_at, traps
from devkit.receipt import Receipt

PUSHED = datetime(2026, 6, 1, 10, 57, 30, tzinfo=UTC)
FIELDS = {
    "msisdn": "447700900000",
    "to": "AcmeInc",
    "status": "delivered",
    "scts": "2606011157",
    "err-code": "0",
    "message-timestamp": "2026-06-01 10:57:30",
}


def told(*, late: timedelta = timedelta(seconds=1), **changes: object) -> str:
    changed = {name.replace("_", "-"): value for name, value in changes.items()}
    fields = {name: value for name, value in {**FIELDS, **changed}.items() if value is not None}
    return "\n".join(traps(Receipt(fields), PUSHED + late))


def test_msisdn_is_the_recipient() -> None:
    assert "`msisdn` is the recipient and `to` the sender" in told()
    assert "`msisdn` is" not in told(to=None)


@pytest.mark.parametrize(
    ("scts", "words"),
    [
        ("2606011157", "`scts` says 11:57, about 1 hour ahead of"),
        ("2606011557", "about 5 hours ahead of"),
        ("2606010257", "about 8 hours behind"),
        ("2606011057", "agrees with `message-timestamp`, so it is UTC here"),
        ("1208121359", "no time zone's doing"),
        ("2606991157", "never order or measure"),
        ("soon", "never order or measure"),
        ("\u0661" * 10, "never order or measure"),
    ],
)
def test_scts_is_told_by_its_distance_from_utc(scts: str, words: str) -> None:
    assert words in told(scts=scts)


def test_scts_that_agrees_with_utc_is_not_called_the_carriers_local_time() -> None:
    assert "it is the carrier's local time" in told(scts="2606011157")
    assert "it is the carrier's local time" not in told(scts="2606011057")


def test_missing_scts_is_not_spoken_of() -> None:
    assert "`scts`" not in told(scts=None)


def test_scts_alone_is_compared_with_nothing() -> None:
    assert "never order or measure" in told(message_timestamp=None)


@pytest.mark.parametrize(
    "text", ["2026-06-01 10:57:30", "2026-06-01T10:57:30.000+00:00", "2026-06-01T12:57:30+02:00"]
)
def test_message_timestamp_is_read_in_both_forms(text: str) -> None:
    assert pushed_at(Receipt({"message-timestamp": text})) == PUSHED


@pytest.mark.parametrize("text", [None, "", "yesterday", 7, "0001-01-01T00:00:00+14:00"])
def test_message_timestamp_that_is_no_time_is_said(text: object) -> None:
    assert "missing or no time" in told(message_timestamp=text)


def test_late_recording_hints_at_an_earlier_push() -> None:
    assert "1 minute later" in told(late=timedelta(seconds=60))
    assert "2 days later" in told(late=timedelta(days=2))
    assert "later" not in told(late=timedelta(seconds=5))


def test_a_recording_that_no_retry_explains_is_a_replay_an_edit_or_a_clock() -> None:
    just_possible, impossible = timedelta(hours=73), timedelta(hours=73, seconds=1)

    assert "an earlier push probably got no 200" in told(late=just_possible)
    assert "a replay, an edited receipt or a wrong clock" in told(late=impossible)
    assert "earlier push" not in told(late=impossible)
    assert "a replay" not in told(late=just_possible)


def test_recording_before_the_push_is_said() -> None:
    assert "lies 30.0 seconds after the recording" in told(late=timedelta(seconds=-30))


def test_zero_with_an_intermediate_status_does_not_mean_delivered() -> None:
    assert "not delivered yet" in told(status="accepted")
    assert "not delivered yet" in told(status="buffered")
    assert "not delivered yet" not in told()


@pytest.mark.parametrize("status", ["expired", "failed", "rejected", "unknown"])
def test_zero_with_a_final_status_is_no_delivery(status: str) -> None:
    assert f"err-code 0 does not mean delivered here: `{status}` counts" in told(status=status)
    assert "does not mean delivered" not in told(status=status, err_code="1")
    assert "does not mean delivered" not in told(status="delivered")


def test_accepted_may_be_the_last() -> None:
    assert "Do not wait for ever" in told(status="accepted")


def test_unknown_status_is_named_as_such() -> None:
    assert "No document lists this status" in told(status="undelivered")
