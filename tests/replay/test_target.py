from dataclasses import replace

import pytest

from devkit.cli.params import is_own_receiver, target_address
from devkit.http.address import parse_address, path_of
from devkit.session.project import Session
from devkit.session.settings import Settings

SESSION = Session(1, "2026-11-23T12:00:00Z", "offline", "http://127.0.0.1:3007", "", "")


FORWARDING = replace(SESSION, forward_url="http://localhost:5000/dlr")


@pytest.mark.parametrize(
    ("to", "session", "settings", "target"),
    [
        ("http://[::1]:7", FORWARDING, Settings(forward_to="localhost:6000"), "http://[::1]:7"),
        ("", FORWARDING, Settings(forward_to="localhost:6000"), "http://localhost:5000/dlr"),
        ("", SESSION, Settings(forward_to="localhost:6000", port=3333), "http://127.0.0.1:3007"),
        ("", None, Settings(forward_to="localhost:6000/dlr", port=3333), "http://localhost:6000/dlr"),
        ("", None, Settings(port=3333), "http://127.0.0.1:3333"),
        ("", None, Settings(port=0), "http://127.0.0.1:3000"),
    ],
)
def test_the_target_is_the_option_then_the_session_then_the_settings(
    to: str, session: Session | None, settings: Settings, target: str
) -> None:
    address = target_address(to, session, settings)

    assert f"{address}{address.target}" == target


@pytest.mark.parametrize("allow", [True, False])
def test_remote_is_allowed_only_with_the_option(allow: bool) -> None:
    assert target_address("", None, Settings(), allow_remote=allow).allow_remote is allow


@pytest.mark.parametrize("allow", [True, False])
def test_private_networks_are_allowed_only_by_the_setting(allow: bool) -> None:
    settings = Settings(forward_to="http://app:5000", forward_private=allow)

    assert target_address("", None, settings).allow_private is allow


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://127.0.0.1:5000", ""),
        ("http://127.0.0.1:5000/", ""),
        ("http://127.0.0.1:5000/dlr", "/dlr"),
        ("http://127.0.0.1:5000/dlr?key=x", "/dlr?key=x"),
        ("http://127.0.0.1:5000?key=x", "/?key=x"),
    ],
)
def test_a_lone_slash_is_no_path(url: str, path: str) -> None:
    assert path_of(parse_address(url)) == path


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://127.0.0.1:3007/dlr", True),
        ("localhost:3007", True),
        ("http://[::1]:3007", True),
        ("http://127.0.0.1:3008", False),
        ("https://127.0.0.1:3007", False),
        ("http://dlr.example.com:3007", False),
    ],
)
def test_a_session_s_receiver_is_known_by_its_port_on_this_machine(url: str, own: bool) -> None:
    assert is_own_receiver(parse_address(url), SESSION) is own


def test_without_a_session_no_receiver_is_devkit_s_own() -> None:
    assert not is_own_receiver(parse_address("http://127.0.0.1:3007"), None)
