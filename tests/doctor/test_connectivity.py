"""What the doctor says about the connectivity, with an agent process and real sockets. It ends what it starts."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from devkit.doctor.connectivity import ProbeServer, connectivity_checks, public_check
from devkit.doctor.machine import leftover_checks
from devkit.http.server import listen, serve
from devkit.receiver.app import TokenAccess, create_receiver
from devkit.session.project import project_in
from devkit.session.signals import Shutdown
from devkit.tunnel.agent_process import find_orphaned_agents
from devkit.tunnel.process import find_process
from tests.support.changed_settings import ChangedSettings
from tests.support.doctor_context import SESSION, find, leave_journal, make_context, outcomes
from tests.support.raw_socket import closed_port, talk, wait_until
from tests.support.standin import install_standin, standin_pid, standin_state

TOKEN = "2abcDEFauthtokenNeverShown_0123456789"
KEY: ChangedSettings = {"api_key": "abcd1234", "api_secret": "s3cret-value"}
ALL = ("agent", "authtoken", "tunnel", "public url")


def live(agent: Path) -> ChangedSettings:
    return {**KEY, "ngrok_path": str(agent), "ngrok_authtoken": TOKEN}


def test_an_agent_is_started_asked_through_and_ended(tmp_path: Path) -> None:
    agent = install_standin(tmp_path)

    checks = list(connectivity_checks(make_context(tmp_path, **live(agent))))

    state = standin_state(agent)
    assert outcomes(checks) == dict.fromkeys(ALL, "ok")
    assert f"{agent}, version 3.33" in find(checks, "agent").what
    assert str(state["url"]) in find(checks, "tunnel").what
    assert find_process(int(str(state["pid"]))) is None
    assert not (tmp_path / ".devkit").exists()
    assert all(TOKEN not in check.what + check.hint for check in checks)


def test_an_empty_private_directory_that_was_there_stays(tmp_path: Path) -> None:
    project_in(tmp_path).prepare()

    list(connectivity_checks(make_context(tmp_path, **live(install_standin(tmp_path)))))

    assert [path.name for path in (tmp_path / ".devkit").iterdir()] == [".gitignore"]


def test_a_private_directory_that_was_there_stays_as_it_was(tmp_path: Path) -> None:
    agent = install_standin(tmp_path)
    project = project_in(tmp_path)
    project.prepare()
    project.callback_token()

    checks = list(connectivity_checks(make_context(tmp_path, **live(agent))))

    assert outcomes(checks)["public url"] == "ok"
    assert {path.name for path in project.private.iterdir()} == {".gitignore", "callback-token"}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("bad-authtoken", "ERR_NGROK_107"),
        ("invalid-authtoken", "ERR_NGROK_105"),
        ("session-limit", "ERR_NGROK_108"),
        ("url-taken", "ERR_NGROK_334"),
        ("odd-error", "ERR_NGROK_99999"),
    ],
)
def test_a_refusal_of_ngrok_is_named_without_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, words: str
) -> None:
    monkeypatch.setenv("STANDIN_FAULT", fault)
    agent = install_standin(tmp_path)

    checks = list(connectivity_checks(make_context(tmp_path, **live(agent))))

    tunnel = find(checks, "tunnel")
    assert outcomes(checks) == {"agent": "ok", "authtoken": "ok", "tunnel": "failed", "public url": "skipped"}
    assert words in tunnel.what
    assert tunnel.hint
    assert TOKEN not in tunnel.what + tunnel.hint
    assert find_process(standin_pid(agent)) is None


def test_a_public_url_that_leads_elsewhere_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listen("127.0.0.1", 0) as elsewhere, serve(lambda environ, start: _ok(start), elsewhere):
        monkeypatch.setenv("STANDIN_URL", f"http://127.0.0.1:{elsewhere.getsockname()[1]}")
        # It waits long for the names of fresh tunnels; here an end comes sooner.
        monkeypatch.setattr("devkit.session.reachability._PUBLIC_TIMEOUT", 1.0)
        agent = install_standin(tmp_path)

        checks = list(connectivity_checks(make_context(tmp_path, **live(agent))))

    assert outcomes(checks)["tunnel"] == "ok"
    assert "does not lead here: another program answered" in find(checks, "public url").what


def _ok(start: Callable[..., object]) -> list[bytes]:
    start("200 OK", [("Content-Length", "0")])
    return [b""]


def test_without_a_token_no_agent_is_started(tmp_path: Path) -> None:
    agent = install_standin(tmp_path)
    settings: ChangedSettings = {**live(agent), "ngrok_authtoken": ""}

    checks = list(connectivity_checks(make_context(tmp_path, **settings)))

    assert outcomes(checks) == {
        "agent": "ok",
        "authtoken": "failed",
        "tunnel": "skipped",
        "public url": "skipped",
    }
    assert "NGROK_AUTHTOKEN=..." in find(checks, "authtoken").hint
    assert not agent.with_name("ngrok.state.json").exists()


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("version: '3'\nagent:\n  authtoken: abc\n", "ok"),
        ("authtoken: abc", "ok"),
        ("version: '3'\n# authtoken: abc\nagent:\n  authtoken:\n", "failed"),
    ],
)
def test_the_token_in_the_users_own_configuration_counts(tmp_path: Path, text: str, outcome: str) -> None:
    config = tmp_path / "home" / "ngrok.yml"
    config.parent.mkdir()
    config.write_text(text)

    checks = list(connectivity_checks(make_context(tmp_path, **KEY)))

    assert find(checks, "authtoken").outcome == outcome


def test_an_agent_that_is_not_there_yet_is_no_failure_and_not_downloaded(tmp_path: Path) -> None:
    settings: ChangedSettings = {**KEY, "ngrok_authtoken": TOKEN}

    checks = list(connectivity_checks(make_context(tmp_path, **settings)))

    assert outcomes(checks) == {
        "agent": "skipped",
        "authtoken": "ok",
        "tunnel": "skipped",
        "public url": "skipped",
    }
    assert str(tmp_path / "home" / "ngrok") in find(checks, "agent").what
    assert not (tmp_path / "home").exists()


def test_an_agent_that_does_not_run_is_reported(tmp_path: Path) -> None:
    broken = tmp_path / "ngrok"
    broken.write_text("not a program")

    checks = list(connectivity_checks(make_context(tmp_path, **live(broken))))

    assert outcomes(checks)["agent"] == "failed"
    assert "does not run" in find(checks, "agent").what


def test_no_second_agent_is_started_while_a_session_runs(tmp_path: Path) -> None:
    agent = install_standin(tmp_path)
    listener = listen("127.0.0.1", 0)
    public_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    session = replace(
        SESSION,
        public_url=public_url,
        callback_url=f"{public_url}/webhooks/delivery-receipt/0123456789abcdef",
    )

    with serve(create_receiver(lambda arrival: 200, TokenAccess("0123456789abcdef")), listener):
        checks = list(connectivity_checks(make_context(tmp_path, session=session, **live(agent))))
    after = public_check(make_context(tmp_path, session=session))

    assert outcomes(checks) == dict.fromkeys(ALL[:3], "skipped") | {"public url": "ok"}
    assert not agent.with_name("ngrok.state.json").exists()
    assert after.outcome == "failed"
    assert "0123456789abcdef" not in after.what


def test_no_agent_is_started_while_a_session_starts(tmp_path: Path) -> None:
    agent = install_standin(tmp_path)
    project = project_in(tmp_path)
    project.prepare()

    with project.session_lock("2026-11-23T12:00:00+00:00"):
        checks = list(connectivity_checks(make_context(tmp_path, **live(agent))))

    assert find(checks, "tunnel").outcome == "skipped"
    assert "just now" in find(checks, "tunnel").what
    assert not agent.with_name("ngrok.state.json").exists()


def test_offline_mode_needs_no_tunnel(tmp_path: Path) -> None:
    for context in (make_context(tmp_path), make_context(tmp_path, session=replace(SESSION, mode="offline"))):
        assert set(outcomes(connectivity_checks(context)).values()) == {"skipped"}


def test_a_tunnel_of_ones_own_is_asked_through_to_the_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    settings: ChangedSettings = {**KEY, "public_url": f"http://127.0.0.1:{port}/", "port": port}
    elsewhere: ChangedSettings = {**settings, "public_url": "http://dlr.example.test"}

    well = find(connectivity_checks(make_context(tmp_path, **settings)), "public url")
    with listen("127.0.0.1", port):
        busy = find(connectivity_checks(make_context(tmp_path, **settings)), "public url")
    plain = find(connectivity_checks(make_context(tmp_path, **elsewhere)), "public url")

    assert well.outcome == "ok"
    assert f"Port {port} cannot be used" in busy.what
    assert "plain http" in plain.what


def test_a_real_receipt_that_comes_meanwhile_is_sent_away_to_come_again() -> None:
    probe_server = ProbeServer()
    listener = listen("127.0.0.1", 0)
    place = listener.getsockname()
    with serve(probe_server, listener):
        head = b"GET /webhooks/delivery-receipt/0123456789abcdef?status=delivered HTTP/1.0\r\n"
        receipt = talk(place, head + b"\r\n")
        question = talk(place, head + f"X-Devkit-Reachability: {probe_server.nonce}\r\n\r\n".encode())

    assert receipt.startswith(b"HTTP/1.0 503 ")
    assert question.startswith(b"HTTP/1.0 200 ")
    assert probe_server.received.is_set()


def test_a_stop_while_the_agent_starts_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN_FAULT", "silent")
    agent = install_standin(tmp_path)
    stop = Shutdown()

    def ask_when_it_runs() -> None:
        wait_until(lambda: agent.with_name("ngrok.state.json").exists())
        stop.request()

    thread = threading.Thread(target=ask_when_it_runs)
    thread.start()
    checks = list(connectivity_checks(make_context(tmp_path, stop=stop, **live(agent))))
    thread.join()

    assert find(checks, "tunnel").what == "stopped"
    assert find_process(standin_pid(agent)) is None


KILLED = """
import sys, os, signal
from pathlib import Path
from devkit.tunnel.ngrok import NgrokOptions, ngrok_tunnel
options = NgrokOptions(Path(sys.argv[1]), authtoken="leftover", agent_path=Path(sys.argv[2]))
with ngrok_tunnel(options, notify=print, stopping=lambda: False)("http://127.0.0.1:9"):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@contextmanager
def orphan(directory: Path, agent: Path) -> Iterator[int]:
    """An agent that a killed session has left; ended by the test if need be."""
    environ = {**os.environ, "STANDIN_FAULT": "survive"}
    subprocess.run(
        [sys.executable, "-c", KILLED, str(directory / ".devkit"), str(agent)], env=environ, check=False
    )
    pid = standin_pid(agent)
    try:
        yield pid
    finally:
        os.kill(pid, 9)
        deadline = time.monotonic() + 10
        while find_process(pid) and time.monotonic() < deadline:
            time.sleep(0.01)


