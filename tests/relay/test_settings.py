from collections.abc import Mapping
from datetime import timedelta

import pytest

from devkit.errors import ConfigurationError
from devkit.relay.settings import RelaySettings, relay_settings
from tests.support.team_keys import OLD

TOKEN = "abcdefghijklmnopqrstuv"
ADA = f"https://dlr.example.com/r/{TOKEN}/ada"
CI = f"https://dlr.example.com/r/{TOKEN}/ci"


def settings(environ: Mapping[str, str] | None = None, **texts: str) -> RelaySettings:
    return relay_settings({f"DEVKIT_{name}": text for name, text in texts.items()}, environ or {})


def test_without_settings_there_are_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "Ada.Byron")
    found = settings()

    assert (found.keep, found.cipher.keys, found.callback_url) == (timedelta(days=7), (), "")
    assert found.who == "ada-byron"
    with pytest.raises(ConfigurationError, match="DEVKIT_RELAY, the URL of the relay's engine, is not set"):
        found.engine_url()


def test_each_setting_is_read() -> None:
    found = settings(
        RELAY="redis://localhost", RELAY_KEY=OLD, RELAY_KEEP="36h", RELAY_CALLBACK=f"{ADA}/", WHO="bob"
    )

    assert str(found.engine_url()) == "redis://localhost:6379"
    assert len(found.cipher.keys) == 1
    assert (found.keep, found.callback_url, found.who) == (timedelta(hours=36), ADA, "bob")


def test_a_repr_has_no_secret() -> None:
    shown = repr(settings(RELAY="rediss://ada:s3cret@redis.example.com", RELAY_KEY=OLD, RELAY_CALLBACK=ADA))

    assert "who='ada'" in shown
    assert "s3cret" not in shown
    assert TOKEN not in shown


def test_your_name_is_that_of_your_callback_url() -> None:
    assert settings(RELAY_CALLBACK=ADA).who == "ada"
    assert settings(RELAY_CALLBACK=ADA, WHO="ada.laptop").callback_url == f"{ADA}.laptop"
    assert settings(RELAY_CALLBACK=ADA, WHO="bob.laptop").callback_url == ADA


def test_a_run_in_ci_has_a_name_and_a_callback_url_of_its_own() -> None:
    run = {"GITHUB_RUN_ID": "4711"}
    found = settings(run, RELAY_CALLBACK=CI)

    assert (found.who, found.callback_url) == ("ci.4711", f"{CI}.4711")
    assert settings(run).who == "ci.4711"
    assert settings(run, RELAY_CALLBACK=CI, WHO="ci.other").callback_url == f"{CI}.other"
    assert settings({"GITHUB_RUN_ID": "../x"}, RELAY_CALLBACK=CI).who == "ci"


def test_a_user_whose_name_cannot_be_one_must_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "1000")

    with pytest.raises(ConfigurationError, match="no name for you") as error:
        settings().name()
    assert "DEVKIT_WHO=" in error.value.hint
    assert settings(WHO="ada").name() == "ada"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("RELAY_KEEP", "forever", "DEVKIT_RELAY_KEEP: Not a duration: 'forever'."),
        ("RELAY_KEEP", "0d", "DEVKIT_RELAY_KEEP is 0"),
        ("RELAY_KEY", "secret", "DEVKIT_RELAY_KEY is not 32 bytes"),
        ("RELAY_CALLBACK", "http://dlr.example.com", "DEVKIT_RELAY_CALLBACK is not an https URL"),
        ("RELAY_CALLBACK", "https://[", "DEVKIT_RELAY_CALLBACK is not an https URL"),
        ("RELAY_CALLBACK", "https://ada:p4ss@dlr.example.com", "not an https URL without a user"),
        ("RELAY_CALLBACK", f"{ADA}?a=b", "DEVKIT_RELAY_CALLBACK is not an https URL"),
        ("RELAY_CALLBACK", "https://dlr.example.com/\u202e", "DEVKIT_RELAY_CALLBACK is not an https URL"),
        ("RELAY_CALLBACK", f"https://{'d' * 93}", "would be 101 characters long"),
        ("WHO", "Ada B", "'Ada B' cannot be a member's name"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_write(name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        relay_settings({f"DEVKIT_{name}": text}, {})

    assert message in error.value.message
    assert error.value.hint
