from pathlib import Path

import pytest

from devkit.cli.make_target import with_make
from tests.support.command import ROOT, call

OURS = "dev: stamp ## Record receipts\n\t@echo\n\t@.venv/bin/devkit dev $(ARGS)\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Start it again: devkit dev", "Start it again: make dev"),
        ("start one: devkit dev. Or: devkit list", "start one: make dev. Or: devkit list"),
        ("Record some with: devkit dev --offline", "Record some with: make dev OFFLINE=1"),
        ("Take it over: devkit dev --force", "Take it over: devkit dev --force"),
        ("devkit dev --offline --no-demo", "devkit dev --offline --no-demo"),
        ("devkit developers", "devkit developers"),
    ],
)
def test_a_command_is_named_as_the_makefile_has_it(tmp_path: Path, text: str, shown: str) -> None:
    (tmp_path / "Makefile").write_text(f"help:\n\t@true\n\n{OURS}\n")

    assert with_make(text, tmp_path) == shown


@pytest.mark.parametrize(
    "makefile",
    [
        None,
        "",
        "dev:\n\tflask run\n",
        "dev: other\n\nother:\n\tdevkit dev\n",
        "develop:\n\tdevkit dev\n",
        "# dev:\n#\tdevkit dev\n",
        "\xff\0",
    ],
)
def test_without_such_a_target_the_command_stays(tmp_path: Path, makefile: str | None) -> None:
    if makefile is not None:
        (tmp_path / "Makefile").write_text(makefile, encoding="latin-1")

    assert with_make("Start: devkit dev", tmp_path) == "Start: devkit dev"


def test_a_makefile_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "Makefile").mkdir()

    assert with_make("Start: devkit dev", tmp_path) == "Start: devkit dev"


def test_this_project_s_makefile_has_the_target() -> None:
    assert with_make("Start: devkit dev", ROOT) == "Start: make dev"


def test_hints_and_notices_are_in_the_words_of_the_directory(tmp_path: Path) -> None:
    plain, listed = call(tmp_path, "send"), call(tmp_path, "list")
    (tmp_path / "Makefile").write_text(OURS)
    made, listed_here = call(tmp_path, "send"), call(tmp_path, "list")

    assert plain.err.splitlines()[1] == "Hint: Start one in another terminal: devkit dev"
    assert made.err.splitlines()[1] == "Hint: Start one in another terminal: make dev"
    assert "with: devkit dev " in listed.err
    assert "with: make dev " in listed_here.err
