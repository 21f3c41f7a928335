import json
import signal
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devkit.errors import PushError, StoreError
from devkit.fixture.format import Fixture
from devkit.fixture.response_log import ResponseLog, ResponseReader, missed
from devkit.fixture.store import Store
from devkit.http.address import parse_address
from devkit.http.client import Response, push
from devkit.replay.missed import MissedReceipts, log_responses, missed_receipts
from devkit.session.project import Project, project_in
from devkit.webhook.callback import Callback, compose
from tests.support.command import call
from tests.support.dev_process import running_dev
from tests.support.raw_socket import DEADLINE, OK, closed_port, raw_server, wait_until
from tests.support.recording_server import Response as Answer
from tests.support.recording_server import recording_server
from tests.support.session_example import SESSION

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TO = "http://127.0.0.1:5000/dlr"
BAD = b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nbody"


@pytest.fixture
def private(project: Project) -> Path:
    return project.private


def record(store: Store, number: int) -> Path:
    fields = {"msisdn": "447700900001", "messageId": f"0A0{number}", "status": "delivered"}
    fixture = Fixture(NOW + timedelta(seconds=number), compose(fields, "form"))
    return store.record(fixture, fixture.read())


def log_in(private: Path, to: str = TO) -> ResponseLog:
    return ResponseLog(private, to, lambda: NOW)


def test_what_was_missed_is_found_in_the_order_of_time(store: Store, private: Path) -> None:
    first, second = record(store, 1), record(store, 2)
    log_in(private, "http://127.0.0.1:1/old").add_failure(str(second), "timeout")
    log_in(private, "http://127.0.0.1:1/old").add_failure(str(first), "timeout")
    log_in(private).add_failure(str(second), "timeout")

    assert missed_receipts(private, store) == MissedReceipts([first, second], to=TO)


def test_what_was_deleted_since_is_counted(store: Store, private: Path) -> None:
    kept, deleted = record(store, 1), record(store, 2)
    for path in (kept, deleted):
        log_in(private).add_failure(str(path), "timeout")
    deleted.unlink()

    assert missed_receipts(private, store) == MissedReceipts([kept], deleted=1, to=TO)


def test_responses_are_logged_as_those_of_a_replay(store: Store, private: Path) -> None:
    path = record(store, 1)
    observe = log_responses(private, TO, lambda: NOW)

    observe(path, PushError("No answer.", reason="timeout", sent_again=True))
    observe(path, Response(204, 0.01, b""))

    failed, accepted = ResponseReader(private).poll()
    assert (failed.problem, failed.sent_again, failed.replay) == ("No answer.", True, True)
    assert (accepted.status, accepted.replay) == (204, True)


def test_a_log_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot be kept in .*gone: No such file"):
        log_responses(tmp_path / "gone", TO, lambda: NOW)(Path("a/b"), Response(200, 0, b""))


def test_what_was_missed_is_sent_where_it_was_to_be_forwarded_until_it_is_accepted(
    tmp_path: Path, store: Store, private: Path
) -> None:
    paths = [record(store, number) for number in range(3)]
    with raw_server([OK, BAD], [OK]) as server:
        for path in paths[:2]:
            log_in(private, f"{server.url}/dlr").add_failure(str(path), "timeout")

        first = call(tmp_path, "replay", "--missed", "--json")
        again = call(tmp_path, "replay", "--missed")
        nothing = call(tmp_path, "replay", "--missed")

    results = [json.loads(line) for line in first.out]
    assert [(line["message_id"], line["answer"]) for line in results[:2]] == [("0A00", 200), ("0A01", 500)]
    assert first.code == 1
    assert [request.split()[1] for request in server.requests] == [b"/dlr"] * 3
    assert (again.code, again.out[-1]) == (0, "replay: 1 ok, 0 failed, 0 unreachable")
    assert (nothing.code, nothing.out) == (0, ["replay: 0 ok, 0 failed, 0 unreachable"])
    assert "nothing was missed" in nothing.err
    bodies = [entry.body for entry in ResponseReader(private).poll() if entry.status == 500]
    assert bodies == ["body"]


