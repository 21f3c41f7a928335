"""`devkit wait` as a script uses it: exit codes, output and mistakes, beside a session that is only described."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from devkit.cli import cli
from devkit.fixture.format import Fixture
from devkit.fixture.store import Store
from devkit.session.project import project_in
from devkit.webhook.callback import compose
from devkit.webhook.new_webhook import make_receipt_fields
from tests.support.command import start
from tests.support.fixture_example import EXAMPLE
from tests.support.session_example import SESSION

ID = "3c7e09b1-5a4d-4f68-8a00-00001234567b"
AT = EXAMPLE.recorded_at


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def session() -> Iterator[None]:
    project = project_in(Path.cwd())
    project.prepare()
    with project.session_file(SESSION):
        yield


def record(status: str, err_code: str = "0", message_id: str = ID) -> None:
    store = Store(Path("fixtures"))
    store.prepare()
    fields = make_receipt_fields(status, err_code, message_id=message_id, pushed_at=AT)
    fixture = Fixture(AT, compose(fields, "get"))
    store.record(fixture, fixture.read())


def wait(*args: str) -> Result:
    return CliRunner().invoke(cli, ["wait", *args], prog_name="devkit")


def test_a_delivered_message_is_exit_code_0_without_a_session_too() -> None:
    record("delivered")

    for args in ([ID], ["--last"], [], ["3c7e09b1"]):
        result = wait(*args)
        assert (result.exit_code, result.stderr) == (0, "")
        receipt, end = result.stdout.splitlines()
        assert "delivered" in receipt
        assert ID in receipt
        assert end == "end         1 delivered: every part has a final status"


def test_only_a_text_of_several_parts_has_numbers_of_parts() -> None:
    other = ID.replace("3c7e", "4d8f")
    record("delivered")
    record("delivered", message_id=other)

    assert "1/" not in wait(ID).stdout.splitlines()[0]
    assert [line.split()[3] for line in wait(ID, other).stdout.splitlines()[:2]] == ["1/2", "2/2"]


def test_a_failed_message_is_exit_code_1_with_the_reason_and_advice() -> None:
    record("failed", "2")

    result = wait(ID)

    assert result.exit_code == 1
    assert "2 Absent Subscriber - Temporary" in result.stdout
    assert "retry" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("end         1 not delivered:")


def test_the_status_that_is_asked_for_is_exit_code_0() -> None:
    record("failed", "2")

    assert wait(ID, "--until", "failed").exit_code == 0
    assert wait(ID, "--until", "any").exit_code == 0
    assert wait(ID, "--until", "FAILED").exit_code == 0
    other = wait(ID, "--until", "expired")
    assert other.exit_code == 1
    assert (
        other.stdout.splitlines()[-1] == "end         1 not delivered: the message ended, but not as expired"
    )


def test_no_receipt_in_time_is_exit_code_1_and_says_so() -> None:
    record("accepted")

    with session():
        result = wait(ID, "--timeout", "0")
        accepted = wait(ID, "--timeout", "0", "--until", "accepted")

    assert result.exit_code == 1
    assert "1 open: not every part has a final status after 0 s" in result.stdout
    assert accepted.exit_code == 0
    assert "every part has the status accepted" in accepted.stdout


def test_without_a_session_nothing_more_is_awaited() -> None:
    record("accepted")

    result = wait(ID)

    assert result.exit_code == 1
    assert "1 open: no session runs that could record more; start one: devkit dev" in result.stdout


def test_a_message_that_nothing_can_record_is_exit_code_3() -> None:
    result = wait("no-such-id")
    nothing = wait()

    assert result.exit_code == nothing.exit_code == 3
    assert result.stderr.splitlines() == [
        "Error: No receipt of message 'no-such-id' is recorded, and no session runs that could record one.",
        "Hint: Start one: devkit dev. For the recorded messages: devkit list",
    ]
    assert "No receipt of any message is recorded" in nothing.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((ID, "--last"), "exclude each other"),
        (("--until", "deliverd"), "'deliverd' is not one of"),
        (("--timeout", "-1"), "-1"),
        (("",), "is recorded"),
    ],
)
def test_a_mistake_is_told(args: tuple[str, ...], words: str) -> None:
    result = wait(*args)

    assert result.exit_code in (2, 3)
    assert words in result.stderr
    assert result.stdout == ""


def test_json_prints_events_and_nothing_else() -> None:
    record("delivered")

    result = wait("--json")

    receipt, end = map(json.loads, result.stdout.splitlines())
    assert result.stderr == ""
    assert receipt["event"] == "receipt"
    assert Path(receipt["file"]).is_file()
    assert (receipt["part"], receipt["status"], receipt["after_ms"]) == (1, "delivered", 0)
    assert receipt["recorded_at"].endswith("Z")
    assert end == {
        "event": "waited",
        "reason": "final",
        "delivered": 1,
        "failed": 0,
        "open": 0,
        "reached": True,
        "message_ids": [ID],
    }


def test_received_text_reaches_no_terminal_as_it_is() -> None:
    record("undelivered\x1b[31m\u202e", "\x1b]0;title\x07")

    result = wait("--timeout", "0")

    assert "undelivered" in result.stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(result.output)


def test_ctrl_c_is_no_delivery(here: Path) -> None:
    record("accepted")
    with session(), start(here, "wait", ID, "--json") as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)

    assert first["status"] == "accepted"
    assert json.loads(rest)["reason"] == "stopped"
    assert (process.returncode, errors) == (1, "")


def test_nothing_is_left_behind(here: Path) -> None:
    record("delivered")
    before = sorted(here.rglob("*"))

    assert wait().exit_code == 0
    assert sorted(here.rglob("*")) == before
