import errno
import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import pytest

from devkit.errors import UsageError
from devkit.events import Event
from devkit.events.session import CommandEnded, Probe, ReceiptTaken
from devkit.fixture.format import Fixture
from devkit.fixture.store import Store
from devkit.session import status_commands
from devkit.session.status_commands import StatusCommand, StatusCommands, parse_command
from devkit.webhook.callback import compose
from devkit.webhook.vocabulary import ALL_STATUSES
from tests.support.event_recorder import EventRecorder
from tests.support.raw_socket import wait_until

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def python(program: str, status: str = "failed") -> StatusCommand:
    return StatusCommand(status, (sys.executable, "-c", program))


@pytest.fixture
def receipt(tmp_path: Path) -> ReceiptTaken:
    """The event of a recorded receipt whose text is hostile."""
    fields = {
        "msisdn": "447700900001",
        "messageId": "0A01",
        "status": "failed",
        "client-ref": "; touch pwned $(id)",
    }
    fixture = Fixture(NOW, compose(fields, "form"))
    path = Store(tmp_path / "fixtures").record(fixture, fixture.read())
    return ReceiptTaken(
        str(path),
        "0A01",
        "failed",
        "1",
        "Unknown",
        "absent",
        "",
        None,
        "*********001",
        "form",
        "",
        replay=False,
    )


Commands = Callable[..., StatusCommands]


@pytest.fixture
def commands_of(tmp_path: Path) -> Commands:
    def make(recorder: EventRecorder, *commands: StatusCommand) -> StatusCommands:
        return StatusCommands(commands, recorder, tmp_path)

    return make


def ended(recorder: EventRecorder) -> list[CommandEnded]:
    return [event for event in recorder.events if isinstance(event, CommandEnded)]


def wait_for_end(recorder: EventRecorder, count: int = 1) -> None:
    recorder.wait_until(lambda: len(ended(recorder)) >= count)


def test_a_command_reads_the_receipt_and_its_output_and_exit_code_are_published(
    tmp_path: Path, receipt: ReceiptTaken, commands_of: Commands
) -> None:
    recorder = EventRecorder()
    program = (
        "import sys, pathlib; pathlib.Path('got').write_bytes(sys.stdin.buffer.read()); "
        "print('one'); print('two', file=sys.stderr, flush=True); sys.exit(3)"
    )
    with commands_of(recorder, python(program)) as commands:
        commands.publish(receipt)
        wait_for_end(recorder)

    document = json.loads((tmp_path / "got").read_text())
    assert document == {
        **receipt.as_json(),
        "receipt": {
            "msisdn": "447700900001",
            "messageId": "0A01",
            "status": "failed",
            "client-ref": "; touch pwned $(id)",
        },
    }
    assert recorder.events[0] == receipt
    name = Path(sys.executable).name
    assert sorted(recorder.notices) == [f"{name}: one", f"{name}: two"]
    assert ended(recorder) == [CommandEnded(name, receipt.file, "0A01", "failed", 3)]
    assert not (tmp_path / "pwned").exists()


