import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devkit.errors import TunnelError
from devkit.tunnel.deadline import Timer
from devkit.tunnel.ngrok import NgrokOptions, ngrok_tunnel
from devkit.tunnel.process import find_process
from devkit.tunnel.supervision import Backoff
from tests.support.event_recorder import EventRecorder
from tests.support.standin import standin_pid, standin_state

TOKEN = "2TESTtokenTESTtokenTESTtoken_5TESTtokenTESTtoken"
NOWHERE = "http://127.0.0.1:9"  # no request is sent there
QUICK = Backoff(poll=0.01, retry=0.01, restarts=(0.01,))


@contextmanager
def failing(
    agent: Path, recorder: EventRecorder, *, timeout: float = 60, clock: Timer = time.monotonic
) -> Iterator[pytest.ExceptionInfo[TunnelError]]:
    """Open a tunnel that fails; afterwards nothing is left, and no error or event has the authtoken."""
    private_dir = agent.parent / "private"
    options = NgrokOptions(private_dir, authtoken=TOKEN, agent_path=agent, start_timeout=timeout)
    with (
        pytest.raises(TunnelError) as caught,
        ngrok_tunnel(options, notify=recorder, stopping=lambda: False, backoff=QUICK, clock=clock)(NOWHERE),
    ):
        pass
    assert not private_dir.exists() or list(private_dir.iterdir()) == []
    assert TOKEN not in f"{caught.value.message} {caught.value.hint} {recorder.events}"
    yield caught


def assert_gone(agent: Path) -> None:
    assert find_process(standin_pid(agent)) is None


@pytest.mark.parametrize(
    ("fault", "message", "hint"),
    [
        ("no-authtoken", "there is no authtoken (ERR_NGROK_4018)", "NGROK_AUTHTOKEN="),
        ("invalid-authtoken", "it is malformed (ERR_NGROK_105)", "NGROK_AUTHTOKEN="),
        ("bad-authtoken", "revoked, or left its team (ERR_NGROK_107)", "NGROK_AUTHTOKEN="),
        ("odd-error", "session refused for ***: the moon is full (ERR_NGROK_99999)", "err_ngrok_99999"),
    ],
)
def test_a_refusal_is_reported_at_once_with_its_code(
    agent: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    fault: str,
    message: str,
    hint: str,
) -> None:
    monkeypatch.setenv("STANDIN_FAULT", fault)
    recorder = EventRecorder()

    with failing(agent, recorder) as caught:
        assert message in caught.value.message
        assert hint in caught.value.hint

    assert_gone(agent)
    assert recorder.events == []
    # The agent's own words stay inside: the authtoken is among them.
    assert capfd.readouterr() == ("", "")
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("fault", "sign", "message"),
    [
        ("silent", "api", "it does not say why (waited 60 s)"),
        ("missing-line", "api", "it does not say why (waited 60 s)"),
        ("offline", "complaints", "dial tcp: no such host (waited 60 s)"),
    ],
)
def test_an_agent_that_never_comes_up_is_given_up_in_time(
    agent: Path, monkeypatch: pytest.MonkeyPatch, fault: str, sign: str, message: str
) -> None:
    monkeypatch.setenv("STANDIN_FAULT", fault)
    state_file = agent.with_name("ngrok.state.json")

    def clock() -> float:  # 60 seconds pass when the agent has come as far as it will
        return 60.0 if state_file.exists() and standin_state(agent).get(sign) not in (None, 1) else 0.0

    with failing(agent, EventRecorder(), clock=clock) as caught:
        assert message in caught.value.message

    assert_gone(agent)


