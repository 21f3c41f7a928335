"""A failing or full disk: a 200 only for what is on disk, and recording continues when there is space again."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.durable import files as durable
from devkit.fixture.store import Store
from reliability.conftest import Figures, Often
from reliability.disk import Disk, fill, small_file_system
from reliability.load import Senders, message_in, send_all
from reliability.running import receiver_in
from tests.support.dev_process import running_dev


@pytest.mark.parametrize("unnamed", [True, False], ids=["unnamed", "named"])
def test_a_disk_that_fails_by_chance_never_costs_an_acknowledged_receipt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, often: Often, figures: Figures, unnamed: bool
) -> None:
    disk = Disk(seed=7, one_in=12, unnamed=unnamed)
    with receiver_in(tmp_path / "fixtures") as running:
        with monkeypatch.context() as patch:
            patch.setattr(durable, "os", disk)
            senders = send_all(Senders(running.url, prefix="F", each=often(150, 40)))
        after = send_all(Senders(running.url, prefix="A", each=5))
    stored = {message_in(entry.path) for entry in running.store.entries()}

    assert set(senders.answers) == {200, 503}
    assert senders.answers.total() == 16 * (senders.each or 0)
    # No additional files: a sender repeats a receipt after a 503, and it must not be recorded twice.
    assert stored == senders.acknowledged | after.acknowledged
    assert after.answers == {200: 80}
    assert len(running.named("not_recorded")) == senders.answers[503]
    assert list(running.store.recorded.rglob(".*.tmp")) == []
    assert not unnamed or disk.failures["link"]
    figures.note(
        f"disk, {'unnamed temporary files' if unnamed else 'named temporary files'}: "
        + ", ".join(f"{count} x {name}" for name, count in disk.failures.items() if count)
        + f"; {senders.answers[200]} x 200, {senders.answers[503]} x 503, {len(stored)} files, 0 lost"
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with small_file_system(tmp_path / "small", 1) as place:
        yield place


def test_a_disk_that_is_really_full_is_503_until_there_is_room(small_disk: Path, figures: Figures) -> None:
    project, ballast = small_disk, small_disk / "ballast"
    store = Store(project / "fixtures")
    with running_dev(project, "--offline", "--no-register", "--no-demo") as dev:
        url = dev.wait_for("ready")["local_url"]
        fill(ballast)
        full = send_all(Senders(url, prefix="F", each=20))
        reported = dev.wait_for("not_recorded")
        ballast.unlink()
        again = send_all(Senders(url, prefix="A", each=2))
        assert dev.stop() == 0
    stored = {message_in(entry.path) for entry in store.entries()}

    assert full.answers[503] > 0
    assert stored == full.acknowledged | again.acknowledged
    assert again.answers == {200: 32}
    assert "No space left" in reported["error"]
    assert list(project.rglob(".*.tmp")) == []
    figures.note(f"full disk: {full.answers[503]} x 503, then room: {again.answers[200]} x 200, 0 lost")


def test_the_answer_leaves_after_the_file_and_its_name_are_synced(tmp_path: Path, figures: Figures) -> None:
    """The order of system calls: fsync of the file, its name, fsync of the directory (by any thread), then the 200."""
    trace = tmp_path / "trace"
    watched = "trace=fsync,fdatasync,link,linkat,rename,renameat,renameat2,sendto,sendmsg"
    strace = ["strace", "-f", "-y", "-qq", "-e", watched, "-s", "40", "-o", str(trace)]
    try:
        usable = subprocess.run([*strace, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        usable = False
    if not usable:
        pytest.skip("strace is missing, or not allowed to trace a process")
    root, fixtures = Path(__file__).parent.parent, tmp_path / "fixtures"
    subprocess.run([*strace, sys.executable, "-c", TRACED, str(root), str(fixtures)], check=True, timeout=120)

    answers = check_order(trace.read_text(errors="replace").splitlines())

    assert answers == 80
    figures.note(
        f"order: {answers} of {answers} answers left after fsync, link, and a later fsync of the directory"
    )


TRACED = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from reliability.load import Senders, send_all
from reliability.running import receiver_in
with receiver_in(Path(sys.argv[2])) as running:
    senders = send_all(Senders(running.url, prefix="S", connections=8, each=10))
    assert senders.answers == {200: 80}, senders.answers
"""

FILE = re.compile(r"/(#\d+|\.\d+-[0-9a-f]+\.tmp)")  # the name before the final one
DAY = re.compile(r"/recorded/\d{4}-\d\d-\d\d>")


def check_order(lines: list[str]) -> int:
    """The number of responses; fails when more were sent than files are on disk with their names.

    Files are counted, because receipts that arrive together are synced by several threads and answered together.
    """
    begun: dict[str, tuple[int, str]] = {}
    synced: set[str] = set()
    named: list[int] = []  # line numbers, which are used as times
    answers = safe = 0
    for now, line in enumerate(lines):
        thread, _, call = line.partition(" ")
        call = call.strip()
        if not call.startswith("<..."):
            begun[thread] = now, call
        if "HTTP/1.1 200" in call:
            answers += 1
            assert answers <= safe, (now, line)
        elif call.endswith("= 0"):
            start, whole = begun[thread]
            file = FILE.search(whole)
            if DAY.search(whole) and whole.startswith("fsync"):
                safe = max(safe, sum(moment < start for moment in named))
            elif file and whole.startswith("fsync"):
                synced.add(file[1])
            elif file:
                assert file[1] in synced, (now, line)
                named.append(now)
    return answers


def test_an_answer_that_left_too_early_would_be_found() -> None:
    def sync(file: int) -> str:
        return f"fsync(5</x/recorded/2026-11-23/#{file} (deleted)>)"

    def link(file: int) -> str:
        return f"1 linkat(5</x/recorded/2026-11-23/#{file} (deleted)>, 2) = 0"

    directory, answer = "fsync(6</x/recorded/2026-11-23>)", '1 sendto(9, "HTTP/1.1 200 OK")'
    one = [f"1 {sync(7)} = 0", link(7), f"2 {directory} = 0", answer]
    assert check_order(one) == 1
    two = [
        f"2 {sync(7)} <unfinished ...>",
        f"3 {sync(8)} = 0",
        "2 <... fsync resumed>) = 0",
        link(7),
        link(8),
    ]
    assert check_order([*two, f"1 {directory} = 0", answer, answer]) == 2
    early = [one[0], f"2 {directory} <unfinished ...>", one[1], "2 <... fsync resumed>) = 0", answer]

    for lines in (
        early,
        one[1:],
        [*one[:2], answer],
        [one[0], *one[2:]],
        [*one, answer],
        [*one[:2], answer, one[2]],
        [two[1], *two[3:], f"1 {directory} = 0", answer],
        [*two[:4], f"1 {directory} = 0", link(8), answer, answer],
    ):
        with pytest.raises(AssertionError):
            check_order(lines)


def test_the_steps_come_in_this_order_where_there_is_no_strace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    for name in ("fsync", "link"):
        real = getattr(os, name)

        def call(*args: object, real: object = real, name: str = name, **options: object) -> None:
            real(*args, **options)  # type: ignore[operator]
            steps.append(name)

        monkeypatch.setattr(os, name, call)

    durable.create(tmp_path / "a.json", b"content")

    assert steps == ["fsync", "link", "fsync"]
