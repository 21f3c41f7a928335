"""`devkit send` beside a session that runs in a process of its own."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from devkit.cli import cli
from devkit.cli.send import exit_code
from devkit.fixture.format import load
from devkit.session.project import Session, project_in
from devkit.session.wait import Reason, WaitFinished
from devkit.simulator import SimulatorOptions, run_simulator
from devkit.webhook.jwt import claims_of
from tests.support.dev_process import TIMEOUT, clean_environ, running_dev
from tests.support.raw_socket import closed_port
from tests.support.simulator_client import listening, register

NUMBER = "447700900000"
WAIT = ("--wait", "--timeout", "60")  # no test waits without end


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory with an offline session, whose account has no callback: only that of a message itself leads here."""
    directory = tmp_path_factory.mktemp("project")
    with running_dev(directory, "--no-register", "--no-demo") as dev:
        dev.wait_for("ready")
        platform(directory, "POST", "/simulator/settings", {"speed": 10})
        yield directory


def platform(
    project: Path, method: str, path: str, document: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """Talk to the simulator of the session."""
    session = project_in(project).session()
    assert session is not None
    connection = http.client.HTTPConnection(session.rest_host, timeout=10)
    try:
        connection.request(method, path, json.dumps(document) if document else None)
        answer = connection.getresponse()
        assert answer.status == 200
        found: dict[str, Any] = json.loads(answer.read())
        return found
    finally:
        connection.close()


def sent(project: Path) -> int:
    """How many messages the simulator of the session took."""
    count: int = platform(project, "GET", "/simulator")["counts"]["messages"]
    return count


def send(directory: Path, *args: str, **environ: str) -> Result:
    return invoke(directory, "send", *args, **environ)


def invoke(directory: Path, *args: str, **environ: str) -> Result:
    before = Path.cwd()
    os.chdir(directory)
    try:
        return CliRunner(env=environ).invoke(cli, args, prog_name="devkit")
    finally:
        os.chdir(before)


def test_wait_shows_the_receipts_until_the_final_one(project: Path) -> None:
    result = send(project, *WAIT)

    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert [line.split()[1] for line in lines[2:-1]] == ["accepted", "buffered", "delivered"]
    assert lines[0] == "sent        to *********000, 1 part, by the session's simulator"
    assert lines[-1].startswith("end         1 delivered")
    assert result.stderr == ""
    assert NUMBER not in result.output


def test_a_message_is_signed_by_the_application_of_the_simulator(project: Path) -> None:
    args = [*WAIT, "--json", "--api", "messages"]

    result = send(project, *args, VONAGE_PRIVATE_KEY="missing.key", VONAGE_APPLICATION_ID="")

    sent, *statuses, end = [json.loads(line) for line in result.stdout.splitlines()]
    fixtures = [load(Path(status["file"])) for status in statuses]
    session = project_in(project).session()
    assert session is not None
    assert (result.exit_code, sent["api"], end["delivered"]) == (0, "messages", 1)
    assert [
        (status["status"], fixture.signature) for status, fixture in zip(statuses, fixtures, strict=True)
    ] == [*(("submitted", "valid"), ("delivered", "valid"))]
    claims = [claims_of(fixture.callback.header("Authorization")) for fixture in fixtures]
    # At the level of the account, without an application, a token has no such claim.
    assert [each["application_id"] for each in claims] == [session.application_id] * 2


def test_a_key_of_the_simulator_that_is_gone_is_exit_code_3_and_nothing_is_sent(project: Path) -> None:
    session = project_in(project).session()
    assert session is not None
    before, key = sent(project), Path(session.private_key)
    moved = key.rename(key.with_name("moved.pem"))

    result = send(project, "--api", "messages")
    moved.rename(key)

    assert result.exit_code == 3
    assert result.stderr.splitlines() == [
        f"Error: The private key {key} of the session's simulator cannot be read: No such file or directory.",
        "Hint: Start the session again: devkit dev",
    ]
    assert sent(project) == before


def test_a_part_that_fails_is_exit_code_1_with_advice(project: Path) -> None:
    result = send(project, *WAIT, "--to", "+44 7700 900002", "--text", "x" * 161)

    assert result.exit_code == 1
    assert "2 parts" in result.stdout
    assert result.stdout.count("Absent Subscriber - Temporary") == 2
    assert "retry later" in result.stdout
    assert "2 not delivered" in result.stdout


def test_the_session_and_the_list_know_the_parts_of_a_text_as_one_message(tmp_path: Path) -> None:
    with running_dev(tmp_path, "--no-demo") as dev:
        dev.wait_for("ready")
        result = send(tmp_path, *WAIT, "--json", "--to", "447700900002", "--text", "x" * 400)
        ids = json.loads(result.stdout.splitlines()[0])["message_ids"]
        announced = dev.wait_for("sent")
        listed = invoke(tmp_path, "list", "--json", "--message", ids[1])
        assert dev.stop() == 0

    receipts = [event for event in dev.events if event["event"] == "receipt"]
    assert (len(ids), announced["message_ids"], announced["to"]) == (3, ids, "*********002")
    assert len(receipts) == 6
    assert all(
        (event["parts"], event["part"]) == (3, ids.index(event["message_id"]) + 1) for event in receipts[3:]
    )
    assert all(event["sent_ms"] >= 0 for event in receipts[3:])
    rows = [json.loads(line) for line in listed.stdout.splitlines()]
    assert {row["message_id"] for row in rows} == set(ids)
    assert {row["part"] for row in rows} == {1, 2, 3}
    assert all(row["parts"] == ids for row in rows)


def test_json_prints_events_and_nothing_else(project: Path) -> None:
    result = send(
        project, "--json", *WAIT, "--to", "447700900106", "--client-ref", "mine", "--text", "Привет"
    )

    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert [event["event"] for event in events] == ["sent", "receipt", "waited"]
    assert events[0] == {
        "event": "sent",
        "message_ids": events[0]["message_ids"],
        "to": "*********106",
        "at": events[0]["at"],
        "api": "sms",
    }
    assert events[1]["message_id"] == events[0]["message_ids"][0]
    assert (events[1]["part"], events[1]["status"], events[1]["final"]) == (1, "unknown", True)
    assert Path(events[1]["file"]).is_file()
    assert events[2] == {
        "event": "waited",
        "reason": "final",
        "delivered": 0,
        "failed": 1,
        "open": 0,
        "reached": False,
        "message_ids": events[0]["message_ids"],
    }
    assert result.stderr == ""
    message = platform(project, "GET", "/simulator")["messages"][-1]
    assert (message["client_ref"], message["text"]) == ("mine", "Привет")


def test_no_receipt_in_time_is_exit_code_1(project: Path) -> None:
    result = send(project, "--wait", "--timeout", "0.3", "--to", "447700900105")

    assert result.exit_code == 1
    assert "1 open: not every part has a final status after" in result.stdout


@pytest.mark.parametrize(
    ("code", "advice"),
    [(1, "wait and send again"), (4, "VONAGE_API_KEY"), (29, "trial"), (23, "shorter domain")],
)
def test_an_error_that_comes_as_200_is_exit_code_4_with_advice(project: Path, code: int, advice: str) -> None:
    before = sent(project)
    platform(project, "POST", "/simulator/settings", {"faults": [{"name": f"send-{code}", "times": 1}]})

    result = send(project, *WAIT)

    assert result.exit_code == 4
    assert result.stdout == ""
    error, hint = result.stderr.splitlines()
    assert f"(status {code})" in error
    assert advice in hint
    assert sent(project) == before  # it was not tried again: the second time nothing would have been wrong


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--to", "07700900001"], "international"),
        (["--timeout", "1"], "--wait"),
        (["--client-ref", "x" * 101], "100"),
    ],
)
def test_a_mistake_is_exit_code_2_and_sends_nothing(project: Path, args: list[str], words: str) -> None:
    before = sent(project)

    result = send(project, *args)

    assert result.exit_code == 2
    assert words in result.stderr
    assert sent(project) == before


