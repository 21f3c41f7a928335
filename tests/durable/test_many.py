"""Files that are created together: in parallel, each with its own error."""

import errno
import os
import stat
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from devkit.durable import files as durable
from devkit.durable.worker_threads import WorkerThreads
from tests.support.disk import failing, failing_for_directories, names
from tests.support.raw_socket import DEADLINE


@pytest.fixture(autouse=True, params=["unnamed", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test runs with both ways to create a file; only Linux has the first."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)


def files(count: int) -> list[tuple[str, bytes]]:
    return [(f"{number}.json", b"%d" % number) for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 30])
def test_all_files_are_created_completely_and_no_other_file_stays(tmp_path: Path, count: int) -> None:
    assert durable.create_all(str(tmp_path), files(count)) == [None] * count

    assert names(tmp_path) == sorted(name for name, _ in files(count))
    assert all((tmp_path / name).read_bytes() == data for name, data in files(count))


def test_they_are_synced_side_by_side_and_the_directory_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync, together = os.fsync, threading.Barrier(4)
    directories: list[int] = []

    def sync_with_the_others(file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            directories.append(os.fstat(file).st_ino)
        else:
            together.wait(DEADLINE)  # breaks when one waits for another to be done
        sync(file)

    monkeypatch.setattr(os, "fsync", sync_with_the_others)

    assert durable.create_all(str(tmp_path), files(4)) == [None] * 4
    assert directories == [tmp_path.stat().st_ino]


NO_THREADS = """
import sys, threading
from devkit.durable import files as durable
threading.stack_size(1 << 46)  # more memory than there is, so that no thread can be started
try:
    threading.Thread(target=print).start()
except RuntimeError:
    print(durable.create_all(sys.argv[1], [(f"{number}.json", b"data") for number in range(30)]))
"""


def test_where_no_thread_can_be_started_all_are_created_the_same(tmp_path: Path) -> None:
    command = [sys.executable, "-c", NO_THREADS, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (done.stdout, done.stderr) == (f"{[None] * 30}\n", "")
    assert len(names(tmp_path)) == 30


@pytest.mark.parametrize("count", [1, 3])
def test_with_fewer_threads_than_wanted_all_is_done(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[threading.Thread] = []
    start = threading.Thread.start

    def start_some(thread: threading.Thread) -> None:
        if len(started) == count:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    done: list[int] = []
    monkeypatch.setattr(threading.Thread, "start", start_some)
    WorkerThreads(8).run([partial(done.append, number) for number in range(20)])

    assert sorted(done) == list(range(20))
    assert len(started) == count


def test_an_error_in_a_thread_is_raised() -> None:
    def fail() -> None:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - the very one
        WorkerThreads(2).run([lambda: None, fail, lambda: None])


def test_no_name_is_given_before_all_contents_are_synced_and_no_directory_synced_before_all_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, link = os.fsync, os.link

    def log_sync(file: int) -> None:
        done.append("directory" if stat.S_ISDIR(os.fstat(file).st_mode) else "content")
        sync(file)

    def log_link(source: Path, target: Path, *, src_dir_fd: int | None = None) -> None:
        done.append("name")
        link(source, target, src_dir_fd=src_dir_fd)

    monkeypatch.setattr(os, "fsync", log_sync)
    monkeypatch.setattr(os, "link", log_link)

    durable.create_all(str(tmp_path), files(3))

    assert done == ["content"] * 3 + ["name"] * 3 + ["directory"]


def test_an_error_with_one_file_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "0.json").write_bytes(b"former")
    write = os.write

    def full_for_one(file: int, data: bytes) -> int:
        return write(file, data) if bytes(data) != b"2" else failing(errno.ENOSPC)()

    monkeypatch.setattr(os, "write", full_for_one)

    errors = durable.create_all(str(tmp_path), files(4))

    assert [type(error) for error in errors] == [FileExistsError, type(None), OSError, type(None)]
    assert names(tmp_path) == ["0.json", "1.json", "3.json"]
    assert (tmp_path / "0.json").read_bytes() == b"former"


def test_when_the_directory_cannot_be_synced_no_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "sync_directory", failing(errno.EIO))

    assert all(durable.create_all(str(tmp_path), files(3)))
    assert names(tmp_path) == []


def test_a_directory_that_is_not_there_is_the_error_of_each(tmp_path: Path) -> None:
    errors = durable.create_all(str(tmp_path / "missing"), files(2))

    assert [type(error) for error in errors] == [FileNotFoundError] * 2


def test_a_disk_that_syncs_nothing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))

    assert all(durable.create_all(str(tmp_path), files(12)))
    assert names(tmp_path) == []


def test_a_directory_that_cannot_be_synced_at_all_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", failing_for_directories(errno.EINVAL, os.fsync))

    assert durable.create_all(str(tmp_path), files(3)) == [None] * 3
