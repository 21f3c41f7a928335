"""What the doctor says of this machine: receiver, port, disk, recordings and what they tell, leftovers."""

import errno
import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devkit.doctor import machine
from devkit.doctor.connectivity import offline_checks
from devkit.doctor.machine import leftover_checks, machine_checks, session_check
from devkit.doctor.platform import recording_checks
from devkit.durable import files
from devkit.fixture.format import Fixture
from devkit.fixture.store import Store
from devkit.http.server import listen, serve
from devkit.receiver.app import TokenAccess, create_receiver
from devkit.webhook.callback import Callback, compose
from devkit.webhook.jwt import make_token
from devkit.webhook.new_webhook import compose_messages
from tests.support.doctor_context import NOON, SESSION, find, leave_journal, make_context, outcomes
from tests.support.fake_application import APPLICATION_ID
from tests.support.raw_socket import closed_port

RECEIPT = {"msisdn": "447700900001", "messageId": "0A0000001234567B", "status": "delivered", "err-code": "0"}
STATUS = {"message_uuid": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab", "to": "447700900001", "status": "delivered"}
INBOUND = {"msisdn": "447700900001", "to": "AcmeInc", "text": "Hello", "keyword": "HELLO"}


def record(directory: Path, *callbacks: Callback) -> None:
    store = Store(directory / "fixtures")
    store.prepare()
    for number, callback in enumerate(callbacks):
        fixture = Fixture(NOON + timedelta(seconds=number), callback)
        store.record(fixture, fixture.read())


def test_a_session_is_shown_with_its_process(tmp_path: Path) -> None:
    none, some = (session_check(make_context(tmp_path, session=session)) for session in (None, SESSION))

    assert (none.outcome, none.hint) == ("skipped", "devkit dev")
    assert (some.outcome, some.what) == ("ok", "process 1, live, since 2026-11-23T12:00:00+00:00")


def test_the_receiver_of_a_session_is_asked(tmp_path: Path) -> None:
    arrived: list[object] = []

    def answer(arrival: object) -> int:
        arrived.append(arrival)
        return 200

    listener = listen("127.0.0.1", 0)
    session = replace(SESSION, local_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
    with serve(
        create_receiver(answer, TokenAccess("0123456789abcdef")),
        listener,
    ):
        up = find(machine_checks(make_context(tmp_path, session=session)), "receiver")
    down = find(machine_checks(make_context(tmp_path, session=session)), "receiver")

    assert (up.outcome, down.outcome) == ("ok", "failed")
    assert session.local_url in up.what
    assert "nobody answers" in down.what
    assert arrived == []  # the session shows nothing of the question


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    port = closed_port()
    free = find(machine_checks(make_context(tmp_path, port=port)), "receiver")
    with listen("127.0.0.1", port):
        taken = find(machine_checks(make_context(tmp_path, port=port)), "receiver")

    assert free.outcome == "ok"
    assert f"port {port} is free" in free.what
    assert taken.outcome == "failed"
    assert f"Port {port} cannot be used" in taken.what


def test_a_fixtures_directory_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    absent = find(machine_checks(make_context(tmp_path)), "fixtures")
    Store(tmp_path / "fixtures").prepare()
    present = find(machine_checks(make_context(tmp_path)), "fixtures")

    assert (absent.outcome, present.outcome) == ("ok", "ok")
    assert "will be created" in absent.what
    assert [path.name for path in (tmp_path / "fixtures" / "recorded").iterdir()] == [".gitignore"]


def test_a_fixtures_directory_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    check = find(machine_checks(make_context(tmp_path, fixtures=tmp_path / "file" / "fixtures")), "fixtures")

    assert check.outcome == "failed"
    assert "DEVKIT_FIXTURES" in check.hint


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory_is_a_failure(tmp_path: Path) -> None:
    Store(tmp_path / "fixtures").prepare()
    (tmp_path / "fixtures" / "recorded").chmod(0o500)

    assert find(machine_checks(make_context(tmp_path)), "fixtures").outcome == "failed"


def test_a_full_disk_is_not_said_to_need_another_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(tmp_path / "fixtures").prepare()

    def full(directory: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "try_writing", full)
    check = find(machine_checks(make_context(tmp_path)), "fixtures")

    assert "No space left on device" in check.what
    assert check.hint == "devkit prune --older-than 30d"


def test_a_disk_that_is_nearly_full_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enough = find(machine_checks(make_context(tmp_path)), "disk")
    monkeypatch.setattr(machine, "_ENOUGH", 1 << 60)  # more than any disk has

    little = find(machine_checks(make_context(tmp_path)), "disk")

    assert (enough.outcome, little.outcome) == ("ok", "failed")
    assert little.hint == "devkit prune --older-than 30d"


def test_without_leftovers_all_steps_are_ok(tmp_path: Path) -> None:
    assert set(outcomes(leftover_checks(make_context(tmp_path))).values()) == {"ok"}


def test_a_journal_fails_unless_its_session_runs(tmp_path: Path) -> None:
    leave_journal(tmp_path, pid=SESSION.pid)

    left = find(leftover_checks(make_context(tmp_path)), "journal")
    anothers = find(leftover_checks(make_context(tmp_path, session=replace(SESSION, pid=2))), "journal")
    running = find(leftover_checks(make_context(tmp_path, session=SESSION)), "journal")

    assert (left.outcome, left.hint) == ("failed", "devkit restore")
    assert anothers.outcome == "failed"
    assert running.outcome == "ok"


def test_recordings_that_git_tracks_are_a_failure(tmp_path: Path) -> None:
    record(tmp_path, compose(RECEIPT, "get"))
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    before = find(leftover_checks(make_context(tmp_path)), "git")
    subprocess.run(["git", "-C", tmp_path, "add", "--force", "fixtures/recorded/20*"], check=True)

    after = find(leftover_checks(make_context(tmp_path)), "git")

    assert (before.outcome, after.outcome) == ("ok", "failed")
    assert "1 file" in after.what
    assert after.hint.startswith("git rm -r --cached ")


def test_secrets_that_git_tracks_are_a_failure(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    context.project.prepare()
    context.project.callback_token()
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "add", "--force", ".devkit/callback-token"], check=True)

    check = find(leftover_checks(context), "git")

    assert check.outcome == "failed"
    assert check.what == f"it tracks 1 file in {context.project.private}, where secrets are"
    assert check.hint == f"git rm -r --cached {context.project.private}"


def test_without_recordings_api_and_method_are_not_known(tmp_path: Path) -> None:
    checks = list(recording_checks(make_context(tmp_path)))

    assert outcomes(checks) == {"api": "skipped", "method": "skipped"}
    assert "a recording would show it" in find(checks, "api").what
    assert "dashboard" in find(checks, "api").hint


def test_the_newest_recording_shows_the_api(tmp_path: Path) -> None:
    record(
        tmp_path,
        compose(RECEIPT, "get"),
        compose(STATUS, "json"),
        compose(INBOUND | {"messageId": "0A"}, "get"),
    )
    messages = find(recording_checks(make_context(tmp_path)), "api")
    record(tmp_path / "other", compose(STATUS, "json"), compose(RECEIPT, "get"))
    sms = find(recording_checks(make_context(tmp_path / "other")), "api")

    assert (messages.outcome, sms.outcome) == ("ok", "ok")
    assert (
        "inbound message is one of the SMS API, so Messaging API type is SMS API (inferred" in messages.what
    )
    assert "receipt is one of the SMS API, so Messaging API type is SMS API (inferred" in sms.what


def test_a_status_shows_less_than_an_inbound_message(tmp_path: Path) -> None:
    status = {"message_uuid": "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab", "channel": "sms", "status": "submitted"}
    record(tmp_path, compose(RECEIPT, "get"), compose(status, "json"))
    by_status = find(recording_checks(make_context(tmp_path)), "api")
    inbound = {name: value for name, value in status.items() if name != "status"} | {"text": "Hi"}
    record(tmp_path, compose(inbound, "json"), compose(RECEIPT, "get"))
    by_inbound = find(recording_checks(make_context(tmp_path)), "api")

    assert "Messages API, or the message was sent through it" in by_status.what
    assert "so Messaging API type is Messages API (inferred" in by_inbound.what


def test_a_status_whose_token_names_an_application_shows_no_setting(tmp_path: Path) -> None:
    body = (
        b'{"message_uuid": "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab", "channel": "sms", "status": "submitted"}'
    )
    token = make_token(
        body, "x" * 32, api_key="abcd1234", application_id=APPLICATION_ID, now=datetime.now(UTC), jti=""
    )
    record(tmp_path, compose(RECEIPT, "get"), compose_messages(body, token))

    other = find(recording_checks(make_context(tmp_path, mode="live")), "api")
    offline = find(recording_checks(make_context(tmp_path, mode="offline")), "api")
    own = find(recording_checks(make_context(tmp_path, mode="live", application_id=APPLICATION_ID)), "api")

    assert f"status is one of the Messages API, sent by application {APPLICATION_ID}" in other.what
    assert "does not show what Messaging API type is" in other.what
    assert other.hint == f"For all its statuses: devkit dev --application {APPLICATION_ID}"
    assert own.hint == offline.hint == ""
    assert own.what == offline.what == other.what


def test_recordings_show_the_transport_and_what_the_dashboard_calls_it(tmp_path: Path) -> None:
    record(tmp_path, *(compose(RECEIPT, transport) for transport in ("json", "form", "json", "get")))

    check = find(recording_checks(make_context(tmp_path)), "method")

    assert check.outcome == "ok"
    assert "json (2), get (1), form (1), in the dashboard POST-JSON, GET, POST;" in check.what


def test_a_recording_that_is_spoilt_stops_nothing(tmp_path: Path) -> None:
    record(tmp_path, compose(RECEIPT, "get"), compose(RECEIPT, "json"))
    newest = next(iter(Store(tmp_path / "fixtures").entries())).path
    newest.write_text("{")

    assert "get (1)" in find(recording_checks(make_context(tmp_path)), "method").what


def test_offline_mode_is_tried_whole_and_leaves_nothing(tmp_path: Path) -> None:
    (check,) = offline_checks(make_context(tmp_path))

    assert (check.step, check.outcome) == ("offline", "ok")
    assert check.what.startswith("ready: ")
    assert check.what.endswith("accepted, buffered, delivered")
    assert list(tmp_path.iterdir()) == []


def test_offline_mode_is_not_tried_where_it_is_not_used(tmp_path: Path) -> None:
    cases = [
        make_context(tmp_path, session=replace(SESSION, mode="offline")),
        make_context(tmp_path, mode="live"),
        make_context(tmp_path, mode="unknown"),
    ]

    assert [list(offline_checks(context)) for context in cases] == [[], [], []]
