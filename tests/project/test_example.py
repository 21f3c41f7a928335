"""The example application: its tests pass, and its page shows what really happens."""

import os
import re
import shlex
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.support.dev_process import DEV, PATIENCE, clean_environ, printed
from tests.support.plugin import run_pytest
from tests.support.transcript import settled

EXAMPLE = Path(__file__).parents[2] / "examples" / "delivery_status"
_BLOCK = re.compile(r"^```console\n\$ (.*)\n((?:.*\n)*?)```$", re.MULTILINE)
_IN_README = "127.0.0.1:5000"

README = (EXAMPLE / "README.md").read_text(encoding="utf-8")


def transcripts() -> list[tuple[str, str]]:
    """The page's commands in its order, and what it shows of their output."""
    return [(match[1], match[2]) for match in _BLOCK.finditer(README)]


@pytest.fixture
def application(tmp_path: Path) -> Iterator[str]:
    """The application, started as the page says but on a free port; gives its host and port."""
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
    watchdog = threading.Timer(PATIENCE, process.kill)
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


def run_command(command: str, project: Path, application: str) -> str:
    """What a command of the page prints; its ports are free ones."""
    words = shlex.split(command.replace(_IN_README, application))
    if words[0] == "flask":
        return f" * Running on http://{application}"
    if words[0] == "curl":
        with urllib.request.urlopen(words[-1], timeout=PATIENCE) as answer:
            return str(answer.read().decode())
    if words[0] == "make":
        return run_dev(project, words[2].removeprefix("FORWARD_TO="))
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=project,
        env=clean_environ(project),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.stdout + done.stderr


def run_dev(project: Path, forward_to: str) -> str:
    """What a session prints until the application has answered three times; then it is stopped."""
    text, _ = printed([*DEV, "--forward-to", forward_to], project, lambda text: text.count("-> ") == 3)
    return text.replace(f"{project}{os.sep}", "")


def arranged(text: str) -> list[str]:
    """Settled lines, the application's answers last: under load one may be printed after the next receipt."""
    return sorted(settled(text), key=lambda line: "-> " in line)


def test_page_shows_what_happens(tmp_path: Path, application: str) -> None:
    for command, shown in transcripts():
        output = run_command(command, tmp_path, application)

        assert arranged(output) == arranged(shown), command


def test_page_shows_each_step() -> None:
    programs = [command.split()[0] for command, _ in transcripts()]

    assert programs == ["flask", "make", "curl", "devkit", "curl", "devkit", "curl"]


def test_page_names_every_file() -> None:
    assert {path.name for path in EXAMPLE.glob("*.py")} == set(
        re.findall(r"^\| \[`(\w+\.py)`\]", README, re.MULTILINE)
    )


def test_tests_of_the_example_pass() -> None:
    run = run_pytest(EXAMPLE, "-q")

    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"^\d{3} passed", run.stdout, re.MULTILINE)


def test_application_does_not_need_devkit() -> None:
    sources = [path for path in EXAMPLE.glob("*.py") if not path.name.startswith("test_")]

    assert sources
    assert not [path.name for path in sources if "devkit" in path.read_text(encoding="utf-8")]
