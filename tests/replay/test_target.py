from dataclasses import replace
from pathlib import Path

import pytest

from devkit.fixture.format import Fixture, dumps
from devkit.http.address import parse_address, path_of
from devkit.replay.transform import ReplayRoute
from devkit.session.project import Session, local_code_url
from devkit.session.settings import Settings
from devkit.webhook.callback import CALLBACK_PATH, compose
from tests.support.command import call
from tests.support.fixture_example import MOMENT

SESSION = Session(1, "2026-11-23T12:00:00Z", "offline", "http://127.0.0.1:3007", "", "")


FORWARDING = replace(SESSION, forward_url="http://localhost:5000/dlr")


@pytest.mark.parametrize(
    ("session", "settings", "target"),
    [
        (FORWARDING, Settings(forward_to="localhost:6000"), "http://localhost:5000/dlr"),
        (SESSION, Settings(forward_to="localhost:6000", port=3333), "http://127.0.0.1:3007"),
        (None, Settings(forward_to="localhost:6000/dlr", port=3333), "http://localhost:6000/dlr"),
        (None, Settings(port=3333), "http://127.0.0.1:3333"),
        (None, Settings(port=0), "http://127.0.0.1:3000"),
    ],
)
def test_the_target_is_that_of_the_session_then_of_the_settings(
    session: Session | None, settings: Settings, target: str
) -> None:
    assert parse_address(local_code_url(session, settings)).url == target


@pytest.mark.parametrize("private", ["", "1"])
def test_private_networks_are_allowed_only_by_the_setting(tmp_path: Path, private: str) -> None:
    secret = compose({"status": "delivered"}, "get", target=f"{CALLBACK_PATH}/s3cret")
    Path(tmp_path / "secret.json").write_bytes(dumps(Fixture(MOMENT, secret)))

    result = call(
        tmp_path,
        *("replay", "secret.json", "--exact"),
        DEVKIT_FORWARD_TO="http://192.168.0.1:5000",
        DEVKIT_FORWARD_PRIVATE=private,
    )

    assert result.code == 2
    assert ("holds the secret" if private else "not on this machine") in result.err


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
    route = ReplayRoute(parse_address(url), receiver=parse_address(SESSION.local_url))

    assert route.is_to_receiver is own


def test_without_a_session_no_receiver_is_devkit_s_own() -> None:
    assert not ReplayRoute(parse_address("http://127.0.0.1:3007")).is_to_receiver
