"""`devkit check`: fixture files on disk, and recordings that git tracks."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from devkit.check.file import check_file
from devkit.cli import devkit
from devkit.errors import ConfigurationError
from devkit.fixture import dumps, load
from devkit.tracked import tracked_files

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "fixtures" / "samples"
RECORDING = "recorded/2026-06-01/105730.214087Z-delivered-0A000000373E0712-5f3a9c.json"

Run = Callable[..., Result]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with two fixtures, which is the current one and no git repository."""
    (tmp_path / "fixtures" / "samples").mkdir(parents=True)
    for name in ("delivered", "failed-json"):
        shutil.copy(SAMPLES / f"{name}.json", tmp_path / "fixtures" / "samples")
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


@pytest.fixture
def run(project: Path) -> Run:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(devkit, ["check", *arguments], catch_exceptions=False)

    return run


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def record(project: Path) -> Path:
    path = project / "fixtures" / RECORDING
    path.parent.mkdir(parents=True)
    shutil.copy(SAMPLES / "delivered.json", path)
    return path


def test_sound_fixtures_pass(run: Run) -> None:
    result = run()

    assert (result.exit_code, result.stdout) == (0, "check: 2 ok, 0 failed\n")


def test_own_samples_pass() -> None:
    command = [sys.executable, "-m", "devkit", "check", "fixtures/samples"]

    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    count = len(list(SAMPLES.rglob("*.json")))
    assert (result.returncode, result.stdout) == (0, f"check: {count} ok, 0 failed\n")


def test_fault_is_told_with_path_and_line(project: Path, run: Run) -> None:
    path = project / "fixtures" / "samples" / "delivered.json"
    path.write_text(path.read_text().replace('"GET"', '"G T"'))

    result = run()

    assert result.exit_code == 1
    assert result.stdout == (
        'fixtures/samples/delivered.json:6: "method" holds characters that cannot stand there in HTTP\n'
        "check: 1 ok, 1 failed\n"
    )


def test_only_what_is_named_is_checked(project: Path, run: Run) -> None:
    broken = project / "fixtures" / "samples" / "delivered.json"
    broken.write_text("{}")

    assert run("fixtures/samples/failed-json.json").stdout == "check: 1 ok, 0 failed\n"
    assert run("fixtures/samples").exit_code == 1
    assert run(str(broken)).exit_code == 1


def test_a_path_that_is_not_there_is_a_usage_error(run: Run) -> None:
    assert run("fixtures/nothing.json").exit_code == 2


def test_a_project_without_fixtures_passes(project: Path, run: Run) -> None:
    shutil.rmtree(project / "fixtures")

    assert (run().exit_code, run().stdout) == (0, "check: 0 ok, 0 failed\n")


def test_other_files_hidden_files_and_links_are_passed_over(project: Path, run: Run) -> None:
    samples = project / "fixtures" / "samples"
    (samples / "README.md").write_text("text")
    (samples / ".half.json").write_text("{")
    (samples / ".cache").mkdir()
    (samples / ".cache" / "x.json").write_text("{")
    (project / "elsewhere.json").write_text("{")
    (samples / "link.json").symlink_to(project / "elsewhere.json")

    assert run().stdout == "check: 2 ok, 0 failed\n"


def test_stale_copy_fails_and_is_written_anew_with_fix(project: Path, run: Run) -> None:
    path = project / "fixtures" / "samples" / "delivered.json"
    sound = path.read_bytes()
    path.write_bytes(sound.replace(b'"status": "delivered"', b'"status": "failed"'))
    path.chmod(0o640)

    told, fixed = run(), run("--fix")

    assert told.exit_code == 1
    assert "fixtures/samples/delivered.json:23:" in told.stdout
    assert (fixed.exit_code, fixed.stdout) == (
        0,
        "fixtures/samples/delivered.json: written anew\ncheck: 2 ok, 0 failed\n",
    )
    assert path.read_bytes() == sound
    assert path.stat().st_mode & 0o777 == 0o640


