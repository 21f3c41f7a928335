"""The make targets that `devkit init` writes work in a project of their own, with real make."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from devkit.cli.init import scaffold

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="needs make")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the targets, in which `devkit` says what it was asked to do."""
    list(scaffold(tmp_path, "fixtures/recorded/"))
    stub = tmp_path / "bin" / "devkit"
    stub.parent.mkdir()
    stub.write_text('#!/bin/sh\nprintf "<%s>" devkit "$@"\n')
    stub.chmod(0o755)
    return tmp_path


def make(project: Path, *words: str) -> str:
    path = os.pathsep.join([str(project / "bin"), os.environ["PATH"]])
    return subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=project,
        env={"PATH": path},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["dev"], "<devkit><dev>"),
        (["dev", "OFFLINE=1", "ARGS=--json"], "<devkit><dev><--offline><--json>"),
        (
            ["dev", "FORWARD_TO=http://127.0.0.1:5000/a?b=c&d"],
            "<devkit><dev><--forward-to><http://127.0.0.1:5000/a?b=c&d>",
        ),
        (["replay"], "<devkit><replay><latest>"),
        (
            ["replay", "FIXTURE=latest:3", "TO=127.0.0.1:5000"],
            "<devkit><replay><latest:3><--to><127.0.0.1:5000>",
        ),
        (["trigger"], "<devkit><trigger><delivered>"),
        (["trigger", "STATUS=failed"], "<devkit><trigger><failed>"),
        (["send", "ARGS=--to 447700900000"], "<devkit><send><--to><447700900000>"),
        (["doctor"], "<devkit><doctor>"),
        (["doctor", "DEVKIT=devkit --version"], "<devkit><--version><doctor>"),
    ],
)
def test_targets_run_the_users_own_devkit(project: Path, words: list[str], command: str) -> None:
    assert make(project, *words) == command


def test_targets_stand_beside_those_of_the_makefile(project: Path) -> None:
    (project / "Makefile").write_text("all dev:\n\t@echo mine\n\nDEVKIT_PREFIX := dlr-\ninclude devkit.mk\n")

    assert [placed.outcome for placed in scaffold(project, "")] == ["already there"] * 4
    assert (make(project), make(project, "dev")) == ("mine\n", "mine\n")
    assert make(project, "dlr-dev") == "<devkit><dev>"
    assert "make dlr-replay Send recorded receipts" in make(project, "devkit")


def test_make_alone_tells_the_targets(project: Path) -> None:
    reported = [line.split()[:2] for line in make(project).splitlines()]

    assert reported == [["make", name] for name in ("dev", "replay", "trigger", "send", "doctor")]
