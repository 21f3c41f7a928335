"""Long work has a progress bar on a terminal, in place of a line for each thing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from devkit.cli.progress import with_bar
from devkit.fixture.format import Fixture
from devkit.fixture.store import Store
from devkit.webhook.callback import compose
from devkit.webhook.receipt_fields import make_fields
from tests.support.dev_process import TIMEOUT, clean_environ
from tests.support.fixture_example import MOMENT

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")

COUNT = 60


@pytest.fixture
def project(tmp_path: Path) -> Path:
    store = Store(tmp_path / "fixtures")
    store.prepare()
    for number in range(COUNT):
        fields = make_fields("delivered", "0", message_id=f"0A{number:014d}", pushed_at=MOMENT)
        fixture = Fixture(MOMENT + timedelta(seconds=number), compose(fields, "get"))
        store.record(fixture, fixture.read())
    return tmp_path


def on_terminal(project: Path, *arguments: str) -> str:
    """What a command shows on a terminal. It must end with 0."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "devkit", *arguments],
        cwd=project,
        env={**clean_environ(project), "TERM": "xterm", "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        shown = b"".join(_chunks(ours)).decode()
        assert process.wait(TIMEOUT) == 0, shown
    finally:
        process.kill()
        os.close(ours)
    return shown


def _chunks(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # Linux: the other side is closed
            return
        if not chunk:
            return
        yield chunk


@pytest.mark.parametrize(
    ("arguments", "last"),
    [
        (("check",), f"check: {COUNT} ok, 0 failed"),
        (("keep", "latest:60", "--name", "mine"), f"keep: {COUNT} samples written to fixtures/samples/mine;"),
        (("prune", "--keep", "0", "--yes"), f"prune: deleted {COUNT} recordings, "),
    ],
    ids=["check", "keep", "prune"],
)
def test_a_bar_counts_to_the_end_and_one_line_sums_up(
    project: Path, arguments: tuple[str, ...], last: str
) -> None:
    lines = on_terminal(project, *arguments).replace("\r", "\n").splitlines()

    assert any(f"{COUNT}/{COUNT}" in line for line in lines)
    assert last in list(filter(None, lines))[-1]


def test_there_is_no_bar_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(with_bar(range(COUNT), COUNT, "check")) == list(range(COUNT))

    assert capsys.readouterr().out == ""
