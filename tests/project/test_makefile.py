"""The Makefile: what it passes on, and the first installation. Its Python is one that installs nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.dev_process import TIMEOUT

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not shutil.which("make") or os.name == "nt", reason="needs make and sh")

# What takes the place of Python, and of the Python and the devkit that it installs.
PYTHON = """#!{python}
import os, pathlib, shutil, signal, sys, time
here, words = pathlib.Path(sys.argv[0]), sys.argv[1:]
if here.name == "devkit":
    print("devkit", *words)
if words[:1] == ["-m"] and os.environ.get("CTRL_C_IN") in words:
    os.killpg(0, signal.SIGINT)
    time.sleep(60)
if words[:1] == ["-m"] and os.environ.get("FAILS_IN") in words:
    sys.exit("no space left")
if words[:2] == ["-m", "venv"]:
    programs = pathlib.Path(words[2]) / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "devkit"):
        shutil.copy(here, programs / name)
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / "python"
    python.write_text(PYTHON.format(python=sys.executable))
    python.chmod(0o755)
    return tmp_path


def make(checkout: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", f"PYTHON={checkout}/python", *words],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        start_new_session=True,
        check=False,
    )


def test_the_first_make_says_how_to_get_devkit_and_the_next_does_not(checkout: Path) -> None:
    first, second = make(checkout, "dev"), make(checkout, "dev")

    assert first.stdout.splitlines() == [
        "Installing devkit into .venv ...",
        "Installed. To type devkit in another terminal, first type there: . .venv/bin/activate",
        "devkit dev",
    ]
    assert second.stdout == "devkit dev\n"
    assert (first.stderr, second.stderr) == ("", "")


@pytest.mark.parametrize("step", ["venv", "pip"])
def test_ctrl_c_in_the_first_installation_leaves_no_traceback(checkout: Path, step: str) -> None:
    stopped = make(checkout, "dev", CTRL_C_IN=step)

    assert stopped.returncode != 0
    assert "Stopped. The next make goes on with it." in stopped.stderr
    assert "Traceback" not in stopped.stderr
    shutil.rmtree(checkout / ".venv", ignore_errors=True)
    assert make(checkout, "dev").returncode == 0


def test_an_installation_that_fails_says_why(checkout: Path) -> None:
    failed = make(checkout, "dev", FAILS_IN="pip")

    assert failed.returncode == 2
    assert failed.stderr.startswith("no space left\n")


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["dev", "OFFLINE=1", "FORWARD_TO=localhost:5000"], "dev --offline --forward-to localhost:5000"),
        (["replay"], "replay latest"),
        (["replay", "FIXTURE=latest:3", "TO=localhost:5000"], "replay latest:3 --to localhost:5000"),
        (["trigger"], "trigger delivered"),
        (
            ["trigger", "STATUS=failed", "TO=localhost:5000", "ARGS=--json"],
            "trigger failed --to localhost:5000 --json",
        ),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_targets_pass_on_what_they_take(checkout: Path, words: list[str], command: str) -> None:
    assert make(checkout, *words).stdout.splitlines()[-1] == f"devkit {command}"
