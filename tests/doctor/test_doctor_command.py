"""`devkit doctor` as users run it: what it says, its exit codes, and that it leaves everything as it was."""

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
from devkit.simulator import Simulator, run_simulator
from devkit.tunnel.process import find_process
from tests.support.dev_process import FREE_PORTS, TIMEOUT, clean_environ, running_dev
from tests.support.raw_socket import closed_port, wait_until
from tests.support.standin import install_standin, standin_pid, standin_state

TOKEN = "2abcDEFauthtokenNeverShown_0123456789"
STEPS = [
    ".env",
    "credentials",
    "session",
    "vonage",
    "key",
    "account",
    "callback",
    "inbound",
    "clock",
    "application",
    "api",
    "method",
    "agent",
    "authtoken",
    "tunnel",
    "public url",
    "receiver",
    "fixtures",
    "disk",
    "journal",
    "agents",
    "git",
]


@pytest.fixture
def vonage() -> Iterator[Simulator]:
    with run_simulator() as simulator:
        yield simulator


def live(simulator: Simulator, agent: Path, **changes: str) -> dict[str, str]:
    environ = {
        "VONAGE_API_KEY": simulator.api_key,
        "VONAGE_API_SECRET": simulator.api_secret,
        "VONAGE_REST_HOST": simulator.host,
        "NGROK_AUTHTOKEN": TOKEN,
        "PYNGROK_NGROK_PATH": str(agent),
        **FREE_PORTS,
    }
    return {**environ, **changes}


def doctor(
    directory: Path, *args: str, environ: Mapping[str, str] | None = None, color: bool = False
) -> Result:
    before = Path.cwd()
    os.chdir(directory)
    try:
        return CliRunner(env=environ or {}).invoke(cli, ["doctor", *args], prog_name="devkit", color=color)
    finally:
        os.chdir(before)


