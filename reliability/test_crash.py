"""A 200 means that the receipt is on disk: `devkit dev` is killed under load many times."""

import random
import shutil
import time
from pathlib import Path

import pytest

from devkit.fixture.store import Store
from reliability.conftest import Figures, Often
from reliability.load import Senders, message_in, sending
from tests.support.dev_process import running_dev

# Some file systems have no unnamed files. There, recordings are written to a temporary name first.
NO_UNNAMED_FILES = "import os\nif hasattr(os, 'O_TMPFILE'):\n    del os.O_TMPFILE\n"


def start_up(tools: Path, *, unnamed: bool) -> dict[str, str]:
    shutil.rmtree(tools, ignore_errors=True)
    tools.mkdir()
    if unnamed:
        return {}
    (tools / "sitecustomize.py").write_text(NO_UNNAMED_FILES)
    return {"PYTHONPATH": f"{Path(__file__).parent.parent}:{tools}"}


@pytest.mark.parametrize("unnamed", [True, False], ids=["unnamed", "named"])
def test_killed_under_load_every_acknowledged_receipt_is_a_whole_file(
    tmp_path: Path, often: Often, figures: Figures, unnamed: bool
) -> None:
    rounds, moments = often(50, 3), random.Random(20261123)
    project, store = tmp_path / "project", Store(tmp_path / "project" / "fixtures")
    project.mkdir()
    environ = start_up(tmp_path / "tools", unnamed=unnamed)
    acknowledged: set[str] = set()
    found: dict[Path, str] = {}
    incomplete = 0

    for number in range(rounds):
        with running_dev(project, "--offline", "--no-register", "--no-demo", **environ) as dev:
            url = dev.wait_for("ready")["local_url"]
            assert half_written(project) == []  # the start deletes the files of the kill before
            senders = Senders(url, prefix=f"{number:02X}")
            with sending(senders):
                time.sleep(moments.uniform(0.02, 0.5))  # a random moment, not a wait for a condition
                dev.process.kill()
                dev.process.wait()
        acknowledged |= senders.acknowledged
        incomplete += len(half_written(project))
        new = {entry.path for entry in store.entries()} - found.keys()
        found |= {path: message_in(path) for path in new}
        assert acknowledged <= set(found.values())
        assert len(found) == len(list(store.recorded.rglob("*.json")))

    assert acknowledged
    files = "unnamed temporary files" if unnamed else "named temporary files"
    figures.note(
        f"crash, {files}: {rounds} kills, {len(acknowledged)} receipts acknowledged, {len(found)} whole files,"
        f" {incomplete} incomplete ones left and deleted, 0 lost"
    )


def half_written(project: Path) -> list[Path]:
    return list(project.rglob(".*.tmp"))