def test_an_agent_that_never_prints_its_version_is_given_up(
    agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_FAULT", "slow-version")

    with failing(agent, EventRecorder(), timeout=1) as caught:
        assert "did not print its version within 0.5 s" in caught.value.message


@pytest.mark.parametrize(("fault", "code"), [("url-taken", "334"), ("session-limit", "108")])
def test_what_may_clear_is_tried_once_more(
    agent: Path, monkeypatch: pytest.MonkeyPatch, fault: str, code: str
) -> None:
    monkeypatch.setenv("STANDIN_FAULT", fault)
    recorder = EventRecorder()

    with failing(agent, recorder) as caught:
        assert f"(ERR_NGROK_{code})" in caught.value.message

    assert recorder.states == ["waiting"]
    assert f"(ERR_NGROK_{code}); trying once more in 0.01 s" in recorder.tunnel_events[0].detail
    assert_gone(agent)


def test_a_domain_that_is_free_again_is_taken(agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN_FAULT", "url-taken-once")
    recorder = EventRecorder()
    options = NgrokOptions(agent.parent / "private", agent_path=agent)

    with ngrok_tunnel(options, notify=recorder, stopping=lambda: False, backoff=QUICK)(NOWHERE):
        assert recorder.states == ["waiting"]


def test_a_stop_ends_the_start_at_once(agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN_FAULT", "silent")
    options = NgrokOptions(agent.parent / "private", agent_path=agent, start_timeout=300)
    state_file = agent.with_name("ngrok.state.json")

    with (
        pytest.raises(TunnelError, match="stopped"),
        ngrok_tunnel(options, notify=EventRecorder(), stopping=state_file.exists)(NOWHERE),
    ):
        pass

    assert_gone(agent)
    assert list((agent.parent / "private").iterdir()) == []


def test_ctrl_c_during_the_start_leaves_nothing(agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN_FAULT", "silent")
    options = NgrokOptions(agent.parent / "private", agent_path=agent)

    def interrupt() -> bool:
        if agent.with_name("ngrok.state.json").exists():
            raise KeyboardInterrupt
        return False

    with (
        pytest.raises(KeyboardInterrupt),
        ngrok_tunnel(options, notify=EventRecorder(), stopping=interrupt)(NOWHERE),
    ):
        pass

    assert_gone(agent)
    assert list((agent.parent / "private").iterdir()) == []


def test_a_stop_before_the_agent_runs_waits_until_it_cannot_start_any_more(tmp_path: Path) -> None:
    agent = tmp_path / "ngrok"
    agent.write_text(f"#!/bin/sh\ntouch {tmp_path}/began\nsleep 0.3\n")
    agent.chmod(0o700)
    options = NgrokOptions(tmp_path / "private", agent_path=agent)
    threads = set(threading.enumerate())

    with (
        pytest.raises(TunnelError, match="stopped"),
        ngrok_tunnel(options, notify=EventRecorder(), stopping=(tmp_path / "began").exists)(NOWHERE),
    ):
        pass

    assert set(threading.enumerate()) <= threads


def test_a_stop_ends_the_wait_for_a_domain(agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN_FAULT", "url-taken")
    options = NgrokOptions(agent.parent / "private", agent_path=agent)
    recorder = EventRecorder()
    slow = Backoff(retry=300)

    with (
        pytest.raises(TunnelError, match="stopped"),
        ngrok_tunnel(options, notify=recorder, stopping=lambda: bool(recorder.events), backoff=slow)(NOWHERE),
    ):
        pass

    assert_gone(agent)


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (b"#!/bin/sh\n", 0o600, "does not run: Permission denied"),
        (b"\0not a program", 0o700, "does not run: Exec format error"),
        (b"#!/bin/sh\nexit 3\n", 0o700, "opened no tunnel"),
        (b"#!/bin/sh\necho 'ERROR:  bad flag' >&2\nexit 1\n", 0o700, "opened no tunnel: bad flag"),
    ],
)
def test_a_program_that_is_no_agent_is_named(tmp_path: Path, content: bytes, mode: int, reason: str) -> None:
    path = tmp_path / "ngrok"
    path.write_bytes(content)
    path.chmod(mode)

    with failing(path, EventRecorder()) as caught:
        assert reason in caught.value.message


def test_a_private_directory_that_cannot_be_made_is_named(agent: Path) -> None:
    (agent.parent / "file").touch()
    options = NgrokOptions(agent.parent / "file" / "private", agent_path=agent)

    with (
        pytest.raises(TunnelError, match=r"cannot be written to .*private: Not a directory"),
        ngrok_tunnel(options, notify=EventRecorder(), stopping=lambda: False)(NOWHERE),
    ):
        pass
