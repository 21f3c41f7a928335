"""What lies in the place of `.devkit` and its files before a session comes."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from devkit.errors import ConfigurationError
from devkit.fixture.store import Store
from devkit.session.project import project_in
from tests.support.disk import mode

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows keeps no modes")


@pytest.mark.parametrize("before", [0o777, 0o755, 0o710])
def test_a_directory_that_was_open_is_closed(tmp_path: Path, before: int) -> None:
    private = tmp_path / ".devkit"
    private.mkdir()
    private.chmod(before)

    project_in(tmp_path).prepare()

    assert mode(private) == 0o700


def test_the_directory_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project").mkdir()
    project = project_in(tmp_path / "project")
    project.prepare()
    elsewhere = tmp_path / "project" / ".devkit"
    real = Path.stat

    def of_another(path: Path, **options: bool) -> os.stat_result:
        found = real(path, **options)
        if path != elsewhere:
            return found
        values = list(found)
        values[4] = found.st_uid + 1
        return os.stat_result(values)

    monkeypatch.setattr(Path, "stat", of_another)

    with pytest.raises(ConfigurationError, match="belongs to another user"):
        project.prepare()


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("do not lose me")
    project = project_in(tmp_path)
    project.prepare()
    (project.private / "session.lock").symlink_to(precious)

    with pytest.raises(ConfigurationError), project.session_lock("2026-11-23T12:00:00+00:00"):
        pass

    assert precious.read_text() == "do not lose me"


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_git_sees_nothing_private_in_a_project_without_rules_for_it(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    project, store = project_in(tmp_path), Store(tmp_path / "fixtures")
    project.prepare()
    store.prepare()
    project.callback_token()
    (store.recorded / "2026-11-23").mkdir()
    (store.recorded / "2026-11-23" / "a.json").touch()
    (tmp_path / "fixtures" / "seen").touch()

    command = ["git", "-C", str(tmp_path), "status", "--porcelain", "--untracked-files=all"]
    status = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert status == "?? fixtures/seen\n"


def test_rules_for_git_are_neither_overwritten_nor_put_back(tmp_path: Path) -> None:
    project, store = project_in(tmp_path), Store(tmp_path / "fixtures")
    project.prepare()
    store.prepare()
    (project.private / ".gitignore").write_text("*.json\n")
    (store.recorded / ".gitignore").unlink()

    project.prepare()
    store.prepare()

    assert (project.private / ".gitignore").read_text() == "*.json\n"
    assert not (store.recorded / ".gitignore").exists()
