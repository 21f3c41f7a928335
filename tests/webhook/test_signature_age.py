"""A valid signature that is older than any receipt that Vonage still sends."""

from datetime import timedelta
from pathlib import Path

import pytest

from devkit.events.session import Refused
from devkit.fixture.format import load
from devkit.receiver.app import RequestKind
from devkit.webhook.signature import is_stale, sign
from tests.support.recorder import FIELDS, NOON, SECRET, RecordingSession, receipt


@pytest.mark.parametrize(
    ("hours", "stale"), [(-1, False), (0, False), (72, False), (74, True), (24 * 400, True)]
)
def test_it_is_stale_after_three_days(hours: int, stale: bool) -> None:
    signed_at = NOON - timedelta(hours=hours)

    assert is_stale({"timestamp": str(int(signed_at.timestamp()))}, NOON) is stale
    assert is_stale({"timestamp": signed_at.timestamp()}, NOON) is stale


@pytest.mark.parametrize("timestamp", [None, "", "noon", "nan", "inf", "1e999", "9" * 400, [], {}])
def test_what_is_no_time_is_not_judged_by(timestamp: object) -> None:
    assert not is_stale({"timestamp": timestamp}, NOON)


def signed(hours: int) -> dict[str, str]:
    fields = {**FIELDS, "timestamp": str(int((NOON - timedelta(hours=hours)).timestamp()))}
    return {**fields, "sig": sign(fields, SECRET, "sha256")}


@pytest.mark.parametrize("require", [False, True])
def test_a_stale_signature_is_marked_and_where_it_is_required_refused(tmp_path: Path, require: bool) -> None:
    session = RecordingSession(tmp_path, require_signature=require, secret=SECRET, method="sha256")

    status = session.handle(receipt(**signed(hours=80)))

    if require:
        assert status == 401
        assert session.events == [Refused(401, "the signature is stale", 1)]
    else:
        assert status == 200
        assert load(session.files[0]).signature == "valid"
        assert "older than Vonage" in load(session.files[0]).note


@pytest.mark.parametrize(("kind", "hours"), [("receipt", 71), ("replay", 24 * 400)])
def test_a_retry_and_a_replay_from_this_machine_pass(tmp_path: Path, kind: RequestKind, hours: int) -> None:
    session = RecordingSession(tmp_path, require_signature=True, secret=SECRET, method="sha256")

    assert session.handle(receipt(**signed(hours)), kind) == 200
    assert [load(path).note for path in session.files] == [""] * (kind == "receipt")
