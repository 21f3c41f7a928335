"""The pages for contributors are true, and the tools of the checks are pinned."""

import re
import tomllib
from pathlib import Path

import pytest

from devkit.cli import COMMANDS
from tests.support.transcript import headings

ROOT = Path(__file__).parents[2]
WORKFLOW = (ROOT / ".github" / "workflows" / "check.yml").read_text(encoding="utf-8")
ACTION = (ROOT / "action.yml").read_text(encoding="utf-8")
PRE_COMMIT = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "CONTRIBUTING.md", *sorted((ROOT / "examples").glob("*/README.md"))]


def test_actions_are_pinned_to_commits_and_name_their_version() -> None:
    used = set(re.findall(r"uses: (.*)", WORKFLOW + ACTION)) - {"./"}

    assert len(used) == 3
    assert [
        action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v[\d.]+", action)
    ] == []


def test_workflow_may_do_nothing_but_read() -> None:
    assert "\npermissions: {}\n" in WORKFLOW
    assert set(re.findall(r"permissions:\n\s+(.*)", WORKFLOW)) == {"contents: read"}


def test_oldest_python_is_tried() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=")

    assert re.findall(r'python: \["([\d.]+)"', WORKFLOW) == [oldest, oldest]


def test_ruff_is_the_same_before_a_commit_and_in_the_check() -> None:
    pinned = re.search(r"^ruff==(.*)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)

    assert pinned
    assert f"ruff-pre-commit\n    rev: v{pinned[1]} " in PRE_COMMIT


def test_named_targets_are_in_the_makefile() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", CONTRIBUTING, re.MULTILINE))

    assert {"check", "test"} <= named <= set(targets)


def test_named_commands_are_there() -> None:
    named = set(re.findall(r"`devkit ([a-z]+)", CONTRIBUTING))

    assert named
    assert named <= set(COMMANDS)


def test_named_files_are_there() -> None:
    named = re.findall(r"`((?:\w+/)+\w+\.\w+|\w+\.(?:toml|txt))`", CONTRIBUTING)

    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.parent.name)
def test_links_lead_to_files_and_headings(document: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]*)(?:#([^)]*))?\)", document.read_text(encoding="utf-8"))
    places = [((document.parent / path).resolve(), heading) for path, heading in links]

    assert links
    assert [str(place) for place, _ in places if not place.exists()] == []
    assert [heading for place, heading in places if heading and heading not in headings(place)] == []
