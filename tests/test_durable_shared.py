"""One sync of a directory for all who wait for one."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from devkit import durable
from tests.wire import DEADLINE, wait_until


class Disk:
    """In the place of `sync_directory`: counts, and holds the first sync until it is let go on."""

    def __init__(self, first: Callable[[], None] = lambda: None) -> None:
        self.begun = self.done = 0
        self.go_on = threading.Event()
        self._first = first

    def sync(self, path: Path) -> None:
        self.begun += 1
        if self.begun == 1:
            assert self.go_on.wait(DEADLINE)
            self._first()
        self.done += 1


def ask(
    shared: durable.SharedSync, path: Path, count: int, ended: Callable[[], object]
) -> list[threading.Thread]:
    def work() -> None:
        try:
            shared(path)
        except OSError:
            return
        ended()

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def waiting(shared: durable.SharedSync) -> int:
    return len(shared._changed._waiters)  # type: ignore[attr-defined]  # nothing public tells


def join(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(DEADLINE)
        assert not thread.is_alive()


def test_one_sync_serves_all_who_asked_before_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, shared, counts = Disk(), durable.SharedSync(), []
    monkeypatch.setattr(durable, "sync_directory", disk.sync)

    first = ask(shared, tmp_path, 1, lambda: counts.append(disk.done))
    wait_until(lambda: disk.begun == 1)
    others = ask(shared, tmp_path, 5, lambda: counts.append(disk.done))
    wait_until(lambda: waiting(shared) == 5)
    assert counts == []
    disk.go_on.set()
    join(first + others)

    assert disk.begun == 2
    assert counts.count(2) >= 5  # a sync that had begun before they asked was not enough


def test_a_sync_that_fails_fails_for_one_and_another_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    disk, shared, ended = Disk(fail), durable.SharedSync(), []
    monkeypatch.setattr(durable, "sync_directory", disk.sync)

    first = ask(shared, tmp_path, 1, lambda: ended.append("first"))
    wait_until(lambda: disk.begun == 1)
    others = ask(shared, tmp_path, 3, lambda: ended.append("other"))
    wait_until(lambda: waiting(shared) == 3)
    disk.go_on.set()
    join(first + others)

    assert ended == ["other"] * 3
    assert (disk.begun, disk.done) == (2, 1)


def test_each_call_has_a_sync_of_its_own_when_nobody_else_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, shared = Disk(), durable.SharedSync()
    disk.go_on.set()
    monkeypatch.setattr(durable, "sync_directory", disk.sync)

    for _ in range(3):
        shared(tmp_path)

    assert disk.done == 3
