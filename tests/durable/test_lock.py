import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devkit.durable.lock import LockHeld, in_turn, locked

ME = f"process {os.getpid()}, since 2026-11-23T12:00:00+00:00"
OTHER = "process 1, since 2026-11-23T13:00:00+00:00"

OWNER = """
import sys
from pathlib import Path
from devkit.durable.lock import locked
with locked(Path(sys.argv[1]), "process 4711, since long ago"):
    print("held", flush=True)
    sys.stdin.read()
"""

IN_TURN = """
import sys
from pathlib import Path
from devkit.durable.lock import in_turn
print("asks", flush=True)
with in_turn(Path(sys.argv[1])):
    print((Path(sys.argv[1]) / "file").read_text(), flush=True)
"""


@contextmanager
def held_elsewhere(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """The lock in another process."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.lock"


def test_the_file_exists_while_the_lock_is_held_and_not_after(path: Path) -> None:
    with locked(path, ME):
        assert path.stat().st_mode & 0o777 == 0o600

    assert list(path.parent.iterdir()) == []


def test_the_error_of_the_second_names_the_owner(path: Path) -> None:
    with held_elsewhere(path), pytest.raises(LockHeld) as caught, locked(path, ME):
        pytest.fail("must not begin")

    assert caught.value.owner == "process 4711, since long ago"


def test_a_killed_owner_does_not_block(path: Path) -> None:
    with held_elsewhere(path) as process:
        process.kill()
        process.wait()

    assert path.exists()
    with locked(path, ME):
        assert str(os.getpid()) in path.read_text()
    assert not path.exists()


@pytest.mark.parametrize(
    ("content", "owner"),
    [(b"", ""), (b"\xff", ""), (b"x" * 201, ""), (b"process 1\n\x1b[2J", "process 1 [2J")],
)
def test_the_lock_is_held_whatever_its_file_contains(path: Path, content: bytes, owner: str) -> None:
    with locked(path, ME):
        path.write_bytes(content)
        with pytest.raises(LockHeld) as caught, locked(path, OTHER):
            pytest.fail("must not begin")

    assert caught.value.owner == owner


def test_force_takes_it_and_the_former_owner_does_not_remove_it(path: Path) -> None:
    first, second = locked(path, ME), locked(path, OTHER, force=True)
    first.__enter__()
    second.__enter__()

    first.__exit__(None, None, None)
    with pytest.raises(LockHeld) as caught, locked(path, ME):
        pytest.fail("must not begin")
    second.__exit__(None, None, None)

    assert caught.value.owner == OTHER
    assert list(path.parent.iterdir()) == []


def test_force_works_for_a_free_lock_too(path: Path) -> None:
    with locked(path, ME, force=True), pytest.raises(LockHeld), locked(path, OTHER):
        pytest.fail("must not begin")

    assert list(path.parent.iterdir()) == []


def test_a_file_that_was_removed_while_it_was_being_locked_is_not_the_lock(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between opening and locking, the owner ends and removes the file."""
    real_open = os.open
    opened: list[Path] = []

    def open_late(name: Path, *rest: int) -> int:
        file = real_open(name, *rest)
        if not opened:
            path.unlink()
        opened.append(name)
        return file

    monkeypatch.setattr(os, "open", open_late)
    with locked(path, ME):
        assert path.exists()

    assert len(opened) == 2


def test_a_program_that_it_starts_does_not_inherit_it(path: Path) -> None:
    with locked(path, ME):
        sleeper = subprocess.Popen([sys.executable, "-IS", "-c", "input()"], stdin=subprocess.PIPE)
    with sleeper, locked(path, OTHER):
        sleeper.kill()


@pytest.mark.skipif(os.name == "nt", reason="a directory cannot be locked on Windows")
def test_another_process_waits_for_its_turn(tmp_path: Path) -> None:
    with in_turn(tmp_path):
        process = subprocess.Popen(
            [sys.executable, "-c", IN_TURN, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout
        assert process.stdout.readline() == "asks\n"
        (tmp_path / "file").write_text("whole")

    with process:
        assert process.stdout.readline() == "whole\n"
    with in_turn(tmp_path / "missing"):  # which is for the block to find out
        pass
