"""The first hours: every command of the README, typed in a shell that knows nothing, and each of them works.

Not typed is what needs a network: `make dev` finds its environment installed, and so do `pip install` and its kind.
"""

import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask, request

from devkit.http.server import listen, serve
from devkit.session.project import project_in
from tests.support.dev_process import TIMEOUT
from tests.support.distribution import ROOT, install
from tests.support.raw_socket import closed_port

needs_make = pytest.mark.skipif(
    os.name == "nt" or not all(map(shutil.which, ("git", "make", "sh"))) or not (ROOT / ".git").exists(),
    reason="needs a clone, git, make and sh",
)
pytestmark = [pytest.mark.program, needs_make]

_BLOCK = re.compile(r"^```(?:console)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OWN_PROJECT = "In your own project"


class Application:
    """Takes receipts as the usual tutorial does. statuses: those that arrived."""

    def __init__(self) -> None:
        self.statuses: list[str] = []
        self.address = ""

    @contextmanager
    def running(self) -> Iterator[None]:
        app = Flask("tutorial")

        @app.route("/webhooks/dlr", methods=["GET", "POST"])
        def delivery_receipt() -> tuple[str, int]:
            fields = request.get_json() if request.is_json else request.values.to_dict()
            self.statuses.append(fields["status"])
            return "", 204

        listener = listen("127.0.0.1", 0)
        with serve(app, listener):
            self.address = f"127.0.0.1:{listener.getsockname()[1]}"
            yield


@pytest.fixture
def application() -> Iterator[Application]:
    application = Application()
    with application.running():
        yield application


def section(page: str, title: str) -> str:
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def commands(text: str) -> list[str]:
    """The lines that a reader types: all of a block without a language, those with a prompt in a transcript."""
    found = []
    for block in _BLOCK.finditer(text):
        lines = block[1].splitlines()
        typed = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")] or lines
        found += [line for line in typed if line.strip()]
    return found


def environ(home: Path, path: str = "") -> dict[str, str]:
    return {"PATH": f"{path}{os.pathsep}{os.environ['PATH']}".strip(os.pathsep), "HOME": str(home)}


def type_all(lines: list[str], directory: Path, settings: dict[str, str]) -> str:
    """What a shell prints when it is given the lines one after another. Each must end with 0."""
    done = subprocess.run(
        ["sh", "-e"],
        input="\n".join([*lines, "echo all done"]),
        cwd=directory,
        env=settings,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


@contextmanager
def first_terminal(line: str, directory: Path, settings: dict[str, str], words: str) -> Iterator[None]:
    """A line that starts a session, which has printed the words. It ends with 0 when the session gets Ctrl-C."""
    process = subprocess.Popen(
        ["sh", "-c", line],
        cwd=directory,
        env=settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    watchdog = threading.Timer(TIMEOUT, os.killpg, (process.pid, signal.SIGKILL))
    watchdog.start()
    try:
        seen = ""
        while words not in seen:
            line = process.stdout.readline()
            assert line, seen
            seen += line
        yield
        session = project_in(directory).session()
        assert session is not None
        os.kill(session.pid, signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait() == 0, seen + rest
        assert "Traceback" not in seen + rest
    finally:
        watchdog.cancel()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()


def free_ports(directory: Path) -> None:
    """Settings that a user has whose usual ports are taken."""
    (directory / ".env").write_text(f"DEVKIT_PORT={closed_port()}\nDEVKIT_INSPECTOR_PORT=0\n")


def test_every_command_of_the_readme_works_in_a_fresh_clone(tmp_path: Path, application: Application) -> None:
    clone = tmp_path / "devkit"
    readme = (ROOT / "README.md").read_text()
    typed = commands(readme.replace(section(readme, _OWN_PROJECT), ""))
    to_clone, to_start, *others = [line.replace("127.0.0.1:5000", application.address) for line in typed]
    assert to_clone.startswith("git clone ... && cd devkit")
    assert to_start.startswith("make dev")
    # Receipts are printed on a pipe without waiting for it to be full.
    settings = {**environ(tmp_path), "PYTHONUNBUFFERED": "1"}

    type_all([to_clone.replace("...", f"-q {ROOT} devkit")], tmp_path, settings)
    install(clone / ".venv", str(clone))
    (clone / ".venv" / "run-stamp").touch()
    free_ports(clone)
    with first_terminal(to_start, clone, settings, " delivered "):
        printed = type_all([line for line in others if line != "make dev"], clone, settings)

    assert printed.endswith("all done\n")
    assert application.statuses == [
        *("accepted", "buffered", "delivered"),
        "failed",
        *("delivered", "accepted"),
    ]


def test_every_command_for_an_own_project_works_with_the_wheel(
    tmp_path: Path, installed: Path, application: Application
) -> None:
    readme = (ROOT / "README.md").read_text()
    typed = [
        line.replace("127.0.0.1:5000", application.address)
        for line in commands(section(readme, _OWN_PROJECT))
        if not line.startswith(("pip ", "pipx ", "uv "))
    ]
    to_start = next(line for line in typed if line.startswith("devkit dev"))
    before, after = typed[: typed.index(to_start)], typed[typed.index(to_start) + 1 :]
    settings = {**environ(tmp_path, str(installed)), "PYTHONUNBUFFERED": "1"}
    project = tmp_path / "shop"
    project.mkdir()
    (python,) = re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    (project / "test_receipts.py").write_text(python)

    free_ports(project)
    type_all(before, project, settings)
    with first_terminal(to_start, project, settings, " delivered "):
        printed = type_all(after, project, settings)
    tests = type_all(["python -m pytest -q -p no:cacheprovider"], project, settings)

    assert (before, after) != ([], [])
    assert "make dev " in printed
    assert sorted(application.statuses) == ["accepted", "buffered", "delivered", "delivered", "delivered"]
    assert " passed" in tests
