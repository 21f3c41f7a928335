import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from devkit.errors import TunnelError
from devkit.tunnel import agent_process
from devkit.tunnel.agent_process import agent_home, end_orphaned_agents, start_agent, write_private
from devkit.tunnel.ngrok import NgrokOptions, ngrok_tunnel
from devkit.tunnel.orphans import ending_orphans
from devkit.tunnel.process import Process, command_line, find_process, find_process_with_ps, start_process
from tests.support.event_recorder import EventRecorder
from tests.support.standin import standin_pid

NOWHERE = "http://127.0.0.1:9"  # no request is sent there
SLEEPER = "import sys; print('up', flush=True); sys.stdin.read()"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
SESSION = """
import sys
from pathlib import Path
from devkit.tunnel.ngrok import NgrokOptions, ngrok_tunnel
options = NgrokOptions(Path(sys.argv[1]), authtoken="leftover", agent_path=Path(sys.argv[2]))
with ngrok_tunnel(options, notify=print, stopping=lambda: False)("http://127.0.0.1:9"):
    print("open", flush=True)
    sys.stdin.read()
"""


@contextmanager
def running(program: str, *words: str, says: str = "up") -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-c", program, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == f"{says}\n".encode()
            yield process
        finally:
            process.kill()


def write_record(private_dir: Path, *, owner: Process, agent: Process | None, command: str) -> Path:
    home = private_dir / "agent-x"
    home.mkdir(parents=True)
    record = {"owner": asdict(owner), "agent": agent and asdict(agent), "command": command}
    (home / "agent.json").write_text(json.dumps(record))
    (home / "ngrok.yml").write_text("authtoken: leftover")
    return home


def known(pid: int) -> Process:
    found = find_process(pid)
    assert found is not None
    return found


@pytest.fixture
def dead() -> Process:
    """A process that was, as a killed session."""
    with running(SLEEPER) as process:
        return known(process.pid)


def test_the_agent_of_a_killed_session_is_ended_by_the_next(
    agent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private_dir = tmp_path / "private"
    monkeypatch.setenv("STANDIN_FAULT", "survive")
    with running(SESSION, str(private_dir), str(agent), says="open") as session:
        session.kill()
        session.wait()
        orphan = known(standin_pid(agent))
    recorder = EventRecorder()

    options = NgrokOptions(private_dir, agent_path=agent)
    tunnel = ngrok_tunnel(options, notify=recorder, stopping=lambda: False)
    with ending_orphans(tunnel, private_dir, recorder)(NOWHERE):
        assert find_process(orphan.pid) != orphan
        assert len(list(private_dir.iterdir())) == 1

    assert recorder.states == ["ended-leftover"]


def test_the_agent_of_a_running_session_is_not_ended(agent: Path, tmp_path: Path) -> None:
    private_dir = tmp_path / "private"
    with running(SESSION, str(private_dir), str(agent), says="open"):
        orphan = known(standin_pid(agent))

        assert end_orphaned_agents(private_dir) is False

        assert find_process(orphan.pid) == orphan
        assert len(list(private_dir.glob("agent-*/ngrok.yml"))) == 1
    assert find_process(orphan.pid) != orphan or end_orphaned_agents(private_dir)


def test_an_orphaned_agent_that_ignores_sigterm_is_killed(tmp_path: Path, dead: Process) -> None:
    with running(STUBBORN) as process:
        home = write_record(tmp_path, owner=dead, agent=known(process.pid), command=sys.executable)

        assert end_orphaned_agents(tmp_path, grace=0.1) is True

        assert process.wait(10) != 0
        assert not home.exists()


@pytest.mark.parametrize("stranger", ["other start", "other command"])
def test_another_process_with_the_same_number_is_not_ended(
    tmp_path: Path, dead: Process, stranger: str
) -> None:
    with running(SLEEPER) as process:
        agent = known(process.pid)
        command = sys.executable
        if stranger == "other start":
            agent = Process(process.pid, dead.started + "0")
        else:
            command = "/opt/ngrok"
        home = write_record(tmp_path, owner=dead, agent=agent, command=command)

        assert end_orphaned_agents(tmp_path) is False

        assert process.poll() is None
        assert not home.exists()  # its authtoken goes all the same


def test_files_of_a_session_that_died_before_its_agent_started_are_removed(
    tmp_path: Path, dead: Process
) -> None:
    home = write_record(tmp_path, owner=dead, agent=None, command="")

    assert end_orphaned_agents(tmp_path) is False

    assert not home.exists()


@pytest.mark.parametrize("record", [None, "", "[]", "{}", '{"owner": null}', '{"owner": {"pid": 1}}', "\0"])
def test_a_directory_without_a_record_stays_unchanged(tmp_path: Path, record: str | None) -> None:
    home = tmp_path / "agent-x"
    home.mkdir()
    if record is not None:
        (home / "agent.json").write_text(record)

    assert end_orphaned_agents(tmp_path) is False

    assert home.exists()


def test_an_agent_that_cannot_be_recorded_does_not_run_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []

    def start(*args: Any) -> "subprocess.Popen[bytes]":
        process = start_process(*args)
        started.append(process.pid)
        (tmp_path / "private").rename(tmp_path / "moved")  # so there is no place for the record
        return process

    monkeypatch.setattr(agent_process, "start_process", start)
    with agent_home(tmp_path / "private") as home, pytest.raises(TunnelError, match="cannot be recorded"):
        start_agent([sys.executable, "-c", "import time; time.sleep(60)"], home, os.environ)

    assert [find_process(pid) for pid in started] == [None]


def test_a_file_that_cannot_be_written_is_a_tunnel_error(tmp_path: Path) -> None:
    with pytest.raises(TunnelError, match=f"cannot be written to {tmp_path}/none: No such file") as caught:
        write_private(tmp_path / "none" / "ngrok.yml", "authtoken: s3cret")

    assert "Free disk space" in caught.value.hint


def test_without_a_private_directory_there_is_no_orphaned_agent(tmp_path: Path) -> None:
    assert end_orphaned_agents(tmp_path / "none") is False


@pytest.mark.parametrize("find", [find_process, find_process_with_ps])
def test_a_process_is_distinguished_from_a_later_one(find: object) -> None:
    assert callable(find)
    with running(SLEEPER) as process:
        found = find(process.pid)
        assert found == find(process.pid)
        assert found is not None
        assert found != find(os.getpid())

    assert find(process.pid) is None


def test_a_command_line_is_read() -> None:
    with running(SLEEPER, "one", "two") as process:
        assert command_line(process.pid).endswith("one two")
    assert command_line(process.pid) == ""
