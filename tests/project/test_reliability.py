"""The experiments of `make reliability`, which `make check` does not run: pytest finds all that they ask for."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.program

ROOT = Path(__file__).parents[2]


def test_each_experiment_finds_its_fixtures() -> None:
    command = [sys.executable, "-m", "pytest", "reliability", "--setup-plan", "-q", "-p", "no:cacheprovider"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout[-2000:]
    assert "test_crash.py" in done.stdout