def test_the_option_and_the_session_name_another_target(tmp_path: Path, store: Store, private: Path) -> None:
    log_in(private).add_failure(str(record(store, 1)), "timeout")
    url = f"http://127.0.0.1:{closed_port()}"
    with project_in(tmp_path).session_file(replace(SESSION, forward_url=f"{url}/session")):
        of_session = call(tmp_path, "replay", "--missed")
        of_option = call(tmp_path, "replay", "--missed", "--to", f"{url}/option")

    assert of_session.code == of_option.code == 4
    assert [entry.to for entry in ResponseReader(private).poll()] == [TO, f"{url}/session", f"{url}/option"]
    assert len(missed(private)) == 1


def test_what_any_replay_sends_to_the_application_of_the_session_is_not_missed_any_more(
    tmp_path: Path, store: Store, private: Path
) -> None:
    with raw_server([OK], [OK]) as server:
        url = f"{server.url}/dlr"
        log_in(private, url).add_failure(str(record(store, 1)), "timeout")
        with project_in(tmp_path).session_file(replace(SESSION, forward_url=url)):
            call(tmp_path, "replay", "latest", "--path", "/other")
            assert len(missed(private)) == 1
            call(tmp_path, "replay", "latest")

    assert missed(private) == []
    assert len(server.requests) == 2


def test_what_waited_in_a_session_that_was_killed_is_missed(tmp_path: Path) -> None:
    answering = threading.Event()

    def respond(request: Callback) -> Answer | None:
        answering.wait(DEADLINE)
        return None

    with recording_server(respond) as hanging:
        with running_dev(tmp_path, "--offline", "--no-demo", "--forward-to", f"{hanging.url}/dlr") as dev:
            receiver = parse_address(dev.wait_for("ready")["local_url"])
            for status in ("accepted", "delivered"):
                push(compose({"messageId": "0A01", "status": status}, "get", host=receiver.netloc), receiver)
            wait_until(lambda: len(ResponseReader(tmp_path / ".devkit").poll()) == 2)
            assert call(tmp_path, "replay", "--missed").out == ["replay: 0 ok, 0 failed, 0 unreachable"]
            dev.stop(signal.SIGKILL)
        answering.set()
    with raw_server([OK] * 2) as server:
        result = call(tmp_path, "replay", "--missed", "--to", server.url, "--json")

    assert [json.loads(line)["status"] for line in result.out[:2]] == ["accepted", "delivered"]
    assert result.code == 0


def test_it_is_not_sent_to_the_receiver_which_would_accept_all(
    tmp_path: Path, store: Store, private: Path
) -> None:
    log_in(private).add_failure(str(record(store, 1)), "timeout")
    with project_in(tmp_path).session_file(SESSION):
        result = call(tmp_path, "replay", "--missed", "--to", SESSION.local_url)

    assert result.code == 2
    assert "is devkit's own receiver" in result.err


def test_a_dry_run_shows_what_was_missed(tmp_path: Path, store: Store, private: Path) -> None:
    log_in(private).add_failure(str(record(store, 1)), "timeout")

    result = call(tmp_path, "replay", "--missed", "--dry-run", "--json")

    assert json.loads(result.out[0])["message_id"] == "0A01"
    assert len(missed(private)) == 1


@pytest.mark.parametrize("arguments", [[], ["latest", "--missed"]])
def test_a_replay_has_selectors_or_sends_what_was_missed(tmp_path: Path, arguments: list[str]) -> None:
    result = call(tmp_path, "replay", *arguments)

    assert result.code == 2
    assert result.err.splitlines() == [
        "Error: A replay sends either what SELECTOR names or what was --missed.",
        "Hint: Type: devkit replay latest, or: devkit replay --missed",
    ]
