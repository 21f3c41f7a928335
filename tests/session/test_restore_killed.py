"""Sessions that are killed, at chosen and at random moments, and `devkit restore` after them."""

import os
import random
import time
from pathlib import Path

import pytest

from devkit.session.project import Project
from devkit.tunnel.process import find_process
from tests.support.dev_process import DevProcess, running_dev
from tests.support.live_account import environ, registered_callback, restored, settings
from tests.support.raw_socket import closed_port, wait_until
from tests.support.settings_gateway import Gateway
from tests.support.simulator_client import Listener
from tests.support.standin import install_standin, standin_pid

pytestmark = pytest.mark.program

# `make reliability` asks for more rounds.
ROUNDS = int(os.environ.get("DEVKIT_KILL_ROUNDS", "4"))


def kill(dev: DevProcess) -> None:
    dev.process.kill()
    dev.process.wait()


@pytest.mark.parametrize("moment", ["before 0", "before 1", "before 2", "after 2", "before 3", "after 3"])
def test_callback_is_restored_after_a_session_killed_around_its_registration(
    tmp_path: Path, project: Project, vonage: Gateway, former: Listener, moment: str
) -> None:
    # The calls are: it looks (0) and again (1), sets its own callback (2), reads it back (3).
    hooks, number = getattr(vonage, moment.split()[0]), int(moment.split()[1])
    url = f"http://127.0.0.1:{(port := closed_port())}"
    with running_dev(tmp_path, "--port", str(port), "--public-url", url, **environ(vonage)) as dev:
        hooks[number] = lambda: kill(dev)
        dev.finish()
    before = registered_callback(vonage)

    done = restored(settings(vonage), project)

    assert (before != former.url) == (moment in ("after 2", "before 3", "after 3"))
    assert done.outcome == ("nothing" if before == former.url else "given-back")
    assert registered_callback(vonage) == former.url
    assert list(project.private.glob("registration*")) == []


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_callback_is_restored_after_a_session_killed_at_a_random_moment(
    tmp_path: Path, project: Project, vonage: Gateway, former: Listener, seed: int
) -> None:
    agent = install_standin(tmp_path)
    with running_dev(tmp_path, **environ(vonage, PYNGROK_NGROK_PATH=str(agent))) as dev:
        time.sleep(random.Random(seed).uniform(0.2, 1.6))  # the moment, not a wait for something
        kill(dev)
    before = registered_callback(vonage)

    done = restored(settings(vonage), project)

    assert done.outcome == ("nothing" if before == former.url else "given-back")
    assert registered_callback(vonage) == former.url
    assert list(project.private.glob("registration*")) == []
    assert list(project.private.glob("agent-*")) == []
    if agent.with_name("ngrok.state.json").exists():
        wait_until(lambda: find_process(standin_pid(agent)) is None)


def test_the_next_session_finds_what_a_killed_one_left_and_restores_the_former_callback(
    tmp_path: Path, vonage: Gateway, former: Listener
) -> None:
    agent = install_standin(tmp_path)
    with running_dev(tmp_path, **environ(vonage, PYNGROK_NGROK_PATH=str(agent))) as dev:
        first = dev.wait_for("ready")["callback_url"]
        kill(dev)
    assert registered_callback(vonage) == first

    with running_dev(tmp_path, **environ(vonage, PYNGROK_NGROK_PATH=str(agent))) as dev:
        registered = dev.wait_for("registered")
        dev.wait_for("ready")
        assert dev.stop() == 0

    assert registered["former_url"] == former.url
    assert "A killed session left its callback in the account" in dev.stderr
    assert registered_callback(vonage) == former.url
    assert {path.name for path in (tmp_path / ".devkit").iterdir()} == {".gitignore", "callback-token"}


def test_an_agent_that_outlived_its_session_is_ended_too(
    tmp_path: Path, project: Project, vonage: Gateway, former: Listener
) -> None:
    agent = install_standin(tmp_path)
    more = environ(vonage, PYNGROK_NGROK_PATH=str(agent), STANDIN_FAULT="survive")
    with running_dev(tmp_path, **more) as dev:
        dev.wait_for("ready")
        kill(dev)
    pid = standin_pid(agent)
    assert find_process(pid) is not None

    assert restored(settings(vonage), project).outcome == "given-back"

    assert find_process(pid) is None
    assert registered_callback(vonage) == former.url