def events(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def failed(result: Result) -> list[str]:
    return [event["step"] for event in events(result) if event.get("outcome") == "failed"]


def process(directory: Path, *args: str, **environ: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "devkit", "doctor", *args],
        cwd=directory,
        env=clean_environ(directory, **environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_in_a_fresh_clone_offline_mode_is_ready(tmp_path: Path) -> None:
    with process(tmp_path) as run:
        out, err = run.communicate(timeout=TIMEOUT)

    assert (run.returncode, err) == (0, "")
    assert out.splitlines()[-1] == "Offline mode is ready, no account needed: devkit dev"
    assert "failed" not in out
    assert list(tmp_path.iterdir()) == []


def test_a_live_project_without_problems_is_exit_code_0(tmp_path: Path, vonage: Simulator) -> None:
    account = vonage.account
    agent = install_standin(tmp_path)
    result = doctor(tmp_path, "--json", environ=live(vonage, agent))

    steps = events(result)
    assert result.exit_code == 0, result.stdout
    assert [event["step"] for event in steps[:-1]] == STEPS
    assert all(set(event) == {"event", "step", "outcome", "what", "hint"} for event in steps[:-1])
    assert steps[-1]["event"] == "diagnosis"
    assert (steps[-1]["failed"], steps[-1]["mode"], steps[-1]["summary"]) == (
        0,
        "live",
        "Everything OK: devkit dev",
    )
    assert result.stderr == ""
    assert vonage.account == account
    assert find_process(standin_pid(agent)) is None
    assert not (tmp_path / ".devkit").exists()


@pytest.mark.parametrize(
    ("change", "step", "words"),
    [
        ({"VONAGE_API_SECRET": ""}, "credentials", "VONAGE_API_SECRET is missing"),
        ({"VONAGE_API_SECRET": "n0t-the-one"}, "key", "refused the API key"),
        ({"VONAGE_REST_HOST": "127.0.0.1:{closed}"}, "vonage", "127.0.0.1:{closed} cannot be reached"),
        ({"STANDIN_FAULT": "bad-authtoken"}, "tunnel", "ERR_NGROK_107"),
        ({"DEVKIT_PORT": "many"}, ".env", "DEVKIT_PORT"),
    ],
)
def test_exactly_what_is_wrong_is_named(
    tmp_path: Path, vonage: Simulator, change: dict[str, str], step: str, words: str
) -> None:
    port = str(closed_port())
    change = {name: value.replace("{closed}", port) for name, value in change.items()}

    result = doctor(tmp_path, "--json", environ=live(vonage, install_standin(tmp_path), **change))

    (event,) = (event for event in events(result) if event.get("outcome") == "failed")
    assert result.exit_code == 1
    assert event["step"] == step
    assert words.replace("{closed}", port) in event["what"]
    assert event["hint"]
    assert all(secret not in result.output for secret in (TOKEN, vonage.api_secret, "n0t-the-one"))


@pytest.mark.parametrize("change", [{"DEVKIT_PORT": "many"}, {"VONAGE_API_SECRET": ""}])
def test_no_port_is_tried_that_nobody_has_set(
    tmp_path: Path, vonage: Simulator, change: dict[str, str]
) -> None:
    result = doctor(tmp_path, "--json", environ=live(vonage, install_standin(tmp_path), **change))

    (receiver,) = (event for event in events(result) if event.get("step") == "receiver")
    assert (receiver["outcome"], receiver["what"]) == ("skipped", "the settings must be fixed first")


def test_beside_a_session_it_disturbs_nothing(tmp_path: Path, vonage: Simulator) -> None:
    agent = install_standin(tmp_path)
    environ = live(vonage, agent)
    with running_dev(tmp_path, **environ) as dev:
        dev.wait_for("ready")
        before, account = standin_state(agent), vonage.account
        files = sorted((tmp_path / ".devkit").rglob("*"))

        result = doctor(tmp_path, "--json", environ=environ)

        assert standin_state(agent) == before
        assert vonage.account == account
        assert sorted((tmp_path / ".devkit").rglob("*")) == files
        assert dev.stop() == 0

    found = {event["step"]: event["outcome"] for event in events(result)[:-1]}
    assert result.exit_code == 0, result.stdout
    assert found["session"] == found["receiver"] == found["public url"] == found["callback"] == "ok"
    assert found["tunnel"] == "skipped"
    after_ready = dev.names()[dev.names().index("ready") + 1 :]
    assert after_ready == ["restored", "stopped"]  # no probe, no refusal: the session saw nothing of it
    assert vonage.account.dr_callback_url == ""


def test_after_a_killed_session_it_says_how_to_put_it_right(tmp_path: Path, vonage: Simulator) -> None:
    environ = live(vonage, install_standin(tmp_path))
    with running_dev(tmp_path, **environ) as dev:
        dev.wait_for("ready")
        dev.process.kill()

    registered = vonage.account.dr_callback_url
    result = doctor(tmp_path, "--json", environ=environ)

    assert result.exit_code == 1
    assert {"callback", "journal"} <= set(failed(result))
    hints = [event["hint"] for event in events(result) if event.get("outcome") == "failed"]
    assert all("devkit restore" in hint for hint in hints)
    assert vonage.account.dr_callback_url == registered != ""  # it repairs nothing itself


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_agent_starts_leaves_no_agent(
    tmp_path: Path, vonage: Simulator, number: signal.Signals
) -> None:
    agent = install_standin(tmp_path)
    with process(tmp_path, **live(vonage, agent, STANDIN_FAULT="silent")) as run:
        wait_until(agent.with_name("ngrok.state.json").exists)
        run.send_signal(number)
        out, err = run.communicate(timeout=TIMEOUT)

    assert (run.returncode, err) == (0, "")
    assert out.splitlines()[-1].startswith("Stopped before the end")
    assert "fixtures" not in out  # a later step
    assert find_process(standin_pid(agent)) is None
    assert not (tmp_path / ".devkit").exists()


def test_waiting_says_why_nothing_may_come_and_ends_with_a_receipt(tmp_path: Path) -> None:
    with running_dev(tmp_path, "--no-demo") as dev:
        dev.wait_for("ready")
        with process(tmp_path, "--wait", "--json") as run:
            assert run.stdout is not None
            read: list[dict[str, Any]] = []
            while not read or read[-1]["event"] != "round":
                read.append(json.loads(run.stdout.readline()))
            sent = CliRunner()
            before = Path.cwd()
            os.chdir(tmp_path)
            try:
                assert sent.invoke(cli, ["send"]).exit_code == 0
            finally:
                os.chdir(before)
            rest, err = run.communicate(timeout=TIMEOUT)
        dev.stop()

    (silence,) = (event for event in read if event["event"] == "silence")
    last = json.loads(rest.splitlines()[-1])
    assert any("72 hours" in reason for reason in silence["reasons"])
    assert any("`accepted` can be the last receipt" in reason for reason in silence["reasons"])
    assert read[-1] == {"event": "round", "waited": 0, "failed": []}
    assert (last["step"], last["outcome"]) == ("receipt", "ok")
    assert (run.returncode, err) == (0, "")


def test_waiting_in_vain_is_exit_code_1_and_ctrl_c_is_not(tmp_path: Path) -> None:
    in_vain = doctor(tmp_path, "--wait", "--timeout", "0.1", environ=FREE_PORTS)
    with process(tmp_path, "--wait") as run:
        assert run.stdout is not None
        for line in run.stdout:
            if line.startswith("waiting"):
                break
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=TIMEOUT)

    assert in_vain.exit_code == 1
    assert "In the Philippines" in in_vain.stdout
    assert "none runs in this project" in in_vain.stdout
    assert "none arrived within 0.1 s" in in_vain.stdout
    assert run.returncode == 0


def test_a_time_limit_without_waiting_is_a_mistake(tmp_path: Path) -> None:
    result = doctor(tmp_path, "--timeout", "1")

    assert result.exit_code == 2
    assert "--wait" in result.stderr


def test_colours_are_for_terminals_that_want_them(tmp_path: Path) -> None:
    coloured = doctor(tmp_path, environ=FREE_PORTS, color=True)
    plain = doctor(tmp_path, environ={**FREE_PORTS, "NO_COLOR": "1"}, color=True)

    assert "\x1b[" in coloured.stdout
    assert "\x1b[" not in plain.stdout
