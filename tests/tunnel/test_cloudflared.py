"""A quick tunnel through a stand-in for cloudflared: a real process each time."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from devkit.errors import TunnelError
from devkit.tunnel.cloudflared import CloudflaredOptions, cloudflared_tunnel
from devkit.tunnel.orphans import end_orphans
from devkit.tunnel.process import find_process
from devkit.tunnel.supervision import Backoff
from devkit.tunnel.types import Tunnel
from tests.support.event_recorder import EventRecorder
from tests.support.raw_socket import wait_until
from tests.support.standin import install_cloudflared, standin_pid, standin_state, steer_standin

NOWHERE = "http://127.0.0.1:9"  # no request is sent there
QUICK = Backoff(poll=0.01, retry=0.01, restarts=(0.0, 0.01))


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    return install_cloudflared(tmp_path)


def opened(
    agent: Path, recorder: EventRecorder, *, timeout: float = 60.0, **environ: str
) -> AbstractContextManager[Tunnel]:
    options = CloudflaredOptions(agent.parent / "private", agent, {**os.environ, **environ}, timeout)
    return cloudflared_tunnel(options, notify=recorder, stopping=lambda: False, backoff=QUICK)(NOWHERE)


@contextmanager
def refused(agent: Path, fault: str, *, timeout: float = 60.0) -> Iterator[pytest.ExceptionInfo[TunnelError]]:
    """An attempt that fails; afterwards nothing is left."""
    with (
        pytest.raises(TunnelError) as caught,
        opened(agent, EventRecorder(), timeout=timeout, STANDIN_FAULT=fault),
    ):
        pass
    assert list((agent.parent / "private").iterdir()) == []
    yield caught


def test_it_is_started_without_an_account_and_ended(agent: Path) -> None:
    recorder = EventRecorder()

    with opened(agent, recorder, TUNNEL_TOKEN="s3cret", TUNNEL_TRANSPORT_PROTOCOL="http2") as tunnel:
        state = standin_state(agent)
        assert find_process(standin_pid(agent)) is not None

    argv = state["argv"]
    assert isinstance(argv, list)
    assert tunnel.public_url == state["url"]
    assert (argv[0], argv[-2:]) == ("tunnel", ["--url", NOWHERE])
    assert "--no-autoupdate" in argv
    assert argv[argv.index("--metrics") + 1].startswith("127.0.0.1:")
    # Neither the user's own configuration nor environment makes it a named tunnel; how to connect is kept.
    assert (state["config"], state["environ"]) == ("no-autoupdate: true\n", ["TUNNEL_TRANSPORT_PROTOCOL"])
    assert recorder.states == []
    assert find_process(standin_pid(agent)) is None
    assert list((agent.parent / "private").iterdir()) == []


@pytest.mark.parametrize("fault", ["metrics-late", "port-taken-once"])
def test_what_takes_a_while_or_a_second_port_opens_all_the_same(agent: Path, fault: str) -> None:
    with opened(agent, EventRecorder(), STANDIN_FAULT=fault) as tunnel:
        assert tunnel.public_url == standin_state(agent)["url"]

    assert find_process(standin_pid(agent)) is None


@pytest.mark.parametrize(
    ("fault", "message", "hint"),
    [
        ("too-many", "no further quick tunnel for now (429)", "--tunnel NAME"),
        ("port-taken", "address already in use", "--tunnel NAME"),
        (
            "odd-error",
            "opened no tunnel: failed to request quick Tunnel: dial tcp: [31mno such host",
            "devkit doctor",
        ),
    ],
)
def test_a_refusal_is_reported_at_once(agent: Path, fault: str, message: str, hint: str) -> None:
    with refused(agent, fault) as caught:
        assert message in caught.value.message
        assert hint in caught.value.hint
        assert caught.value.message.isprintable()


@pytest.mark.parametrize("fault", ["silent", "not-connected"])
def test_one_that_never_connects_is_given_up_in_time(agent: Path, fault: str) -> None:
    with refused(agent, fault, timeout=0.5) as caught:
        assert caught.value.message == "cloudflared opened no tunnel: it does not say why (waited 0.5 s)"


def test_a_stop_ends_the_start_at_once(agent: Path) -> None:
    state_file = agent.with_name("cloudflared.state.json")
    environ = {**os.environ, "STANDIN_FAULT": "not-connected"}
    options = CloudflaredOptions(agent.parent / "private", agent, environ, 300)

    with (
        pytest.raises(TunnelError, match="stopped"),
        cloudflared_tunnel(options, notify=EventRecorder(), stopping=state_file.exists)(NOWHERE),
    ):
        pass

    assert find_process(standin_pid(agent)) is None


def test_a_program_that_does_not_run_is_named(tmp_path: Path) -> None:
    program = tmp_path / "cloudflared"
    program.write_bytes(b"\0not a program")
    program.chmod(0o700)

    with refused(program, "") as caught:
        assert caught.value.message == f"{program} does not run: Exec format error"


def test_a_lost_connection_and_its_return_are_reported(agent: Path) -> None:
    recorder = EventRecorder()

    with opened(agent, recorder) as tunnel:
        steer_standin(agent, "drop")
        lost = recorder.wait_for_states("lost")
        steer_standin(agent, "restore")
        restored = recorder.wait_for_states("lost", "restored")

    assert lost.public_url == restored.public_url == tunnel.public_url
    assert lost.detail.startswith("cloudflared has lost its connection")


def test_after_a_crash_there_is_a_new_url(agent: Path) -> None:
    recorder = EventRecorder()

    with opened(agent, recorder) as tunnel:
        former = standin_pid(agent)
        steer_standin(agent, "exit?7")
        event = recorder.wait_for_states("lost", "restarted")
        assert len(list((agent.parent / "private").iterdir())) == 1

    assert recorder.tunnel_events[0].detail == "cloudflared ended by itself (exit code 7)"
    assert event.public_url == standin_state(agent)["url"] != tunnel.public_url
    assert event.detail == f"cloudflared was started again, with a new public URL: {event.public_url}"
    assert [find_process(pid) for pid in (former, standin_pid(agent))] == [None, None]


def test_the_one_of_a_killed_session_is_ended_by_the_next(
    agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = """
import sys
from pathlib import Path
from devkit.tunnel.cloudflared import CloudflaredOptions, cloudflared_tunnel
options = CloudflaredOptions(Path(sys.argv[1]), Path(sys.argv[2]))
with cloudflared_tunnel(options, notify=print, stopping=lambda: False)("http://127.0.0.1:9"):
    print("open", flush=True)
    sys.stdin.read()
"""
    monkeypatch.setenv("STANDIN_FAULT", "survive")
    command = [sys.executable, "-c", session, str(agent.parent / "private"), str(agent)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        process.send_signal(signal.SIGKILL)
    orphan = standin_pid(agent)
    assert find_process(orphan) is not None
    monkeypatch.delenv("STANDIN_FAULT")
    assert end_orphans(agent.parent / "private") == ["an agent"]

    wait_until(lambda: find_process(orphan) is None)