def test_fix_adds_a_missing_copy_and_keeps_what_is_unknown(project: Path, run: Run) -> None:
    path = project / "fixtures" / "samples" / "delivered.json"
    document = json.loads(path.read_bytes())
    del document["receipt"]
    path.write_text(json.dumps({**document, "mine": [1]}))

    assert run("--fix").exit_code == 0

    assert json.loads(path.read_bytes())["receipt"]["status"] == "delivered"
    assert load(path).extra == {"mine": [1]}


def test_fix_leaves_other_faults_alone(project: Path, run: Run) -> None:
    path = project / "fixtures" / "samples" / "delivered.json"
    path.write_text(path.read_text().replace('"version": 1', '"version": 0').replace('"delivered"', '"x"'))
    before = path.read_bytes()

    assert run("--fix").exit_code == 1
    assert path.read_bytes() == before


def test_fix_writes_to_where_a_named_link_leads(project: Path, run: Run) -> None:
    path = project / "fixtures" / "samples" / "delivered.json"
    path.write_bytes(path.read_bytes().replace(b'"err-code": "0"', b'"err-code": "1"'))
    link = project / "link.json"
    link.symlink_to(path)

    assert run("--fix", "link.json").exit_code == 0
    assert link.is_symlink()
    assert dumps(load(path)) == path.read_bytes()


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    checked = check_file(tmp_path / "gone.json")

    assert [fault.what for fault in checked.faults] == ["No such file or directory"]


def test_tracked_recording_fails(project: Path, run: Run) -> None:
    path = record(project)
    git("init")
    untracked = run()
    git("add", "--force", str(path))

    result = run()

    assert untracked.stdout == "check: 3 ok, 0 failed\n"
    assert result.exit_code == 1
    assert f"fixtures/{RECORDING}:1: git tracks this recording" in result.stdout
    assert f"git rm --cached fixtures/{RECORDING}" in result.stdout
    assert result.stdout.endswith("check: 2 ok, 1 failed\n")


def test_tracked_recording_fails_when_it_is_named_and_only_then(project: Path, run: Run) -> None:
    path = record(project)
    git("init")
    git("add", "--force", str(path))

    assert run(f"fixtures/{RECORDING}").exit_code == 1
    assert run("fixtures/recorded").exit_code == 1
    assert run("fixtures/samples").exit_code == 0


def test_recording_that_was_deleted_but_is_still_tracked_fails(project: Path, run: Run) -> None:
    path = record(project)
    git("init")
    git("add", "--force", str(path))
    shutil.rmtree(project / "fixtures" / "recorded")

    result = run()

    assert result.exit_code == 1
    assert result.stdout.endswith("check: 2 ok, 1 failed\n")


def test_it_works_without_git(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    record(project)
    (project / ".git").mkdir()
    monkeypatch.setenv("PATH", str(project / "no-programs"))

    result = run()

    assert (result.exit_code, result.stdout) == (0, "check: 3 ok, 0 failed\n")
    assert "Cannot ask git" in result.stderr


def test_outside_a_repository_nothing_is_tracked_and_git_is_not_asked(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(project)
    monkeypatch.setenv("PATH", str(project / "no-programs"))

    assert tracked_files(project / "fixtures" / "recorded") == frozenset()


def test_a_repository_that_git_cannot_read_is_an_error(project: Path) -> None:
    record(project)
    (project / ".git").mkdir()

    with pytest.raises(ConfigurationError, match="Cannot ask git"):
        tracked_files(project / "fixtures" / "recorded")


def test_tracked_names_with_odd_characters_are_found(project: Path) -> None:
    odd = project / "fixtures" / "recorded" / 'a "b"\tc é.json'
    odd.parent.mkdir()
    odd.write_text("{}")
    git("init")
    git("add", "--force", "--", str(odd))

    assert tracked_files(project / "fixtures" / "recorded") == {odd}
