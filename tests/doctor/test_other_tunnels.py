"""What the doctor says of tunnels other than ngrok, with stand-ins for their programs. It ends what it starts."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Unpack

import pytest

from devkit.doctor.check import Check
from devkit.doctor.connectivity import connectivity_checks
from devkit.doctor.machine import leftover_checks
from devkit.session.project import project_in
from devkit.tunnel.codespaces import PORT_RECORD, CodespacePort
from devkit.tunnel.process import find_process
from devkit.tunnel.tailscale import FUNNEL_RECORD, Funnel
from tests.support.changed_settings import ChangedSettings
from tests.support.doctor_context import SESSION, find, make_context, outcomes
from tests.support.standin import install_cloudflared, standin_state
from tests.support.tailscale import Tailscale, tailscale_service

KEY: ChangedSettings = {"api_key": "abcd1234", "api_secret": "s3cret-value"}


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory at the start of the PATH."""
    directory = tmp_path / "programs"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")
    return directory


@pytest.fixture
def service(programs: Path) -> Iterator[Tailscale]:
    with tailscale_service(programs) as service:
        yield service


def checks(directory: Path, **settings: Unpack[ChangedSettings]) -> list[Check]:
    chosen: ChangedSettings = {**KEY, **settings}
    return list(connectivity_checks(make_context(directory, **chosen)))


def test_a_quick_tunnel_is_opened_asked_through_and_ended(tmp_path: Path, programs: Path) -> None:
    agent = install_cloudflared(programs)

    found = checks(tmp_path)  # by `auto`: there is nothing else

    state = standin_state(agent)
    assert outcomes(found) == {"agent": "ok", "authtoken": "skipped", "tunnel": "ok", "public url": "ok"}
    assert find(found, "agent").what.startswith(f"{agent}, cloudflared version 2026.11.0")
    assert find(found, "tunnel").what == f"cloudflared opens {state['url']}"
    assert find_process(int(str(state["pid"]))) is None
    assert not (tmp_path / ".devkit").exists()


def test_a_refused_quick_tunnel_is_named(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_cloudflared(programs)
    monkeypatch.setenv("STANDIN_FAULT", "too-many")

    found = checks(tmp_path, tunnel="cloudflared")

    assert outcomes(found)["tunnel"] == "failed"
    assert "(429)" in find(found, "tunnel").what


def test_a_funnel_is_opened_asked_through_and_removed(tmp_path: Path, service: Tailscale) -> None:
    service.add_entry(443)
    before = service.config

    found = checks(tmp_path, tunnel="tailscale")

    assert outcomes(found) == {"agent": "ok", "authtoken": "skipped", "tunnel": "ok", "public url": "ok"}
    assert find(found, "tunnel").what == f"tailscale opens {service.state['edges']['8443']}"
    assert service.config == before
    assert not (tmp_path / ".devkit").exists()


def test_a_service_without_a_login_is_named(tmp_path: Path, service: Tailscale) -> None:
    service.write(BackendState="NeedsLogin")

    found = checks(tmp_path, tunnel="tailscale")

    assert find(found, "agent").what == "Tailscale is not logged in on this machine"
    assert find(found, "tunnel").what == "first the agent"


def test_a_program_that_is_missing_is_named(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(programs))

    found = checks(tmp_path, tunnel="cloudflared")

    assert find(found, "agent").what == "cloudflared is not on the PATH."
    assert outcomes(found)["public url"] == "skipped"


def test_outside_of_a_codespace_its_tunnel_fails(tmp_path: Path) -> None:
    found = checks(tmp_path, tunnel="codespaces", port=0)

    assert outcomes(found) == {
        "agent": "skipped",
        "authtoken": "skipped",
        "tunnel": "failed",
        "public url": "skipped",
    }
    assert "no codespace" in find(found, "tunnel").what


def test_without_a_tunnel_all_steps_are_skipped(tmp_path: Path) -> None:
    assert set(outcomes(checks(tmp_path, tunnel="none")).values()) == {"skipped"}


def test_two_tunnels_in_the_settings_are_named(tmp_path: Path) -> None:
    found = checks(tmp_path, tunnel="ngrok", public_url="https://dlr.example.test")

    assert find(found, "tunnel").outcome == "failed"
    assert "DEVKIT_TUNNEL is ngrok, but DEVKIT_PUBLIC_URL" in find(found, "tunnel").what


def test_what_a_killed_session_left_is_found_and_not_ended(tmp_path: Path, service: Tailscale) -> None:
    project = project_in(tmp_path)
    project.prepare()
    service.add_entry(443)
    FUNNEL_RECORD.write(project.private, Funnel(str(service.program), 443, "http://127.0.0.1:9"))
    PORT_RECORD.write(project.private, CodespacePort("", "fluffy-space-disco", 3000, "private"))
    settings: ChangedSettings = {**KEY, "tunnel": "tailscale"}
    context = make_context(tmp_path, **settings)

    left = find(leftover_checks(context), "agents")
    way = find(connectivity_checks(context), "tunnel")
    beside_a_session = find(leftover_checks(make_context(tmp_path, session=SESSION, **KEY)), "agents")

    words = "the funnel on port 443, the public port 3000 of the codespace"
    assert (left.outcome, left.what) == ("failed", f"a killed session has left {words}")
    assert left.hint == "devkit restore"
    assert way.what == "first the funnel on port 443 of a killed session: devkit restore ends it"
    assert beside_a_session.outcome == "ok"
    assert service.ports == ["443"]
