"""The credentials that `vonage auth set` has saved."""

import json
from pathlib import Path

import pytest

from devkit.errors import ConfigurationError
from devkit.session.settings import Settings, read_settings

SECRET = "the-api-secret"
SAVED = {"api-key": "abcd1234", "api-secret": SECRET, "app-id": "an-id", "private-key": "a-key"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home" / ".vonage").mkdir(parents=True)
    return tmp_path / "home"


def save(file: Path, values: object = SAVED) -> None:
    file.write_text(json.dumps(values))


def read(project: Path, home: Path, **environ: str) -> Settings:
    return read_settings({"HOME": str(home), **environ}, project)


@pytest.mark.parametrize("values", [SAVED, {"apiKey": "abcd1234", "apiSecret": SECRET}])
def test_they_are_used_when_the_settings_have_none(project: Path, home: Path, values: dict[str, str]) -> None:
    save(home / ".vonage" / "config.json", values)

    found = read(project, home, VONAGE_API_KEY="")

    assert (found.api_key, found.api_secret, found.has_credentials) == ("abcd1234", SECRET, True)
    assert found.credentials_file == str(home / ".vonage" / "config.json")


def test_the_file_of_the_project_goes_before_that_of_the_home_directory(project: Path, home: Path) -> None:
    save(home / ".vonage" / "config.json")
    save(project / ".vonagerc", {"api-key": "ffff0000", "api-secret": "another"})

    found = read(project, home)

    assert (found.api_key, found.credentials_file) == ("ffff0000", str(project / ".vonagerc"))


def test_the_settings_go_before_both(project: Path, home: Path) -> None:
    save(project / ".vonagerc")

    found = read(project, home, VONAGE_API_KEY="ffff0000", VONAGE_API_SECRET="another")

    assert (found.api_key, found.credentials_file) == ("ffff0000", "")


def test_a_half_in_the_settings_is_not_completed(project: Path, home: Path) -> None:
    save(project / ".vonagerc")

    with pytest.raises(ConfigurationError, match="VONAGE_API_SECRET is missing"):
        assert read(project, home, VONAGE_API_KEY="abcd1234").has_credentials


def test_another_host_does_not_get_them(project: Path, home: Path) -> None:
    save(home / ".vonage" / "config.json")

    assert not read(project, home, VONAGE_REST_HOST="127.0.0.1:4000").has_credentials
    assert read(project, home, VONAGE_REST_HOST="rest.nexmo.com").has_credentials


def test_without_a_home_directory_there_is_nothing_to_read(project: Path) -> None:
    assert not read_settings({}, project).has_credentials


def test_a_file_with_an_application_only_holds_no_credentials(project: Path, home: Path) -> None:
    save(home / ".vonage" / "config.json")
    save(project / ".vonagerc", {"app-id": "an-id", "private-key": "a-key"})

    assert not read(project, home).has_credentials


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"api-key": "abcd1234"}', "the API secret is missing in it"),
        (f'{{"apiSecret": "{SECRET}"}}', "the API key is missing in it"),
        (f"api-secret={SECRET}", "it is not JSON"),
        ("[1]", "it holds no JSON object"),
        ("[" * 100, "it is not JSON"),
        (" " * 100_000, "larger than 64 KiB"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_when_credentials_are_needed(
    project: Path, home: Path, text: str, reason: str
) -> None:
    (project / ".vonagerc").write_text(text)

    found = read(project, home)

    with pytest.raises(ConfigurationError) as caught:
        assert found.has_credentials
    assert caught.value.message == (
        f"Cannot use the credentials of the Vonage CLI in {project / '.vonagerc'}: {reason}."
    )
    assert "vonage auth set" in caught.value.hint
    assert SECRET not in repr(found) + caught.value.message
