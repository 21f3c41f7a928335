"""`devkit prune`: what goes, what stays, and that nothing goes without being asked twice."""

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from devkit.cli import devkit
from devkit.errors import ConfigurationError
from devkit.prune import carry_out, plan
from devkit.store import Store

FIRST_DAY = datetime(2026, 6, 1, 12, tzinfo=UTC)

Run = Callable[..., Result]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Five recordings of 10 bytes: two on the first day, one on each of the next three."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for hours in (0, 1, 24, 48, 72):
        add(tmp_path, FIRST_DAY + timedelta(hours=hours))
    return Store(tmp_path / "fixtures")


@pytest.fixture
def run(store: Store) -> Run:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(devkit, ["prune", *arguments], catch_exceptions=False)

    return run


def add(project: Path, moment: datetime) -> Path:
    day = project / "fixtures" / "recorded" / f"{moment:%Y-%m-%d}"
    day.mkdir(parents=True, exist_ok=True)
    path = day / f"{moment:%H%M%S.%f}Z-delivered-0A000000373E0712-5f3a9c.json"
    path.write_bytes(b"0123456789")
    return path


def times(store: Store) -> list[int]:
    """The hours since the first recording of those that are there, oldest first."""
    return sorted(int((entry.recorded_at - FIRST_DAY).total_seconds() / 3600) for entry in store.entries())


def test_older_than_a_moment_goes(store: Store) -> None:
    carry_out(plan(store, before=FIRST_DAY + timedelta(hours=24), keep=0))

    assert times(store) == [24, 48, 72]


def test_newest_are_kept(store: Store) -> None:
    carry_out(plan(store, before=None, keep=2))

    assert times(store) == [48, 72]


def test_both_must_let_a_recording_go(store: Store) -> None:
    late = FIRST_DAY + timedelta(days=99)

    assert len(plan(store, before=late, keep=4).doomed) == 1
    assert len(plan(store, before=FIRST_DAY, keep=0).doomed) == 0


def test_plan_says_files_oldest_first_and_bytes(store: Store) -> None:
    found = plan(store, before=None, keep=3)

    assert [doomed.path.name[:6] for doomed in found.doomed] == ["120000", "130000"]
    assert found.size == 20
    assert times(store) == [0, 1, 24, 48, 72]


def test_empty_days_go_and_others_stay(store: Store) -> None:
    (store.recorded / "2026-06-02" / "notes.txt").write_text("mine")

    carry_out(plan(store, before=None, keep=1))

    assert sorted(path.name for path in store.recorded.iterdir()) == ["2026-06-02", "2026-06-04"]


def test_files_that_devkit_did_not_name_stay(store: Store) -> None:
    mine = [
        store.recorded / "mine.json",
        store.recorded / "2026-06-01" / "mine.json",
        store.root / "samples.json",
    ]
    for path in mine:
        path.write_text("{}")

    carry_out(plan(store, before=None, keep=0))

    assert all(path.exists() for path in mine)
    assert times(store) == []


def test_no_symbolic_link_is_followed_or_removed(store: Store, tmp_path: Path) -> None:
    elsewhere = add(tmp_path / "other", FIRST_DAY)
    day = store.recorded / "2026-05-01"
    day.symlink_to(elsewhere.parent)
    link = store.recorded / "2026-06-01" / elsewhere.name.replace("5f3a9c", "000000")
    link.symlink_to(elsewhere)

    carry_out(plan(store, before=None, keep=0))

    assert elsewhere.exists()
    assert day.is_symlink()
    assert link.is_symlink()


def test_linked_recordings_directory_is_refused(store: Store, tmp_path: Path) -> None:
    moved = store.recorded.rename(tmp_path / "elsewhere")
    store.recorded.symlink_to(moved)

    with pytest.raises(ConfigurationError, match="symbolic link"):
        plan(store, before=None, keep=0)


def test_tracked_file_stays(store: Store, run: Run) -> None:
    tracked = next(iter(store.entries())).path
    subprocess.run(["git", "init"], check=True, capture_output=True)
    subprocess.run(["git", "add", "--force", str(tracked)], check=True, capture_output=True)

    result = run("--keep", "0", "--yes")

    assert result.exit_code == 0
    assert times(store) == [72]
    assert "git tracks" in result.stderr


def test_nothing_goes_when_git_cannot_be_asked(
    store: Store, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(".git").mkdir()
    monkeypatch.setenv("PATH", "")

    assert run("--keep", "0", "--yes").exit_code == 3
    assert times(store) == [0, 1, 24, 48, 72]


def test_file_that_has_gone_meanwhile_is_passed_over(store: Store) -> None:
    found = plan(store, before=None, keep=0)
    found.doomed[0].path.unlink()

    assert len(carry_out(found).doomed) == 4
    assert times(store) == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="for root every directory is writable")
def test_file_that_cannot_be_deleted_is_an_error(store: Store) -> None:
    found = plan(store, before=None, keep=4)
    found.doomed[0].path.parent.chmod(0o500)

    with pytest.raises(ConfigurationError, match="Cannot delete"):
        carry_out(found)
    found.doomed[0].path.parent.chmod(0o700)


def test_without_a_criterion_it_refuses(store: Store, run: Run) -> None:
    result = run("--yes")

    assert result.exit_code == 2
    assert "--older-than 30d" in result.stderr
    assert times(store) == [0, 1, 24, 48, 72]


def test_dry_run_says_files_and_bytes_and_deletes_nothing(store: Store, run: Run) -> None:
    result = run("--keep", "4")

    assert result.exit_code == 0
    assert result.stdout == (
        "fixtures/recorded/2026-06-01/120000.000000Z-delivered-0A000000373E0712-5f3a9c.json  10 bytes\n"
        "prune: would delete 1 recording(s), 10 bytes\n"
    )
    assert "--yes" in result.stderr
    assert times(store) == [0, 1, 24, 48, 72]


def test_yes_deletes(store: Store, run: Run) -> None:
    result = run("--older-than", "1s", "--keep", "1", "--yes")

    assert result.exit_code == 0
    assert result.stdout.endswith("prune: deleted 4 recording(s), 40 bytes\n")
    assert times(store) == [72]


def test_recordings_younger_than_asked_stay(store: Store, run: Run) -> None:
    add(store.root.parent, datetime.now(UTC))

    run("--older-than", "1h", "--yes")

    assert len(times(store)) == 1


def test_wrong_length_of_time_is_a_usage_error(run: Run) -> None:
    assert run("--older-than", "soon").exit_code == 2


def test_nothing_recorded_is_nothing_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(devkit, ["prune", "--keep", "0", "--yes"])

    assert (result.exit_code, result.stdout) == (0, "prune: deleted 0 recording(s), 0 bytes\n")
