"""The line that `devkit init` writes into .gitignore for recordings, as real git reads it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from devkit.cli.init import ignore_line, scaffold
from tests.support.command import call


@pytest.mark.skipif(os.name == "nt" or not shutil.which("git"), reason="needs git and odd names")
@pytest.mark.parametrize(
    "name",
    [
        "#dlr",
        "!dlr",
        "!!dlr",
        " dlr",
        "dlr ",
        "dlr\t",
        "a*b",
        "a?b",
        "[ab]",
        "a\\b",
        "\\",
        "\\#dlr",
        "a/ b/#c",
        "*/**/x",
        "a\nb",
        "a\rb\x1b[31m",
        "a\u2028b\x85c",
        "Zoë",
        os.fsdecode(b"a\xff\xfeb"),
        "recorded",
    ],
)
def test_recordings_in_an_odd_directory_are_kept_out_of_git(tmp_path: Path, name: str) -> None:
    project = tmp_path / "project"
    recording = project / name / "recorded" / "a.json"
    recording.parent.mkdir(parents=True)
    recording.touch()
    recorded = ignore_line(f"{name}/recorded/")
    assert recorded.isprintable()
    subprocess.run(["git", "init", "-q", str(project)], check=True)

    def is_ignored() -> bool:
        command = ["git", "-C", str(project), "check-ignore", "-q", "--", str(recording)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    assert not is_ignored()
    list(scaffold(project, recorded))
    assert is_ignored()
    assert [placed.outcome for placed in scaffold(project, recorded)] == ["already there"] * 4


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
@pytest.mark.parametrize("name", ["aXb", "a", "b", "x"])
def test_an_odd_line_is_no_pattern(tmp_path: Path, name: str) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("".join(ignore_line(odd) + "\n" for odd in ("a*b", "[ab]", "!x")))

    command = ["git", "-C", str(tmp_path), "check-ignore", "-q", name]
    assert subprocess.run(command, check=False).returncode == 1


def test_command_escapes_an_odd_directory(tmp_path: Path) -> None:
    done = call(tmp_path, "init", "--print", ".gitignore", DEVKIT_FIXTURES="#dlr [1]")

    assert done.out == [".env", ".devkit/", r"\#dlr \[1]/recorded/"]
