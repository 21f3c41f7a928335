from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from devkit.tunnel.ngrok import NgrokOptions, ngrok_tunnel
from devkit.tunnel.process import find_process
from devkit.tunnel.supervision import Backoff
from devkit.tunnel.types import Tunnel
from tests.support.event_recorder import EventRecorder
from tests.support.raw_socket import wait_until
from tests.support.standin import standin_pid, steer_standin

NOWHERE = "http://127.0.0.1:9"  # no request is sent there
QUICK = Backoff(poll=0.01, retry=0.01, restarts=(0.0, 0.01))
NEVER = Backoff(poll=0.01, restarts=(300.0,))


def opened(agent: Path, recorder: EventRecorder, backoff: Backoff = QUICK) -> AbstractContextManager[Tunnel]:
    options = NgrokOptions(agent.parent / "private", agent_path=agent)
    return ngrok_tunnel(options, notify=recorder, stopping=lambda: False, backoff=backoff)(NOWHERE)


def assert_nothing_left(agent: Path, *pids: int) -> None:
    assert [find_process(pid) for pid in (*pids, standin_pid(agent))] == [None] * (len(pids) + 1)
    assert list((agent.parent / "private").iterdir()) == []


def test_a_quiet_tunnel_reports_nothing(agent: Path) -> None:
    recorder = EventRecorder()

    with opened(agent, recorder):
        steer_standin(agent, "log?10")
        steer_standin(agent, "drop")
        recorder.wait_for_states("lost")  # the agent's log was read up to here

    assert recorder.states == ["lost"]


def test_a_lost_session_and_its_return_are_reported_once_each(agent: Path) -> None:
    recorder = EventRecorder()

    with opened(agent, recorder) as tunnel:
        steer_standin(agent, "drop")
        lost = recorder.wait_for_states("lost")
        steer_standin(agent, "drop")
        steer_standin(agent, "restore")
        restored = recorder.wait_for_states("lost", "restored")

    assert lost.public_url == restored.public_url == tunnel.public_url
    assert recorder.states == ["lost", "restored"]


def test_a_crashed_agent_is_started_again_and_a_new_url_is_reported(agent: Path) -> None:
    recorder = EventRecorder()

    with opened(agent, recorder) as tunnel:
        former = standin_pid(agent)
        steer_standin(agent, "exit?7")
        event = recorder.wait_for_states("lost", "restarted")
        assert find_process(standin_pid(agent)) is not None
        assert len(list((agent.parent / "private").iterdir())) == 1

    assert "exit code 7" in recorder.tunnel_events[0].detail
    assert event.public_url != tunnel.public_url
    assert event.detail.endswith(f"with a new public URL: {event.public_url}")
    assert_nothing_left(agent, former)


def test_a_restart_that_keeps_the_url_says_so(agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN_URL", "https://dlr.example.test")
    recorder = EventRecorder()

    with opened(agent, recorder) as tunnel:
        steer_standin(agent, "exit")
        event = recorder.wait_for_states("lost", "restarted")

    assert event.public_url == tunnel.public_url == "https://dlr.example.test"
    assert event.detail.endswith("with the same public URL")


def test_an_agent_that_dies_while_its_session_is_lost_is_reported_lost_once(agent: Path) -> None:
    recorder = EventRecorder()

    with opened(agent, recorder):
        steer_standin(agent, "drop")
        recorder.wait_for_states("lost")
        steer_standin(agent, "exit")
        recorder.wait_for_states("lost", "restarted")


def test_after_a_second_crash_the_agent_restarts_too(agent: Path) -> None:
    recorder = EventRecorder()

    with opened(agent, recorder):
        steer_standin(agent, "exit")
        recorder.wait_for_states("lost", "restarted")
        steer_standin(agent, "exit")
        recorder.wait_for_states("lost", "restarted", "lost", "restarted")


def test_a_restart_is_tried_until_it_works(agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = EventRecorder()

    with opened(agent, recorder):
        # As after a real crash: the service holds the domain for the dead agent for a while.
        monkeypatch.setenv("STANDIN_FAULT", "url-taken-once")
        steer_standin(agent, "exit")
        recorder.wait_for_states("lost", "restarted")

    assert agent.with_name("ngrok.failed-once").exists()


def test_a_restart_that_cannot_work_is_reported_and_given_up(
    agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = EventRecorder()

    with opened(agent, recorder) as tunnel:
        monkeypatch.setenv("STANDIN_FAULT", "bad-authtoken")
        steer_standin(agent, "exit")
        event = recorder.wait_for_states("lost", "failed")

    assert "ERR_NGROK_107" in event.detail
    assert event.public_url == tunnel.public_url
    assert_nothing_left(agent)


def test_closing_does_not_wait_for_the_next_restart(agent: Path) -> None:
    recorder = EventRecorder()

    with opened(agent, recorder, NEVER):
        steer_standin(agent, "exit")
        recorder.wait_for_states("lost")

    assert recorder.states == ["lost"]
    assert_nothing_left(agent)


def test_closing_ends_a_restart_that_hangs(agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = EventRecorder()
    started = agent.with_name("ngrok.failed-once")

    with opened(agent, recorder, replace(QUICK, restarts=(0.0,))):
        monkeypatch.setenv("STANDIN_FAULT", "silent-once")
        former = standin_pid(agent)
        steer_standin(agent, "exit")
        recorder.wait_for_states("lost")
        wait_until(lambda: started.exists() and standin_pid(agent) != former)

    assert recorder.states == ["lost"]
    assert_nothing_left(agent, former)
