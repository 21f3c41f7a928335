"""Webhooks of each kind are forwarded to the application as receipts are, and sent again when it had refused them."""

import re
from pathlib import Path

from devkit.fixture.format import Fixture, load
from devkit.fixture.response_log import ResponseReader, missed, recording_key
from devkit.fixture.store import Store
from devkit.webhook.callback import Callback
from devkit.webhook.receipt import Webhook
from tests.support.command import call
from tests.support.dev_process import DEV, output_until
from tests.support.recording_server import RecordingServer, Response

KINDS = ["messages-inbound", "messages-status", "messages-status", "sms-inbound"] + ["sms-receipt"] * 3


def test_each_kind_is_forwarded_to_the_byte_and_replayed_when_it_was_refused(tmp_path: Path) -> None:
    status = 503
    application = RecordingServer(lambda callback: Response(status))
    command = [*DEV, "--offline", "--demo", "all", "--forward-to", f"{application.url}/hook"]
    shown, rest = output_until(command, tmp_path, lambda text: text.count("-> 503") == 7)
    refused, application.arrived = application.arrived, []
    missing = missed(tmp_path / ".devkit")

    status = 204
    replayed = call(tmp_path, "replay", "--missed")
    application.close()

    recorded = {entry.path: load(entry.path) for entry in Store(tmp_path / "fixtures").entries()}
    assert sorted(kind_of(fixture) for fixture in recorded.values()) == KINDS
    for arrived in (refused, application.arrived):
        assert sorted(map(as_sent, arrived)) == sorted(as_sent(each.callback) for each in recorded.values())
        assert {callback.path for callback in arrived} == {"/hook"}
        assert sum((each.header("Authorization") or "").startswith("Bearer ") for each in arrived) == 3
    # Of each: its line in the terminal, and its responses in the log.
    lines = [line for line in shown.splitlines() if "-> 503" in line]
    assert sorted(re.split(r"\s+", line)[1] for line in lines) == sorted(
        ["accepted", "buffered", "delivered", "submitted", "delivered", "inbound", "inbound"]
    )
    assert "has not accepted 7 receipts; to send them: devkit replay --missed" in rest
    assert {entry.file for entry in missing} == set(map(recording_key, recorded))
    assert replayed.code == 0, replayed.err
    answers = [entry.status for entry in ResponseReader(tmp_path / ".devkit").poll() if entry.status]
    assert answers == [503] * 7 + [204] * 7
    assert missed(tmp_path / ".devkit") == []


def kind_of(fixture: Fixture) -> str:
    reading = fixture.read()
    assert isinstance(reading, Webhook)
    return reading.kind


def as_sent(callback: Callback) -> tuple[str, bytes, tuple[tuple[str, str], ...]]:
    """A callback without what differs when it is sent to another address."""
    _, _, query = callback.target.partition("?")
    headers = tuple(each for each in callback.headers if each[0] not in ("Host", "X-Devkit-Replay"))
    return query, callback.body, headers
