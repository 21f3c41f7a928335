import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devkit import durable

NO_HARD_LINKS = [errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS]


def failing(code: int) -> Callable[..., int]:
    def call(*args: object, **kwargs: object) -> int:
        raise OSError(code, os.strerror(code))

    return call


def failing_for_directories(code: int, sync: Callable[[int], None]) -> Callable[[int], None]:
    def call(file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(code, os.strerror(code))
        sync(file)

    return call


@contextmanager
def umask(mask: int) -> Iterator[None]:
    former = os.umask(mask)
    try:
        yield
    finally:
        os.umask(former)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-IS", "-c", ""])
    process.wait()
    return process.pid


def test_a_file_is_created_whole_with_nothing_beside_it(tmp_path: Path) -> None:
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

    def log_link(source: Path, target: Path) -> None:
        done.append("name")
        link(source, target)

    monkeypatch.setattr(os, "write", log_write)
    monkeypatch.setattr(os, "fsync", log_sync)
    monkeypatch.setattr(os, "link", log_link)

    durable.create(tmp_path / "a.json", b"content")

    assert done == ["write", "sync file", "name", "sync directory"]


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:3]))

    durable.create(tmp_path / "a.json", b"more than three")

    assert (tmp_path / "a.json").read_bytes() == b"more than three"


def after_one_short_write(code: int) -> Callable[[int, bytes], int]:
    write, fail, calls = os.write, failing(code), iter([True])
    return lambda file, data: write(file, data[:3]) if next(calls, False) else fail()


FAILURES = {
    "a full disk": ("write", lambda: failing(errno.ENOSPC)),
    "a disk that fills up": ("write", lambda: after_one_short_write(errno.ENOSPC)),
    "a file that is not synced": ("fsync", lambda: failing(errno.EIO)),
    "a name that is not given": ("link", lambda: failing(errno.EIO)),
    "a name for which there is no room": ("link", lambda: failing(errno.ENOSPC)),
    "a directory that is not synced": ("fsync", lambda: failing_for_directories(errno.EIO, os.fsync)),
}


@pytest.mark.parametrize(("call", "failure"), FAILURES.values(), ids=FAILURES)
def test_a_failed_creation_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, failure: Callable[[], Callable[..., int]]
) -> None:
    monkeypatch.setattr(os, call, failure())

    with pytest.raises(OSError, match=r"Errno"):
        durable.create(tmp_path / "a.json", b"content")

    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("call", "code"), [("write", errno.ENOSPC), ("fsync", errno.EIO), ("replace", errno.EIO)]
)
def test_a_failed_replacement_leaves_the_former_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    durable.create(tmp_path / "a.json", b"former")
    monkeypatch.setattr(os, call, failing(code))

    with pytest.raises(OSError, match=r"Errno"):
        durable.replace(tmp_path / "a.json", b"new")

    assert names(tmp_path) == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b"former"


def test_a_file_is_replaced_or_made(tmp_path: Path) -> None:
    durable.replace(tmp_path / "a.json", b"first")
    durable.replace(tmp_path / "a.json", b"second")

    assert (tmp_path / "a.json").read_bytes() == b"second"
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("code", NO_HARD_LINKS)
def test_a_file_system_without_hard_links_is_served_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(os, "link", failing(code))

    durable.create(tmp_path / "a.json", b"first")
    with pytest.raises(FileExistsError):
        durable.create(tmp_path / "a.json", b"second")

    assert names(tmp_path) == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b"first"


@pytest.mark.parametrize("has_links", [True, False])
def test_of_many_who_create_one_name_one_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    if not has_links:
        monkeypatch.setattr(os, "link", failing(errno.EPERM))
    winners: list[bytes] = []
    start = threading.Barrier(8)

    def create(content: bytes) -> None:
        start.wait(10)
        for number in range(20):
            try:
                durable.create(tmp_path / f"{number}.json", content)
            except FileExistsError:
                continue
            winners.append(b"%d %s" % (number, content))

    threads = [threading.Thread(target=create, args=(b"%d" % number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(winners) == sorted(
        b"%d %s" % (number, (tmp_path / f"{number}.json").read_bytes()) for number in range(20)
    )
    assert len(names(tmp_path)) == 20


def test_a_directory_that_cannot_be_synced_at_all_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", failing_for_directories(errno.EINVAL, os.fsync))

    durable.create(tmp_path / "a.json", b"content")

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
def test_a_file_in_the_way_of_a_directory_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(NotADirectoryError) as caught:
        durable.make_directory(tmp_path / name)

    assert caught.value.strerror


def test_a_try_leaves_nothing(tmp_path: Path) -> None:
    durable.try_writing(tmp_path)

    assert names(tmp_path) == []


def test_a_try_meets_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", failing(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left"):
        durable.try_writing(tmp_path)

    assert names(tmp_path) == []


def test_a_file_is_removed_once_and_a_second_time_is_no_failure(tmp_path: Path) -> None:
    durable.create(tmp_path / "a.json", b"content")

    durable.remove(tmp_path / "a.json")
    durable.remove(tmp_path / "a.json")

    assert names(tmp_path) == []


def test_what_a_dead_process_left_is_removed_and_what_a_live_one_writes_is_kept(tmp_path: Path) -> None:
    live = f".{os.getpid()}-0a1b2c3d.tmp"
    other = [".notes-1.tmp", "1234.tmp", "a.json"]
    for name in [live, *other, f".{dead_pid()}-0a1b2c3d.tmp", f".{'9' * 30}-0a1b2c3d.tmp"]:
        (tmp_path / name).write_bytes(b"half")

    assert durable.remove_leftovers(tmp_path) == 2
    assert names(tmp_path) == sorted([live, *other])


def test_a_leftover_that_cannot_be_removed_stays(tmp_path: Path) -> None:
    (tmp_path / f".{dead_pid()}-0a1b2c3d.tmp").mkdir()  # as unremovable for unlink as somebody else's file

    assert durable.remove_leftovers(tmp_path) == 0


def test_there_are_no_leftovers_in_a_directory_that_is_not_there(tmp_path: Path) -> None:
    assert durable.remove_leftovers(tmp_path / "missing") == 0


def test_a_process_is_alive_until_it_has_ended() -> None:
    assert durable.is_alive(os.getpid())
    assert not durable.is_alive(dead_pid())
    assert not durable.is_alive(10**30)


KILLED = """
import os, signal, sys
from pathlib import Path
from devkit import durable

def never(source, target):
    print(os.path.basename(source), flush=True)
    signal.pause()

os.link = never
durable.create(Path(sys.argv[1]) / "a.json", b"content")
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_process_killed_before_it_gave_the_name_leaves_nothing_that_counts(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        aside = process.stdout.readline().strip()
        assert durable.remove_leftovers(tmp_path) == 0

        process.send_signal(signal.SIGKILL)
        process.wait()

    assert names(tmp_path) == [aside]
    assert durable.remove_leftovers(tmp_path) == 1
    assert names(tmp_path) == []
