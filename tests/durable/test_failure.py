"""Disks that fill up, fail or lack a feature: no incomplete file stays."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from devkit.durable import files as durable
from tests.support.disk import failing, failing_for_directories, names


@pytest.fixture(autouse=True, params=["unnamed", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test runs with both ways to create a file; only Linux has the first."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)


NO_HARD_LINKS = [errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS]


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
def test_of_many_threads_that_create_one_name_one_wins(
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


def test_a_try_meets_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", failing(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left"):
        durable.try_writing(tmp_path)

    assert names(tmp_path) == []
