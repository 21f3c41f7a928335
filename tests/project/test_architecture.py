"""docs/architecture.md is true: its picture is the folder listing, its floors are those that `make lint` checks."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEVKIT = ROOT / "devkit"
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_the_picture_is_the_folder_listing() -> None:
    picture = TEXT.partition("```\ndevkit/\n")[2].partition("```")[0]
    drawn = set(re.findall(r"^  (\w+)/?  ", picture, re.MULTILINE))
    there = {path.stem for path in DEVKIT.iterdir() if path.is_dir() or path.suffix == ".py"}

    assert drawn == there - {"__init__", "__main__", "__pycache__", "pytest_plugin"}
    assert "pytest_plugin" in picture


def test_the_floors_are_those_that_are_checked() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (checked,) = [
        contract["layers"]
        for contract in config["tool"]["importlinter"]["contracts"]
        if contract.get("containers") == ["devkit"]
    ]
    table = TEXT.partition("| floor | ")[2].partition("\n\n")[0]
    shown = [re.findall(r"`(\w+)`", row.split("|")[1]) for row in table.splitlines()[2:]]

    assert shown == [re.findall(r"\w+", layer) for layer in checked if layer != "__main__"]


def test_every_module_that_it_names_is_there() -> None:
    packages = "|".join(path.name for path in DEVKIT.iterdir() if path.is_dir())
    named = re.findall(rf"`((?:{packages})/\w+)", TEXT)

    assert len(named) > 40
    assert [
        name for name in named if not (DEVKIT / f"{name}.py").exists() and not (DEVKIT / name).is_dir()
    ] == []


def test_third_party_names_are_in_the_files_that_it_names() -> None:
    clauses = TEXT.partition("Each third-party name is in few files: ")[2].partition(".\n")[0].split(";")
    named = {clause.split()[0].lower(): re.findall(r"`([\w/]+)`", clause) for clause in clauses}

    assert {"flask", "vonage", "waitress"} <= named.keys()
    for name, places in named.items():
        imports = re.compile(rf"^\s*(?:from|import) {name}(?:_\w+)?\b", re.MULTILINE)
        files = {
            path.relative_to(DEVKIT).with_suffix("").as_posix()
            for path in DEVKIT.rglob("*.py")
            if imports.search(path.read_text(encoding="utf-8"))
        }
        assert [place for place in places if not any(file.startswith(place) for file in files)] == [], name
        assert [file for file in files if not file.startswith(tuple(places))] == [], name


def test_no_file_is_longer_than_a_reader_follows() -> None:
    lengths = {path: path.read_text(encoding="utf-8").count("\n") for path in DEVKIT.rglob("*.py")}

    assert len(lengths) > 100
    assert {path.name: lines for path, lines in lengths.items() if lines > 300} == {}
