"""git is asked what it tracks, and runs nothing that a repository or the caller's environment names."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from devkit.tracked import tracked_files

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="needs git")


def git(directory: Path, *words: str) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", "-C", str(directory), *words], env=environ, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository that tracks one recording."""
    directory = tmp_path / "repository"
    (directory / "recorded").mkdir(parents=True)
    (directory / "recorded" / "a.json").touch()
    git(tmp_path, "init", "-q", str(directory))
    git(directory, "add", ".")
    return directory


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that leaves a mark: a file beside it."""
    path = tmp_path / "program"
    path.write_text(f'#!/bin/sh\ntouch "{tmp_path}/mark"\n')
    path.chmod(0o755)
    return path


@pytest.mark.skipif(os.name == "nt", reason="the program is a shell script")
def test_a_repository_cannot_make_git_run_its_programs(repository: Path, program: Path) -> None:
    git(repository, "update-index", "--fsmonitor")
    for name in ("core.fsmonitor", "core.pager", "pager.ls-files", "core.sshCommand", "diff.external"):
        git(repository, "config", name, str(program))
    hooks = repository.parent / "hooks"
    hooks.mkdir()
    for hook in ("post-index-change", "fsmonitor-watchman", "reference-transaction"):
        shutil.copy(program, hooks / hook)
    git(repository, "config", "core.hooksPath", str(hooks))
    assert not program.with_name("mark").exists()

    assert tracked_files(repository) == {repository / "recorded" / "a.json"}
    assert not program.with_name("mark").exists()

    git(repository, "ls-files")
    assert program.with_name("mark").exists()  # git itself does run it


@pytest.mark.skipif(os.name == "nt", reason="the program is a shell script")
def test_a_repository_cannot_make_git_fetch_what_its_index_lacks(repository: Path, program: Path) -> None:
    (repository / "b").mkdir()
    (repository / "b" / "b.json").touch()
    git(repository, "add", ".")
    git(repository, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "x")
    git(repository, "sparse-checkout", "set", "--cone", "--sparse-index", "recorded")
    shutil.rmtree(repository / ".git" / "objects")
    (repository / ".git" / "objects").mkdir()
    settings = {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": f"ext::{program}",
        "protocol.ext.allow": "always",
    }
    for name, value in settings.items():
        git(repository, "config", name, value)

    assert repository / "recorded" / "a.json" in tracked_files(repository)
    assert not program.with_name("mark").exists()

    git(repository, "ls-files")
    assert program.with_name("mark").exists()  # git itself does run it


def test_the_callers_git_variables_do_not_count(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    git(tmp_path, "init", "-q", str(other))
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / "index"))

    assert tracked_files(repository) == {repository / "recorded" / "a.json"}


@pytest.mark.skipif(os.name == "nt", reason="no such names on Windows")
@pytest.mark.parametrize("name", [":(exclude)x", "*", "[a]", "!x", "-x", " x ", "\n"])
def test_a_directorys_name_is_no_pattern(repository: Path, name: str) -> None:
    for directory in (name, "b"):
        (repository / directory).mkdir()
        (repository / directory / "a.json").touch()
    git(repository, "--literal-pathspecs", "add", "--", name, "b")
    shutil.rmtree(repository / name)

    assert tracked_files(repository / name) == {repository / name / "a.json"}
