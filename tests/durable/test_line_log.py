"""A log of lines: who may read it, and what a reader gets after its files have changed."""

import os
import stat
from pathlib import Path

import pytest

from devkit.durable.line_log import LineLog, LineReader


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
def test_its_files_are_their_owners_alone_and_can_be_read(tmp_path: Path, mask: int) -> None:
    path = tmp_path / "log.jsonl"
    reader = LineReader(path, 1000)
    before = os.umask(mask)
    try:
        for line in (b"first", b"second", b"third"):
            LineLog(path, max_size=12).append(line)
    finally:
        os.umask(before)

    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("*.jsonl")} == {
        "log.jsonl": 0o600,
        "log.1.jsonl": 0o600,
    }
    assert reader.poll() == [b"first", b"second", b"third"]


def test_a_log_that_was_emptied_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log, reader = LineLog(path, max_size=1000), LineReader(path, 1000)
    log.append(b"a long line of a former log")
    assert reader.poll() == [b"a long line of a former log"]

    os.truncate(path, 0)  # as a new file with the inode of one that was deleted
    log.append(b"new")

    assert reader.poll() == [b"new"]
    assert reader.poll() == []


def test_a_new_reader_reads_the_older_file_alone_once(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log, reader = LineLog(path, max_size=1000), LineReader(path, 1000)
    log.append(b"first")
    path.rename(tmp_path / "log.1.jsonl")  # another process is about to make the new file

    assert reader.poll() == [b"first"]
    assert reader.poll() == []
    log.append(b"second")
    assert reader.poll() == [b"second"]


def test_no_line_is_lost_or_read_twice_while_the_newest_file_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log, reader = LineLog(path, max_size=1000), LineReader(path, 1000)
    log.append(b"first")
    assert reader.poll() == [b"first"]

    log.append(b"second")
    path.rename(tmp_path / "log.1.jsonl")  # the process was killed before it made the new file

    assert reader.poll() == [b"second"]
    assert reader.poll() == []
    log.append(b"third")
    assert reader.poll() == [b"third"]