def test_ctrl_c_ends_the_waiting_and_is_no_failure(project: Path) -> None:
    command = [sys.executable, "-m", "devkit", "send", "--json", "--wait", "--to", "447700900105"]
    with subprocess.Popen(
        command,
        cwd=project,
        env=clean_environ(project),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=TIMEOUT)

    assert first["event"] == "sent"
    assert json.loads(rest) == {
        "event": "waited",
        "reason": "stopped",
        "delivered": 0,
        "failed": 0,
        "open": 1,
        "reached": False,
        "message_ids": first["message_ids"],
    }
    assert (process.returncode, errors) == (0, "")


def test_wait_ends_when_the_message_that_was_sent_does(project: Path) -> None:
    delivered, failed = (
        json.loads(send(project, "--json", "--to", to).stdout)["message_ids"][0]
        for to in ("447700900000", "447700900002")
    )

    good = invoke(project, "wait", delivered)
    bad = invoke(project, "wait", failed, "--json")

    assert good.exit_code == 0
    assert good.stdout.splitlines()[-1] == "end         1 delivered: every part has a final status"
    assert bad.exit_code == 1
    end = json.loads(bad.stdout.splitlines()[-1])
    assert (end["event"], end["reason"], end["failed"], end["message_ids"]) == (
        "waited",
        "final",
        1,
        [failed],
    )


