import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from devkit.cli import cli
from devkit.session.project import project_in
from devkit.session.settings import project_directory
from tests.support.session_example import SESSION


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "app" / "src" / "deep").mkdir(parents=True)
    return home


def found(here: Path, home: Path) -> str:
    return project_directory(here, home).relative_to(home.parent).as_posix()


def test_the_nearest_directory_with_private_files_is_the_project(home: Path) -> None:
    (home / "app" / ".devkit").mkdir()

    assert found(home / "app", home) == "home/app"
    assert found(home / "app" / "src" / "deep", home) == "home/app"
    (home / "app" / "src" / ".devkit").mkdir()
    assert found(home / "app" / "src" / "deep", home) == "home/app/src"


def test_without_any_the_project_is_where_the_command_is_typed(home: Path) -> None:
    assert found(home / "app" / "src", home) == "home/app/src"
    assert [path.name for path in home.rglob("*")] == ["app", "src", "deep"]


def test_the_home_directory_is_no_project_of_what_is_below_it(home: Path) -> None:
    (home / ".devkit").mkdir()
    (home.parent / ".devkit").mkdir()

    assert found(home / "app", home) == "home/app"
    assert found(home, home) == "home"
    (home / ".devkit").rmdir()
    assert found(home, home) == "home"


def test_a_file_of_that_name_makes_no_project(home: Path) -> None:
    (home / "app" / ".devkit").touch()

    assert found(home / "app" / "src", home) == "home/app/src"


@pytest.mark.skipif(os.name == "nt", reason="Windows tells no owners")
def test_a_project_of_another_user_is_not_used_from_below(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "app" / ".devkit").mkdir()
    owner = home.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    assert found(home / "app" / "src", home) == "home/app/src"


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can"
)
@pytest.mark.parametrize("link", [True, False])
def test_private_files_of_another_user_are_not_used_from_below(home: Path, link: bool) -> None:
    private = home / "app" / ".devkit"
    if link:
        private.symlink_to(home)
    else:
        private.mkdir()
    os.chown(private, os.geteuid() + 1, -1, follow_symlinks=False)

    assert found(home / "app" / "src", home) == "home/app/src"


def test_a_session_that_another_user_describes_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_in(tmp_path)
    project.prepare()
    with project.session_file(SESSION):
        assert project.session() == SESSION
        _pretend_another_owner(monkeypatch, project.private)

        assert project.session() is None


def _pretend_another_owner(monkeypatch: pytest.MonkeyPatch, of: Path) -> None:
    real = Path.lstat

    def lstat(path: Path) -> os.stat_result:
        values = list(real(path))
        values[4] += path == of
        return os.stat_result(values)

    monkeypatch.setattr(Path, "lstat", lstat)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not delete a directory that is in use")
def test_a_current_directory_that_was_deleted_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    done = CliRunner().invoke(cli, ["list"], catch_exceptions=False)

    assert (done.exit_code, done.stderr) == (
        3,
        "Error: The current directory was deleted.\nHint: Go to another one: cd\n",
    )
