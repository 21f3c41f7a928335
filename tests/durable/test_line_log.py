"""A log of lines is private, whatever the umask, and each of its two files is."""

import os
import stat
from pathlib import Path

import pytest

from devkit.durable.line_log import LineLog, LineReader

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")


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