@pytest.mark.parametrize(
    ("reason", "delivered", "failed", "open_parts", "code"),
    [
        ("final", 2, 0, 0, 0),
        ("final", 1, 1, 0, 1),
        ("stopped", 0, 0, 1, 0),
        ("stopped", 0, 1, 1, 1),
        ("timeout", 1, 0, 1, 1),
        ("session-ended", 1, 0, 1, 1),
    ],
)
def test_exit_code_says_whether_all_was_delivered(
    reason: Reason, delivered: int, failed: int, open_parts: int, code: int
) -> None:
    assert exit_code(WaitFinished(reason, delivered, failed, open_parts)) == code


def test_offline_without_a_session_says_what_to_start(tmp_path: Path) -> None:
    result = send(tmp_path)

    assert result.exit_code == 3
    assert result.stderr.splitlines() == [
        "Error: No session runs in this project, so there is no simulator to send to.",
        "Hint: Start one in another terminal: devkit dev",
    ]


def test_live_without_a_session_the_accounts_own_callback_gets_the_receipts(tmp_path: Path) -> None:
    with listening() as elsewhere, run_simulator(SimulatorOptions(speed=100)) as vonage:
        environ = {
            "VONAGE_API_KEY": vonage.api_key,
            "VONAGE_API_SECRET": vonage.api_secret,
            "VONAGE_REST_HOST": vonage.host,
        }
        register(vonage, elsewhere)
        alone = send(tmp_path, "--to", NUMBER, **environ)
        receipts = elsewhere.wait_for(3)
        waiting = send(tmp_path, "--to", NUMBER, "--wait", **environ)
        to_nobody = send(tmp_path, **environ)
        messages = len(vonage.messages)

    assert alone.exit_code == 0
    assert "1 part, by Vonage" in alone.stdout
    assert "account's own callback" in alone.stderr
    assert {receipt.status for receipt in receipts} == {"accepted", "buffered", "delivered"}
    assert waiting.exit_code == 2
    assert "none runs in this project" in waiting.stderr
    assert to_nobody.exit_code == 2
    assert "needs a recipient" in to_nobody.stderr
    assert messages == 1


def test_a_live_session_that_does_not_record_gets_no_paid_message(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    project.prepare()
    nobody = f"http://127.0.0.1:{closed_port()}"
    session = Session(
        pid=os.getpid(),
        started_at="2026-11-23T12:00:00+00:00",
        mode="live",
        local_url=nobody,
        public_url=nobody,
        callback_url=f"{nobody}/webhooks/delivery-receipt/0123456789abcdef",
    )
    with run_simulator() as vonage, project.session_file(session):
        environ = {
            "VONAGE_API_KEY": vonage.api_key,
            "VONAGE_API_SECRET": vonage.api_secret,
            "VONAGE_REST_HOST": vonage.host,
        }
        result = send(tmp_path, "--to", NUMBER, **environ)
        messages = vonage.messages

    assert result.exit_code == 3
    assert "Nothing was sent" in result.stderr
    assert messages == ()


def test_a_host_that_does_not_answer_is_exit_code_4(tmp_path: Path) -> None:
    environ = {"VONAGE_API_KEY": "abcd1234", "VONAGE_API_SECRET": "s3cret", "VONAGE_REST_HOST": "127.0.0.1:9"}

    result = send(tmp_path, "--to", NUMBER, **environ)

    assert result.exit_code == 4
    assert "127.0.0.1:9 cannot be reached" in result.stderr
