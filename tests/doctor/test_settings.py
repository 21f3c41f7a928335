"""What the doctor says of the settings: where they come from, by name, never by value."""

import subprocess
from pathlib import Path

import pytest

from devkit.doctor.machine import settings_checks
from tests.support.doctor_context import SECRET, find, outcomes

PAIR = f"VONAGE_API_KEY=abcd1234\nVONAGE_API_SECRET={SECRET}\n"


def write(directory: Path, text: str) -> None:
    (directory / ".env").write_text(text)


def test_nothing_at_all_is_offline_mode_and_no_failure(tmp_path: Path) -> None:
    settings, checks = settings_checks({}, tmp_path)

    assert settings is not None
    assert outcomes(checks) == {".env": "skipped", "credentials": "skipped"}
    assert str(tmp_path) in find(checks, ".env").what
    assert "devkit init --print .env.example > .env" in find(checks, ".env").hint
    assert "offline" in find(checks, "credentials").what


def test_the_file_and_its_names_are_shown_without_a_value(tmp_path: Path) -> None:
    write(tmp_path, f"{PAIR}NGROK_AUTHTOKEN=\nPATH=/else\nexport DEVKIT_PORT='3001'\n")

    settings, checks = settings_checks({}, tmp_path)

    assert settings is not None
    assert outcomes(checks) == {".env": "ok", "credentials": "ok"}
    said = find(checks, ".env").what
    assert said == f"{tmp_path / '.env'} sets DEVKIT_PORT, VONAGE_API_KEY, VONAGE_API_SECRET"
    assert find(checks, "credentials").what == f"key and secret are set, in {tmp_path / '.env'}"
    assert all(value not in check.what + check.hint for check in checks for value in (SECRET, "abcd1234"))


def test_the_environment_goes_before_the_file_and_is_named(tmp_path: Path) -> None:
    write(tmp_path, PAIR)

    _, checks = settings_checks({"VONAGE_API_SECRET": "other-secret", "HOME": "/"}, tmp_path)

    assert "the environment has precedence for VONAGE_API_SECRET" in find(checks, ".env").what
    assert find(checks, "credentials").what.endswith(f"in {tmp_path / '.env'} and the environment")
    assert all("other-secret" not in check.what for check in checks)


@pytest.mark.parametrize(
    ("text", "environ", "missing"),
    [
        ("VONAGE_API_KEY=abcd1234", {}, "VONAGE_API_SECRET"),
        ("", {"VONAGE_API_SECRET": SECRET}, "VONAGE_API_KEY"),
        (PAIR, {"VONAGE_API_KEY": ""}, "VONAGE_API_KEY"),
    ],
)
def test_half_a_pair_is_named(tmp_path: Path, text: str, environ: dict[str, str], missing: str) -> None:
    write(tmp_path, text)

    settings, checks = settings_checks(environ, tmp_path)

    assert settings is None
    assert outcomes(checks) == {".env": "ok", "credentials": "failed"}
    assert f"{missing} is missing" in find(checks, "credentials").what
    assert missing in find(checks, "credentials").hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{PAIR}DEVKIT_PORT=many", "DEVKIT_PORT is 'many'"),
        (f"{PAIR}what is this {SECRET}", "Line 3"),
        ("VONAGE_API_KEY=half\nDEVKIT_OFFLINE=maybe", "DEVKIT_OFFLINE is 'maybe'"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, text: str, words: str) -> None:
    write(tmp_path, text)

    settings, checks = settings_checks({}, tmp_path)

    assert settings is None
    assert outcomes(checks) == {".env": "failed"}
    assert words in find(checks, ".env").what
    assert all(SECRET not in check.what + check.hint for check in checks)


def test_half_a_pair_is_no_failure_offline(tmp_path: Path) -> None:
    write(tmp_path, "VONAGE_API_KEY=abcd1234\nDEVKIT_OFFLINE=1")

    settings, checks = settings_checks({}, tmp_path)

    assert settings is not None
    assert outcomes(checks) == {".env": "ok", "credentials": "skipped"}


def test_the_file_of_the_vonage_cli_is_named(tmp_path: Path) -> None:
    file = tmp_path / ".vonagerc"
    file.write_text(f'{{"api-key": "abcd1234", "api-secret": "{SECRET}"}}')

    _, checks = settings_checks({}, tmp_path)

    assert outcomes(checks) == {".env": "skipped", "credentials": "ok"}
    assert find(checks, "credentials").what == f"key and secret are set, in {file}, a file of the Vonage CLI"
    assert find(checks, ".env").hint == ""
    assert all(SECRET not in check.what + check.hint for check in checks)


def test_a_file_of_the_vonage_cli_that_git_tracks_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / ".vonagerc").write_text("{}")
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "add", ".vonagerc"], check=True)

    check = find(settings_checks({}, tmp_path)[1], ".vonagerc in git")

    assert check.outcome == "failed"
    assert check.hint.startswith("git rm --cached .vonagerc")


def test_a_name_that_means_nothing_is_a_failure(tmp_path: Path) -> None:
    write(tmp_path, "DEVKIT_FORWARD=localhost:5000\n")

    check = find(settings_checks({}, tmp_path)[1], "settings")

    assert (check.outcome, check.what) == ("failed", "DEVKIT_FORWARD is set, but devkit has no such setting")
    assert check.hint == "Did you mean DEVKIT_FORWARD_TO?"


def test_a_file_that_is_not_text_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe")

    settings, checks = settings_checks({}, tmp_path)

    assert settings is None
    assert "it is not UTF-8 text" in find(checks, ".env").what


def test_offline_by_setting_says_that_the_credentials_are_not_used(tmp_path: Path) -> None:
    write(tmp_path, f"{PAIR}DEVKIT_OFFLINE=1")

    _, checks = settings_checks({}, tmp_path)

    assert find(checks, "credentials").outcome == "skipped"
    assert "DEVKIT_OFFLINE" in find(checks, "credentials").what


def test_secrets_that_git_tracks_are_a_failure(tmp_path: Path) -> None:
    write(tmp_path, PAIR)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    before = outcomes(settings_checks({}, tmp_path)[1])
    subprocess.run(["git", "-C", tmp_path, "add", "--force", ".env"], check=True)

    _, checks = settings_checks({}, tmp_path)

    assert ".env in git" not in before
    assert outcomes(checks) == {".env": "ok", ".env in git": "failed", "credentials": "ok"}
    assert "git rm --cached .env" in find(checks, ".env in git").hint
