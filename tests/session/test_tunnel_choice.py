"""Which tunnel a session opens, as a table; and what each option does to the settings."""

from dataclasses import replace
from pathlib import Path
from typing import Unpack

import pytest

from devkit.errors import ConfigurationError, NoTunnelError, TunnelError, UsageError
from devkit.session.project import project_in
from devkit.session.settings import TUNNELS, Settings, read_settings
from devkit.session.start_checks import start_warnings
from devkit.session.tunnel_choice import (
    TunnelFacts,
    choose,
    choose_tunnel,
    refuse_unreachable,
    with_tunnel,
)
from devkit.tunnel.codespaces import PORT_RECORD, CodespacePort
from tests.support.changed_settings import ChangedSettings
from tests.support.event_recorder import EventRecorder

URL = "https://dlr.example.test"
KEY = {"api_key": "abcd1234", "api_secret": "s3cret-value"}
ALL = TunnelFacts(public_url=True, codespace=True, ngrok_authtoken=True, cloudflared=True)

AUTO = [
    # public URL, codespace, ngrok authtoken, cloudflared
    ((True, True, True, True), "own"),
    ((True, False, False, False), "own"),
    ((False, True, True, True), "codespaces"),
    ((False, True, False, False), "codespaces"),
    ((False, False, True, True), "ngrok"),
    ((False, False, True, False), "ngrok"),
    ((False, False, False, True), "cloudflared"),
    ((False, False, False, False), None),
]


@pytest.mark.parametrize(("facts", "name"), AUTO)
def test_auto_takes_the_first_that_is_there(facts: tuple[bool, bool, bool, bool], name: str | None) -> None:
    if name:
        assert choose("auto", TunnelFacts(*facts)) == name
        return
    with pytest.raises(NoTunnelError) as caught:
        choose("auto", TunnelFacts(*facts))
    assert "no public URL, ngrok authtoken or cloudflared" in caught.value.message
    assert "install cloudflared" in caught.value.hint
    assert "--public-url URL" in caught.value.second_hint


@pytest.mark.parametrize("name", [name for name in TUNNELS if name != "auto"])
@pytest.mark.parametrize("facts", [ALL, TunnelFacts()])
def test_a_tunnel_that_is_named_is_the_one(name: str, facts: TunnelFacts) -> None:
    assert choose(name, facts) == name


def test_the_facts_are_those_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "cloudflared"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    saved = tmp_path / "ngrok.yml"
    monkeypatch.setattr("devkit.session.tunnel_choice.default_config", lambda: saved)
    path = {"PATH": str(tmp_path)}

    def chosen(environ: dict[str, str], **settings: Unpack[ChangedSettings]) -> str:
        return choose_tunnel(Settings(**settings), tmp_path, environ).name

    assert chosen(path) == "cloudflared"
    saved.write_text('version: "3"\nagent:\n  authtoken: saved\n')
    assert chosen(path) == "ngrok"
    assert chosen({}, ngrok_authtoken="token") == "ngrok"
    assert chosen(path | {"CODESPACE_NAME": "fluffy-space-disco"}) == "codespaces"
    assert chosen(path | {"CODESPACE_NAME": "fluffy-space-disco"}, public_url=URL) == "own"


@pytest.mark.parametrize(
    ("tunnel", "public_url", "expected"),
    [
        (None, None, ("ngrok", "")),
        ("cloudflared", None, ("cloudflared", "")),
        ("auto", None, ("auto", "")),
        (None, URL, ("auto", URL)),
        ("auto", URL, ("auto", URL)),
        (None, "", ("ngrok", "")),
    ],
)
def test_an_option_replaces_both_settings(
    tunnel: str | None, public_url: str | None, expected: tuple[str, str]
) -> None:
    changed = with_tunnel(Settings(tunnel="ngrok"), tunnel, public_url)

    assert (changed.tunnel, changed.public_url) == expected


def test_an_option_goes_before_a_public_url_of_the_settings() -> None:
    changed = with_tunnel(Settings(public_url=URL), "cloudflared", None)

    assert (changed.tunnel, changed.public_url) == ("cloudflared", "")
    assert with_tunnel(Settings(public_url=URL), "auto", None).public_url == URL