def test_commands_run_again_after_a_full_disk(
    receipt: ReceiptTaken, commands_of: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = EventRecorder()
    full = OSError(errno.ENOSPC, "No space left on device")
    with commands_of(recorder, python("")) as commands:
        with monkeypatch.context() as patched:
            patched.setattr(status_commands, "TemporaryFile", Mock(side_effect=full))
            for _ in range(status_commands._WORKERS):
                commands.publish(receipt)
            wait_for_end(recorder, status_commands._WORKERS)
        commands.publish(receipt)
        wait_for_end(recorder, status_commands._WORKERS + 1)

    problems = [(end.problem, end.exit_code) for end in ended(recorder)]
    assert problems == [("No space left on device", None)] * status_commands._WORKERS + [("", 0)]


def test_only_recorded_receipts_with_the_status_start_a_command(
    receipt: ReceiptTaken, commands_of: Commands
) -> None:
    recorder = EventRecorder()
    others: list[Event] = [
        replace(receipt, status="delivered"),
        replace(receipt, file="", replay=True),
        Probe("Java"),
    ]
    with commands_of(recorder, python("print('failed')"), python("print('any')", "any")) as commands:
        for event in (*others, receipt):
            commands.publish(event)
        wait_for_end(recorder, 3)

    assert sorted(line.partition(": ")[2] for line in recorder.notices) == ["any", "any", "failed"]
    assert len(ended(recorder)) == 3


def test_inbound_messages_and_statuses_start_commands_and_strangers_only_any(
    receipt: ReceiptTaken, commands_of: Commands
) -> None:
    recorder = EventRecorder()
    events = [
        replace(receipt, kind="messages-status", status="rejected"),
        replace(receipt, kind="sms-inbound", status="inbound", text="STOP"),
        replace(receipt, kind="unknown", status="rejected"),
    ]
    text = "import json, sys; print(json.load(sys.stdin)['text'])"
    commands = [python("print(1)", "rejected"), python(text, "inbound"), python("print('any')", "any")]
    with commands_of(recorder, *commands) as running:
        for event in events:
            running.publish(event)
        wait_for_end(recorder, 5)

    assert sorted(line.partition(": ")[2] for line in recorder.notices) == ["1", "STOP", "any", "any", "any"]


@pytest.mark.parametrize("status", [*ALL_STATUSES, "any"])
def test_each_status_of_any_kind_can_have_a_command(tmp_path: Path, status: str) -> None:
    assert parse_command(status, sys.executable, tmp_path).status == status


def test_a_receipt_that_was_deleted_meanwhile_is_passed_on_without_fields(
    tmp_path: Path, receipt: ReceiptTaken, commands_of: Commands
) -> None:
    Path(receipt.file).unlink()
    recorder = EventRecorder()
    with commands_of(
        recorder, python("import json, sys; print(json.load(sys.stdin)['receipt'])")
    ) as commands:
        commands.publish(receipt)
        wait_for_end(recorder)

    assert recorder.notices[0].endswith(": {}")


def test_a_command_that_reads_nothing_and_writes_much_ends(
    receipt: ReceiptTaken, commands_of: Commands
) -> None:
    recorder = EventRecorder()
    with commands_of(recorder, python("for number in range(100_000): print(number)")) as commands:
        commands.publish(receipt)
        wait_for_end(recorder)

    assert len(recorder.notices) == 101
    assert recorder.notices[99].endswith(": 99")
    assert recorder.notices[100].endswith(": (the rest of its output is not shown)")


def test_four_commands_run_at_once(tmp_path: Path, receipt: ReceiptTaken, commands_of: Commands) -> None:
    program = (
        "import os, pathlib, time\n"
        "pathlib.Path(f'ran-{os.getpid()}').touch()\n"
        "while not pathlib.Path('go').exists(): time.sleep(0.01)"
    )
    recorder = EventRecorder()
    with commands_of(recorder, python(program)) as commands:
        for _ in range(6):
            commands.publish(receipt)
        wait_until(lambda: len(list(tmp_path.glob("ran-*"))) == 4)
        assert ended(recorder) == []
        (tmp_path / "go").touch()
        wait_for_end(recorder, 6)

    assert [event.exit_code for event in ended(recorder)] == [0] * 6
    assert len(list(tmp_path.glob("ran-*"))) == 6


@pytest.fixture
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


@pytest.mark.usefixtures("no_thread_is_left")
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc which processes run")
def test_the_end_of_the_session_ends_a_command_with_all_that_it_started(
    tmp_path: Path, receipt: ReceiptTaken, commands_of: Commands
) -> None:
    program = (
        "import pathlib, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "pathlib.Path(f'child-{child.pid}').touch()\n"
        "child.wait()"
    )
    recorder = EventRecorder()
    with commands_of(recorder, python(program)) as commands:
        for _ in range(5):
            commands.publish(receipt)
        wait_until(lambda: len(list(tmp_path.glob("child-*"))) == 4)

    children = [int(path.name.removeprefix("child-")) for path in tmp_path.glob("child-*")]
    wait_until(lambda: not any(map(is_running, children)))
    results = [(event.exit_code, event.problem) for event in ended(recorder)]
    assert sorted(results, key=str) == [(-15, "")] * 4 + [(None, "the session ended before its turn")]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc which processes run")
def test_what_a_command_leaves_in_the_background_ends_with_it(
    tmp_path: Path, receipt: ReceiptTaken, commands_of: Commands
) -> None:
    program = (
        "import pathlib, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "pathlib.Path('child').write_text(str(child.pid))"
    )
    recorder = EventRecorder()
    with commands_of(recorder, python(program)) as commands:
        commands.publish(receipt)
        wait_for_end(recorder)
        child = int((tmp_path / "child").read_text())
        wait_until(lambda: not is_running(child))

    assert ended(recorder)[0].exit_code == 0


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie, which a container without an init keeps."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_program_that_is_gone_is_reported(receipt: ReceiptTaken, commands_of: Commands) -> None:
    recorder = EventRecorder()
    with commands_of(recorder, StatusCommand("any", ("/nowhere/notify",))) as commands:
        commands.publish(receipt)
        wait_for_end(recorder)

    assert [(event.exit_code, event.problem) for event in ended(recorder)] == [
        (None, "No such file or directory")
    ]


def test_a_command_is_split_as_a_shell_does_without_one(tmp_path: Path) -> None:
    command = parse_command("failed", f"{sys.executable} -m 'a b' $HOME", tmp_path)

    assert command == StatusCommand("failed", (sys.executable, "-m", "a b", "$HOME"))


def test_a_program_may_be_in_the_directory(tmp_path: Path) -> None:
    script = tmp_path / "notify"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)

    assert parse_command("any", "./notify", tmp_path).name == "notify"


@pytest.mark.parametrize(
    ("status", "text", "message"),
    [
        ("delivred", "true", "Not a status: 'delivred'."),
        ("failed", "echo 'x", "cannot be read: no closing quotation."),
        ("failed", "", "There is no program '' for --on failed."),
        ("failed", "nowhere-notify x", "There is no program 'nowhere-notify' for --on failed."),
    ],
)
def test_what_cannot_be_run_is_refused_at_the_start(
    tmp_path: Path, status: str, text: str, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        parse_command(status, text, tmp_path)

    assert message in caught.value.message
    assert caught.value.hint
