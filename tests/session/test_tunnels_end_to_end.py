"""Sessions through a quick tunnel and a funnel, as a user would see them: real processes, with stand-ins for agents."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from devkit.http.address import parse_address
from devkit.http.client import push
from devkit.session.project import Project, project_in
from devkit.session.restore import restore
from devkit.tunnel.process import find_process
from devkit.webhook.callback import CALLBACK_PATH, Callback, compose
from tests.support.command import call
from tests.support.dev_process import clean_environ, running_dev
from tests.support.live_account import environ, registered_callback, settings
from tests.support.raw_socket import wait_until
from tests.support.settings_gateway import Gateway
from tests.support.simulator_client import Listener
from tests.support.standin import install_cloudflared, standin_pid, standin_state, steer_standin
from tests.support.tailscale import Tailscale, tailscale_service

pytestmark = pytest.mark.program

RECEIPT = {"msisdn": "447700900001", "messageId": "0A00000012345678", "status": "delivered", "err-code": "0"}
NOW = "2026-11-23T12:00:00+00:00"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Tailscale]:
    with tailscale_service(tmp_path) as service:
        yield service


def on_path(directory: Path, vonage: Gateway, **more: str) -> dict[str, str]:
    """The settings of a live session whose PATH begins with the directory, without an authtoken of ngrok."""
    path = f"{directory}{os.pathsep}{os.environ['PATH']}"
    return environ(vonage, **{"NGROK_AUTHTOKEN": "", "PATH": path, **more})


def deliver(url: str, *, host: str = "", **headers: str) -> int:
    """The status of a receipt that is sent to a URL. host: what a stranger claims in the Host header."""
    address = parse_address(url)
    callback = compose(RECEIPT, "get", target=address.target)
    lines = [(name, value) for name, value in callback.headers if name.lower() != "host"]
    lines = [("Host", host or address.netloc), *lines, *headers.items()]
    return push(Callback(callback.method, callback.target, tuple(lines), callback.body), address).status


def stranger_is_refused(public_url: str) -> bool:
    """Whether somebody who does not know the token gets nothing, whatever they claim to be."""
    bare = public_url + CALLBACK_PATH
    claims = ["", "127.0.0.1", "localhost:3000"]
    return {deliver(bare, host=host) for host in claims} == {404}


def left_in(directory: Path) -> set[str]:
    return {path.name for path in (directory / ".devkit").iterdir()}


def test_a_quick_tunnel_from_the_public_url_to_the_end(
    tmp_path: Path, vonage: Gateway, former: Listener
) -> None:
    agent = install_cloudflared(tmp_path)
    # Nothing is chosen: it is the only tunnel that this machine has. Its name is known before it leads here.
    with running_dev(tmp_path, **on_path(tmp_path, vonage, STANDIN_FAULT="late=2-once")) as dev:
        ready = dev.wait_for("ready")
        assert ready["public_url"] == standin_state(agent)["url"]
        assert registered_callback(vonage) == ready["callback_url"]
        assert deliver(ready["callback_url"]) == 200
        dev.wait_for("receipt", triggered=False)
        assert deliver(ready["callback_url"], **{"X-Devkit-Trigger": "1"}) == 200
        dev.wait_for("receipt", triggered=False)
        assert deliver(ready["local_url"] + CALLBACK_PATH, **{"X-Devkit-Trigger": "1"}) == 200
        dev.wait_for("receipt", triggered=True)
        assert stranger_is_refused(ready["public_url"])

        crashed = standin_pid(agent)
        steer_standin(agent, "exit?7")
        dev.wait_for("tunnel", state="lost", detail="cloudflared ended by itself (exit code 7)")
        moved = dev.wait_for("registered", former_url=former.url)["callback_url"]
        dev.wait_for("tunnel", state="restored")
        session = json.loads((tmp_path / ".devkit" / "session.json").read_text())
        assert registered_callback(vonage) == moved == session["callback_url"] != ready["callback_url"]
        assert deliver(moved) == 200
        dev.wait_for("receipt")
        assert dev.stop() == 0

    assert "its URL is new at each start" in dev.stderr
    assert urlsplit(moved).path == urlsplit(ready["callback_url"]).path
    assert vonage.changes == [ready["callback_url"], moved, former.url]
    assert [find_process(pid) for pid in (crashed, standin_pid(agent))] == [None, None]
    assert left_in(tmp_path) == {".gitignore", "callback-token"}


def test_a_funnel_from_the_public_url_to_the_end(
    tmp_path: Path, vonage: Gateway, former: Listener, service: Tailscale
) -> None:
    urls = service.state["edges"]
    with running_dev(tmp_path, "--tunnel", "tailscale", **on_path(tmp_path, vonage)) as dev:
        ready = dev.wait_for("ready")
        assert ready["public_url"] == urls["443"]
        assert registered_callback(vonage) == ready["callback_url"]
        assert deliver(ready["callback_url"]) == 200
        dev.wait_for("receipt")
        assert stranger_is_refused(ready["public_url"])

        service.add_entry(443)  # another program takes the port: the agent of this tunnel is gone
        dev.wait_for("tunnel", state="lost")
        moved = dev.wait_for("registered", former_url=former.url)["callback_url"]
        dev.wait_for("tunnel", state="restored", public_url=urls["8443"])
        assert registered_callback(vonage) == moved
        assert deliver(moved) == 200
        dev.wait_for("receipt")
        assert dev.stop() == 0

    assert vonage.changes == [ready["callback_url"], moved, former.url]
    assert service.ports == ["443"]  # that of the other program
    assert left_in(tmp_path) == {".gitignore", "callback-token"}


def restore_all(vonage: Gateway, project: Project, log: list[str]) -> list[str]:
    """As `devkit restore`; the outcome for each URL."""
    done = restore(settings(vonage), project, clear=False, now=NOW, log=log.append)
    return [each.outcome for each in done]


def test_what_killed_sessions_left_of_either_kind_is_ended_by_restore(
    tmp_path: Path, vonage: Gateway, former: Listener, service: Tailscale
) -> None:
    agent, project = install_cloudflared(tmp_path), project_in(tmp_path)
    with running_dev(
        tmp_path, "--tunnel", "cloudflared", **on_path(tmp_path, vonage, STANDIN_FAULT="survive")
    ) as dev:
        dev.wait_for("ready")
        dev.process.kill()
        dev.finish()
    pid = standin_pid(agent)
    log: list[str] = []
    assert find_process(pid) is not None
    assert restore_all(vonage, project, log) == ["given-back"]
    wait_until(lambda: find_process(pid) is None)

    with running_dev(tmp_path, "--tunnel", "tailscale", **on_path(tmp_path, vonage)) as dev:
        dev.wait_for("ready")
        dev.process.kill()
        dev.finish()
    assert service.ports == ["443"]
    service.add_entry(8443)
    assert restore_all(vonage, project, log) == ["given-back"]

    assert service.ports == ["8443"]
    assert registered_callback(vonage) == former.url
    assert log == ["Ended an agent of a killed session.", "Ended the funnel on port 443 of a killed session."]


def test_without_a_tunnel_only_this_machine_is_recorded(tmp_path: Path, vonage: Gateway) -> None:
    live = on_path(tmp_path, vonage)
    with running_dev(tmp_path, "--tunnel", "none", "--no-register", **live) as dev:
        ready = dev.wait_for("ready")
        assert ready["public_url"] == ready["local_url"]
        assert deliver(ready["local_url"] + CALLBACK_PATH) == 200
        dev.wait_for("receipt")
        assert dev.stop() == 0

    assert dev.stderr == "There is no tunnel: only programs on this machine reach this session.\n"
    assert vonage.changes == []


@pytest.mark.parametrize(
    ("args", "code", "lines"),
    [
        ((), 5, ["Error: Vonage needs a tunnel", "Hint: Without an account", "Hint: Or use your own"]),
        (("--tunnel", "tailscale"), 5, ["Error: tailscale is not on the PATH", "Hint: Install it: https://"]),
        (
            ("--tunnel", "ngrok", "--public-url", "https://dlr.example.test"),
            2,
            ["Error: --tunnel ngrok", "Hint: "],
        ),
        (("--tunnel", "bore"), 2, ["Usage:"]),
    ],
)
def test_what_cannot_be_opened_is_explained(
    tmp_path: Path, vonage: Gateway, args: tuple[str, ...], code: int, lines: list[str]
) -> None:
    chosen = environ(vonage, NGROK_AUTHTOKEN="", PATH=str(tmp_path))
    dev = call(tmp_path, "dev", *args, **clean_environ(tmp_path, **chosen))

    assert dev.code == code
    printed = dev.err.splitlines()
    assert all(found.startswith(line) for found, line in zip(printed, lines, strict=False))
    assert len(printed) >= len(lines)
    assert vonage.changes == []
