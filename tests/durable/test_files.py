import errno
import os
import stat
from pathlib import Path

import pytest

from devkit.durable import files as durable
from tests.support.disk import failing, mode, names, umask


@pytest.fixture(autouse=True, params=["unnamed", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test runs with both ways to create a file; only Linux has the first."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)


def test_a_file_is_created_completely_and_no_other_file_stays(tmp_path: Path) -> None:
    durable.create(tmp_path / "a.json", b"content")

    assert names(tmp_path) == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b"content"
    assert (tmp_path / "a.json").stat().st_nlink == 1


def test_creating_never_overwrites(tmp_path: Path) -> None:
    durable.create(tmp_path / "a.json", b"first")

    with pytest.raises(FileExistsError):
        durable.create(tmp_path / "a.json", b"second")

    assert (tmp_path / "a.json").read_bytes() == b"first"
    assert names(tmp_path) == ["a.json"]


def test_a_name_is_given_after_the_content_and_before_the_directory_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    write, sync, link = os.write, os.fsync, os.link

    def log_write(file: int, data: bytes) -> int:
        done.append("write")
        return write(file, data)

    def log_sync(file: int) -> None:
        done.append("sync directory" if stat.S_ISDIR(os.fstat(file).st_mode) else "sync file")
        sync(file)

    def log_link(source: Path, target: Path, *, src_dir_fd: int | None = None) -> None:
        done.append("name")
        link(source, target, src_dir_fd=src_dir_fd)

    monkeypatch.setattr(os, "write", log_write)
    monkeypatch.setattr(os, "fsync", log_sync)
    monkeypatch.setattr(os, "link", log_link)

    durable.create(tmp_path / "a.json", b"content")

    assert done == ["write", "sync file", "name", "sync directory"]


def test_a_file_is_replaced_or_made(tmp_path: Path) -> None:
    durable.replace(tmp_path / "a.json", b"first")
    durable.replace(tmp_path / "a.json", b"second")

    assert (tmp_path / "a.json").read_bytes() == b"second"
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o177, 0o777])
def test_files_and_directories_are_for_their_owner_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        durable.make_directory(tmp_path / "new" / "inner")
        durable.create(tmp_path / "new" / "inner" / "a.json", b"content")
        durable.replace(tmp_path / "new" / "b.json", b"content")

    assert [mode(tmp_path / "new"), mode(tmp_path / "new" / "inner")] == [0o700, 0o700]
    assert [mode(tmp_path / "new" / "inner" / "a.json"), mode(tmp_path / "new" / "b.json")] == [0o600, 0o600]


def test_a_file_is_for_its_owner_from_its_first_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "chmod", failing(errno.EPERM))
    monkeypatch.setattr(os, "fchmod", failing(errno.EPERM))

    with umask(0):
        durable.create(tmp_path / "a.json", b"content")
        durable.make_directory(tmp_path / "new")

    assert [mode(tmp_path / "a.json"), mode(tmp_path / "new")] == [0o600, 0o700]


def test_a_directory_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    former = mode(tmp_path / "shared")

    durable.make_directory(tmp_path / "shared")

    assert mode(tmp_path / "shared") == former


def test_a_new_directory_has_its_name_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(durable, "sync_directory", synced.append)

    durable.make_directory(tmp_path / "a" / "b")

    assert synced == [tmp_path, tmp_path / "a"]


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_at_the_path_of_a_directory_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(NotADirectoryError) as caught:
        durable.make_directory(tmp_path / name)

    assert caught.value.strerror


def test_a_try_leaves_nothing(tmp_path: Path) -> None:
    durable.try_writing(tmp_path)

    assert names(tmp_path) == []


def test_a_file_is_removed_once_and_a_second_time_is_no_failure(tmp_path: Path) -> None:
    durable.create(tmp_path / "a.json", b"content")

    durable.remove(tmp_path / "a.json")
    durable.remove(tmp_path / "a.json")

    assert names(tmp_path) == []
