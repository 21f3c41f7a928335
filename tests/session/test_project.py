import errno
import json
import os
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from devkit.durable import files as durable
from devkit.errors import ConfigurationError
from devkit.session.project import Project, project_in
from tests.support.session_example import SESSION


def names(project: Project) -> list[str]:
    """The files in its directory, except the one for git."""
    return sorted(name for name in os.listdir(project.private) if name != ".gitignore")


def test_naming_a_project_makes_nothing(tmp_path: Path) -> None:
    project = project_in(tmp_path)

    assert project.private == tmp_path / ".devkit"
    assert project.journal == tmp_path / ".devkit" / "registration.json"
    assert project.session() is None
    assert list(tmp_path.iterdir()) == []


def test_the_directory_is_for_its_owner_alone(project: Project) -> None:
    assert stat.S_IMODE(project.private.stat().st_mode) == 0o700
    assert names(project) == []


def test_a_directory_that_cannot_be_used_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / ".devkit").touch()

    with pytest.raises(ConfigurationError) as caught:
        project_in(tmp_path).prepare()

    assert caught.value.message == f"Cannot keep the session in {tmp_path / '.devkit'}: Not a directory."


def test_half_written_files_of_a_killed_session_are_cleared_away(project: Project) -> None:
    (project.private / f".{2**31 - 1}-0a1b2c3d.tmp").write_bytes(b"half")

    project.prepare()

    assert names(project) == []


def test_the_token_is_unguessable_and_stays_the_same(project: Project, tmp_path: Path) -> None:
    token = project.callback_token()

    assert len(token) >= 22  # 128 bits
    assert token.replace("-", "").replace("_", "").isalnum()
    assert project_in(tmp_path).callback_token() == token
    assert stat.S_IMODE((project.private / "callback-token").stat().st_mode) == 0o600


def test_two_projects_have_two_tokens(tmp_path: Path) -> None:
    tokens = set()
    for name in ("a", "b"):
        project = project_in(tmp_path / name)
        project.prepare()
        tokens.add(project.callback_token())

    assert len(tokens) == 2


def test_sessions_that_start_at_once_agree_on_the_token(project: Project) -> None:
    tokens: list[str] = []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait(10)
        tokens.append(project.callback_token())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(tokens) == 8
    assert len(set(tokens)) == 1


@pytest.mark.parametrize("content", [b"", b"\n", b"short", b"../" * 10, b"\xff" * 22, b"a b" * 10])
def test_a_token_that_was_spoilt_is_refused_rather_than_used(project: Project, content: bytes) -> None:
    path = project.private / "callback-token"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError) as caught:
        project.callback_token()

    assert str(path) in caught.value.message
    assert "Delete the file" in caught.value.hint


def test_a_token_that_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="callback-token"):
        project_in(tmp_path).callback_token()


def test_a_session_is_found_while_it_runs(project: Project) -> None:
    with project.session_file(SESSION):
        assert project.session() == SESSION
        assert stat.S_IMODE((project.private / "session.json").stat().st_mode) == 0o600

    assert project.session() is None
    assert names(project) == []


def test_a_session_that_fails_is_found_no_more(project: Project) -> None:
    with pytest.raises(KeyError), project.session_file(SESSION):
        raise KeyError

    assert project.session() is None


def test_a_session_that_was_killed_is_not_found(project: Project) -> None:
    process = subprocess.Popen([sys.executable, "-IS", "-c", ""])
    process.wait()

    with project.session_file(replace(SESSION, pid=process.pid)):
        assert project.session() is None

    assert names(project) == []


def test_an_earlier_session_that_ends_leaves_the_later_one_to_be_found(project: Project) -> None:
    later = replace(SESSION, local_url="http://127.0.0.1:3001")
    first, second = project.session_file(SESSION), project.session_file(later)

    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert project.session() == later

    second.__exit__(None, None, None)
    assert project.session() is None


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"pid": 1}', json.dumps({"other": 1}), "\x00"])
def test_a_session_file_of_another_kind_is_no_session(project: Project, content: str) -> None:
    (project.private / "session.json").write_text(content)

    assert project.session() is None


def test_a_session_whose_process_is_no_number_is_no_session(project: Project) -> None:
    with project.session_file(SESSION):
        path = project.private / "session.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "pid": "1"}))

        assert project.session() is None


@pytest.mark.parametrize("name", ["local_url", "public_url", "callback_url", "forward_url", "inspector_url"])
@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "http://[", "http://a b", "http://a\u202e", "http://a:99999"]
)
def test_a_session_with_what_is_no_url_is_no_session(project: Project, name: str, url: str) -> None:
    with project.session_file(SESSION):
        path = project.private / "session.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), name: url}))

        assert project.session() is None


def test_no_secret_shows_in_a_repr() -> None:
    assert "the-api-secret" not in repr(SESSION)
    assert "the-token" not in repr(SESSION)
    assert "127.0.0.1:3000" in repr(SESSION)


def test_a_session_whose_change_cannot_be_written_can_try_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = replace(SESSION, public_url="https://other.example.com")
    full = OSError(errno.ENOSPC, "No space left on device")

    with project.session_file(SESSION) as describe:
        with monkeypatch.context() as patched:
            patched.setattr(durable, "replace", Mock(side_effect=full))
            with pytest.raises(ConfigurationError, match="No space left on device"):
                describe(changed)
        assert project.session() == SESSION
        describe(changed)
        assert project.session() == changed


def test_a_session_whose_url_changes_is_found_as_it_is_now_and_goes_all_the_same(project: Project) -> None:
    changed = replace(SESSION, public_url="https://other.example.com")

    with project.session_file(SESSION) as describe:
        describe(changed)
        assert project.session() == changed

    assert names(project) == []


def test_the_project_and_the_settings_load_nothing_that_only_a_session_needs() -> None:
    heavy = {"secrets", "random", "uuid", "hashlib", "hmac"}
    code = f"import sys, devkit.session.project; print(sorted({heavy} & sys.modules.keys()))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
