"""A session whose tunnel is lost, crashes, or never opens, as a user would see it: real processes throughout."""

import json
import signal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from devkit.http.address import parse_address
from devkit.http.client import push
from devkit.tunnel.process import find_process
from devkit.webhook.callback import compose
from tests.support.dev_process import running_dev
from tests.support.live_account import AUTHTOKEN, environ, registered_callback
from tests.support.raw_socket import closed_port, wait_until
from tests.support.settings_gateway import Gateway
from tests.support.simulator_client import Listener
from tests.support.standin import install_standin, standin_pid, standin_state, steer_standin

RECEIPT = {"msisdn": "447700900001", "messageId": "0A00000012345678", "status": "delivered", "err-code": "0"}


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    return install_standin(tmp_path)


def deliver(url: str) -> int:
    address = parse_address(url)
    return push(compose(RECEIPT, "get", target=address.target), address).status


def assert_nothing_left(tmp_path: Path, agent: Path, *pids: int) -> None:
    assert [find_process(pid) for pid in (*pids, standin_pid(agent))] == [None] * (len(pids) + 1)
    assert {path.name for path in (tmp_path / ".devkit").iterdir()} == {".gitignore", "callback-token"}


def test_lost_tunnel_and_its_return_are_reported_and_change_nothing_at_vonage(
    tmp_path: Path, vonage: Gateway, agent: Path, former: Listener
) -> None:
    same_port = str(closed_port())
    with running_dev(
        tmp_path, **environ(vonage, PYNGROK_NGROK_PATH=str(agent), STANDIN_EDGE_PORT=same_port)
    ) as dev:
        ready = dev.wait_for("ready")
        steer_standin(agent, "drop")
        lost = dev.wait_for("tunnel", state="lost")
        local = ready["local_url"] + urlsplit(ready["callback_url"]).path
        assert deliver(local) == 200
        dev.wait_for("receipt")
        steer_standin(agent, "restore")
        restored = dev.wait_for("tunnel", state="restored")
        assert deliver(ready["callback_url"]) == 200

        crashed = standin_pid(agent)
        steer_standin(agent, "exit?7")
        dev.wait_for("tunnel", state="lost")
        dev.wait_for("tunnel", state="restarted", public_url=ready["public_url"])
        dev.wait_for("tunnel", state="restored", public_url=ready["public_url"])
        assert deliver(ready["callback_url"]) == 200
        assert dev.stop() == 0

    assert lost["public_url"] == restored["public_url"] == ready["public_url"]
    assert restored["detail"].startswith("after ")
    assert vonage.changes == [ready["callback_url"], former.url]
    assert registered_callback(vonage) == former.url
    assert dev.names().count("probe") == 1  # Vonage's; our own questions are nobody's business
    assert dev.events[-1] == {"event": "stopped", "receipts": 3, "left_out": 0, "other_webhooks": 0}
    assert_nothing_left(tmp_path, agent, crashed)


def test_agent_that_comes_back_elsewhere_takes_the_callback_along(
    tmp_path: Path, vonage: Gateway, agent: Path, former: Listener
) -> None:
    with running_dev(tmp_path, **environ(vonage, PYNGROK_NGROK_PATH=str(agent))) as dev:
        first = dev.wait_for("ready")["callback_url"]
        steer_standin(agent, "exit")
        moved = dev.wait_for("registered", former_url=former.url)["callback_url"]
        dev.wait_for("tunnel", state="restored", public_url=standin_state(agent)["url"])
        session = json.loads((tmp_path / ".devkit" / "session.json").read_text())
        assert registered_callback(vonage) == moved == session["callback_url"]
        assert deliver(moved) == 200
        dev.wait_for("receipt")
        assert dev.stop() == 0

    assert moved == f"{standin_state(agent)['url']}{urlsplit(first).path}"
    assert vonage.changes == [first, moved, former.url]
    assert_nothing_left(tmp_path, agent)


def test_agent_that_cannot_be_started_again_ends_the_session_in_order(
    tmp_path: Path, vonage: Gateway, agent: Path, former: Listener
) -> None:
    with running_dev(tmp_path, **environ(vonage, PYNGROK_NGROK_PATH=str(agent))) as dev:
        dev.wait_for("ready")
        crashed = standin_pid(agent)
        agent.with_name("ngrok.fault").write_text("bad-authtoken")
        steer_standin(agent, "exit")
        dev.wait_for("tunnel", state="failed")
        code = dev.finish()

    assert code == 5
    assert "The tunnel is gone" in dev.stderr
    assert "ERR_NGROK_107" in dev.stderr
    assert AUTHTOKEN not in dev.stderr + str(dev.events)
    assert registered_callback(vonage) == former.url
    assert_nothing_left(tmp_path, agent, crashed)


def test_stop_while_the_tunnel_opens_is_a_stop(tmp_path: Path, vonage: Gateway, agent: Path) -> None:
    before = registered_callback(vonage)
    state = agent.with_name("ngrok.state.json")
    with running_dev(
        tmp_path, **environ(vonage, PYNGROK_NGROK_PATH=str(agent), STANDIN_FAULT="silent")
    ) as dev:
        wait_until(state.exists)
        code = dev.stop(signal.SIGTERM)

    assert code == 0
    assert dev.stderr == ""
    assert dev.names() == ["stopped"]
    assert vonage.changes == []
    assert registered_callback(vonage) == before
    assert_nothing_left(tmp_path, agent)


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("invalid-authtoken", 5, "ERR_NGROK_105"),
        ("odd-error", 5, "ERR_NGROK_99999"),
        ("die-after=1-once", 4, "Vonage answered 420"),  # reached once, dead when Vonage asks
    ],
)
def test_agent_that_fails_at_the_start_leaves_everything_as_it_was(
    tmp_path: Path, vonage: Gateway, agent: Path, former: Listener, fault: str, code: int, words: str
) -> None:
    with running_dev(tmp_path, **environ(vonage, PYNGROK_NGROK_PATH=str(agent), STANDIN_FAULT=fault)) as dev:
        assert dev.finish() == code

    lines = dev.stderr.splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["Error:", "Hint:"]
    assert words in lines[0]
    assert AUTHTOKEN not in dev.stderr
    assert registered_callback(vonage) == former.url
    assert_nothing_left(tmp_path, agent)
