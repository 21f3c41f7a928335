"""`devkit open`, with a browser that the environment names."""

from dataclasses import replace
from pathlib import Path

from devkit.session.project import Project
from tests.support.command import call
from tests.support.session_example import SESSION

URL = "http://127.0.0.1:3040"


def browser(directory: Path, then: str = "") -> str:
    """The value of BROWSER for a program that notes the URL."""
    program = directory / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" >> {directory}/opened\n{then}\n')
    program.chmod(0o755)
    return f"{program} %s"


def test_the_page_of_the_session_is_opened_also_from_below(project: Project, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    with project.session_file(replace(SESSION, inspector_url=URL)):
        done = call(tmp_path / "src", "open", BROWSER=browser(tmp_path))

    assert (done.code, done.out, done.err) == (0, [f"Opened {URL}"], "")
    assert (tmp_path / "opened").read_text() == f"{URL}\n"


def test_a_browser_that_fails_is_said_with_the_url(project: Project, tmp_path: Path) -> None:
    with project.session_file(replace(SESSION, inspector_url=URL)):
        done = call(tmp_path, "open", BROWSER=browser(tmp_path, then="exit 1"), PATH="/nonexistent")

    assert (done.code, done.out) == (3, [])
    assert done.err == f"Error: No browser could be opened.\nHint: Open the page yourself: {URL}\n"


def test_without_a_session_the_way_to_one_is_named(project: Project, tmp_path: Path) -> None:
    done = call(tmp_path, "open")

    assert (done.code, done.out) == (3, [])
    assert done.err.splitlines()[1] == "Hint: Start one, with its page: devkit dev --open"