def test_two_tunnels_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--tunnel ngrok opens a tunnel, but --public-url names one"):
        with_tunnel(Settings(), "ngrok", URL)
    with pytest.raises(ConfigurationError, match="DEVKIT_TUNNEL is ngrok, but DEVKIT_PUBLIC_URL"):
        choose_tunnel(Settings(tunnel="ngrok", public_url=URL), tmp_path, {})


@pytest.mark.parametrize("value", ["NGROK", "ngrok"])
def test_a_name_in_any_case_is_understood(tmp_path: Path, value: str) -> None:
    assert read_settings({"DEVKIT_TUNNEL": value}, tmp_path).tunnel == "ngrok"


def test_a_name_that_is_none_of_them_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="DEVKIT_TUNNEL is 'bore', which is not") as caught:
        read_settings({"DEVKIT_TUNNEL": "bore"}, tmp_path)
    assert "DEVKIT_PUBLIC_URL=" in caught.value.hint


@pytest.mark.parametrize("name", ["cloudflared", "tailscale"])
def test_a_program_that_is_missing_is_named_with_where_to_get_it(tmp_path: Path, name: str) -> None:
    choice = choose_tunnel(Settings(tunnel=name), tmp_path, {"PATH": str(tmp_path)})

    with pytest.raises(TunnelError, match=f"{name} is not on the PATH") as caught:
        choice.opener(EventRecorder(), lambda: False)

    assert caught.value.hint.startswith("Install it: https://")


def test_without_a_tunnel_only_a_simulator_of_this_machine_can_register(tmp_path: Path) -> None:
    live = Settings(tunnel="none")
    with pytest.raises(UsageError, match="Vonage cannot reach this machine") as caught:
        refuse_unreachable(choose_tunnel(live, tmp_path, {}), register=True)
    assert "--no-register" in caught.value.hint

    refuse_unreachable(choose_tunnel(live, tmp_path, {}), register=False)
    refuse_unreachable(choose_tunnel(replace(live, rest_host="127.0.0.1:4000"), tmp_path, {}), register=True)


@pytest.mark.parametrize(
    ("settings", "needs"),
    [
        ({"tunnel": "ngrok"}, False),
        ({"tunnel": "cloudflared"}, False),
        ({"tunnel": "tailscale"}, False),
        ({"tunnel": "codespaces"}, True),
        ({"tunnel": "none"}, False),
        ({"public_url": URL}, True),
        ({"public_url": "http://127.0.0.1:3000"}, False),
    ],
)
def test_where_no_header_shows_who_is_local_local_programs_get_their_own_port(
    tmp_path: Path, settings: ChangedSettings, needs: bool
) -> None:
    assert choose_tunnel(Settings(**settings), tmp_path, {}).needs_local_port is needs


def test_what_cannot_be_ended_does_not_keep_another_tunnel_from_opening(tmp_path: Path) -> None:
    recorder = EventRecorder()
    PORT_RECORD.write(tmp_path, CodespacePort("", "fluffy-space-disco", 3000, "org"))

    choice = choose_tunnel(Settings(public_url=URL), tmp_path, {})
    with choice.opener(recorder, lambda: False)("http://127.0.0.1:9"):
        pass

    (event,) = recorder.tunnel_events
    assert "could not be made org again: gh is not on the PATH. devkit restore" in event.detail
    assert (tmp_path / PORT_RECORD.name).exists()


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        ({"tunnel": "ngrok"}, "--tunnel (DEVKIT_TUNNEL) has no effect offline: "),
        (
            {**KEY, "tunnel": "cloudflared", "ngrok_url": "x.example.test"},
            "NGROK_URL has no effect",
        ),
        ({**KEY, "tunnel": "ngrok", "ngrok_url": "x.example.test"}, None),
    ],
)
def test_a_setting_of_a_tunnel_without_effect_is_named(
    tmp_path: Path, settings: ChangedSettings, warning: str | None
) -> None:
    found = list(start_warnings(Settings(**settings), project_in(tmp_path), demo="sms"))

    assert [text for text in found if not warning or text.startswith(warning)] == found
    assert bool(found) == bool(warning)
