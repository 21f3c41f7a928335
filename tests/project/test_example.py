"""The example application: its tests pass, and its page shows what really happens."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.support.command import ROOT
from tests.support.command import run as run_devkit
from tests.support.dev_process import TIMEOUT, clean_environ
from tests.support.plugin import run_pytest
from tests.support.transcript import run_command, run_session, settled, transcripts

pytestmark = pytest.mark.program

EXAMPLE = ROOT / "examples" / "delivery_status"

SAMPLES = [str(path) for path in sorted((ROOT / "fixtures" / "samples").rglob("*.json"))]

README = (EXAMPLE / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def application(tmp_path: Path) -> Iterator[str]:
    """The host and port of the application, which is started as the page says but on a free port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "run", "--port", "0"],
        cwd=EXAMPLE,
        env=clean_environ(tmp_path, DATABASE=str(tmp_path / "messages.sqlite"), PYTHONDONTWRITEBYTECODE="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    watchdog = threading.Timer(TIMEOUT, process.kill)
    watchdog.start()
    try:
        yield _port_told(process.stderr)
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def _port_told(lines: IO[str]) -> str:
    for line in lines:
        if found := re.search(r"Running on http://(\S+)", line):
            return found[1]
    raise AssertionError("the application has not started")


def run(command: str, project: Path, application: str) -> str:
    """The output of a command of the page."""
    if command.startswith("flask"):
        return f" * Running on http://{application}"
    if command.startswith("make"):
        url = command.partition("FORWARD_TO=")[2].replace("127.0.0.1:5000", application)
        return run_session(project, lambda text: text.count("-> ") == 3, "--forward-to", url)[0]
    return run_command(command, project, application)


def arranged(text: str) -> list[str]:
    """Settled lines, the application's responses last: under load one may come too late for the receipt's line."""
    lines = settled(text)
    responses = [found for line in lines for found in re.findall(r"-> \d+ N ms", line)]
    others = [" ".join(re.sub(r"-> \d+ N ms", "", line).split()) for line in lines]
    return [line for line in others if line != "TIME ID"] + responses


def test_page_shows_what_happens(tmp_path: Path, application: str) -> None:
    for command, shown in transcripts(README):
        output = run(command, tmp_path, application)

        assert arranged(output) == arranged(shown), command


def test_every_sample_is_accepted(tmp_path: Path, application: str) -> None:
    url = f"http://{application}/webhooks/dlr"

    done = run_devkit(tmp_path, "replay", *SAMPLES, "--to", url, "--expect", "2xx", "--json", "--jobs", "4")

    assert done.code == 0, done.out
    summary = json.loads(done.out[-1])
    assert (summary["ok"], summary["failed"]) == (len(SAMPLES), 0)


def test_page_shows_each_step() -> None:
    programs = [command.split()[0] for command, _ in transcripts(README)]

    assert programs == ["flask", "make", "curl", "devkit", "curl", "devkit", "curl"]


def test_page_names_every_file() -> None:
    assert {path.name for path in EXAMPLE.glob("*.py")} == set(
        re.findall(r"^\| \[`(\w+\.py)`\]", README, re.MULTILINE)
    )


def test_tests_of_the_example_pass() -> None:
    done = run_pytest(EXAMPLE, "-q")

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d{3} passed", done.stdout, re.MULTILINE)


def test_application_does_not_need_devkit() -> None:
    sources = [path for path in EXAMPLE.glob("*.py") if not path.name.startswith("test_")]

    assert sources
    assert not [path.name for path in sources if "devkit" in path.read_text(encoding="utf-8")]