def test_an_agent_that_a_killed_session_left_is_found_and_not_ended(tmp_path: Path) -> None:
    agent = install_standin(tmp_path)
    leave_journal(tmp_path)
    with orphan(tmp_path, agent) as pid:
        context = make_context(tmp_path, **live(agent))
        way, left = list(connectivity_checks(context)), list(leftover_checks(context))

        assert find_process(pid) is not None

    assert find(left, "agents").outcome == "failed"
    assert f"process {pid}" in find(left, "agents").what
    assert find(left, "agents").hint == "devkit restore"
    assert "killed session" in find(way, "tunnel").what
    assert find_orphaned_agents(context.project.private) == []


def test_a_running_sessions_agent_is_not_orphaned(tmp_path: Path) -> None:
    home = tmp_path / ".devkit" / "agent-x"
    home.mkdir(parents=True)
    me = find_process(os.getpid())
    assert me is not None
    record = f'{{"pid": {me.pid}, "started": "{me.started}"}}'
    (home / "agent.json").write_text(f'{{"owner": {record}, "agent": {record}, "command": ""}}')

    assert find_orphaned_agents(tmp_path / ".devkit") == []


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"owner": null, "agent": null, "command": ""}', "\xff"])
def test_an_agent_with_an_unreadable_record_is_not_orphaned(tmp_path: Path, record: str) -> None:
    home = tmp_path / ".devkit" / "agent-x"
    home.mkdir(parents=True)
    (home / "agent.json").write_text(record, encoding="latin-1")

    assert find_orphaned_agents(tmp_path / ".devkit") == []


def test_the_public_url_of_a_session_with_a_relay_is_the_relays(tmp_path: Path) -> None:
    session = replace(SESSION, relay="redis://127.0.0.1:6379", who="ada")
    away = f"http://127.0.0.1:{closed_port()}/r/0123456789abcdef012345/ada"

    unknown = public_check(make_context(tmp_path, session=replace(session, callback_url="")))
    lost = public_check(make_context(tmp_path, session=replace(session, callback_url=away)))

    assert (unknown.outcome, lost.outcome) == ("skipped", "failed")
    assert "DEVKIT_RELAY_CALLBACK is not set" in unknown.what
    assert "the relay is not reached" in lost.what
    assert "0123456789abcdef012345" not in lost.what
