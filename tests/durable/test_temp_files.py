"""The temporary files of killed processes, and when they are deleted."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devkit.durable import files as durable
from devkit.durable.lock import is_alive
from tests.support.disk import dead_pid, names


def test_what_a_dead_process_left_is_removed_and_what_a_live_one_writes_is_kept(tmp_path: Path) -> None:
    live = f".{os.getpid()}-0a1b2c3d.tmp"
    other = [".notes-1.tmp", "1234.tmp", "a.json"]
    for name in [live, *other, f".{dead_pid()}-0a1b2c3d.tmp", f".{'9' * 30}-0a1b2c3d.tmp"]:
        (tmp_path / name).write_bytes(b"half")

    assert durable.remove_temp_files(tmp_path) == 2
    assert names(tmp_path) == sorted([live, *other])


def test_a_leftover_that_cannot_be_removed_stays(tmp_path: Path) -> None:
    (tmp_path / f".{dead_pid()}-0a1b2c3d.tmp").mkdir()  # unlink cannot remove it, as with another user's file

    assert durable.remove_temp_files(tmp_path) == 0


def test_there_are_no_leftovers_in_a_directory_that_is_not_there(tmp_path: Path) -> None:
    assert durable.remove_temp_files(tmp_path / "missing") == 0


def test_a_process_is_alive_until_it_has_ended() -> None:
    assert is_alive(os.getpid())
    assert not is_alive(dead_pid())
    assert not is_alive(10**30)


KILLED = """
import os, signal, sys
from pathlib import Path
from devkit.durable import files as durable
from devkit.durable.lock import is_alive

def never(source, target, **place):
    print(os.path.basename(source), flush=True)
    signal.pause()

os.link = never
if sys.argv[2] == "named":
    vars(os).pop("O_TMPFILE", None)
durable.create(Path(sys.argv[1]) / "a.json", b"content")
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_process_killed_before_it_gave_the_name_leaves_nothing_that_counts(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path), "named"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        temporary = process.stdout.readline().strip()
        assert durable.remove_temp_files(tmp_path) == 0

        process.send_signal(signal.SIGKILL)
        process.wait()

    assert names(tmp_path) == [temporary]
    assert durable.remove_temp_files(tmp_path) == 1
    assert names(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="files have names from the start here")
def test_a_file_that_has_no_name_yet_leaves_nothing_at_all(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path), "unnamed"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip().isdecimal()  # of /proc/self/fd

        process.kill()
        process.wait()

    assert names(tmp_path) == []
