"""Every phone number in the tree is one that nobody has."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("bench", "devkit", "docs", "examples", "fixtures/samples", "reliability", "tests")

PHONE_NUMBER = re.compile(
    r"(?<!\d)(?:"
    r"(?:\+|00)?44[ -]?(?:\(0\))?7\d{3}[ -]?\d{3}[ -]?\d{3}"  # a British mobile number
    r"|07\d{3}[ -]?\d{3}[ -]?\d{3}"  # the same within Britain
    r"|\+?1[2-9]\d{2}[ -]?[2-9]\d{2}[ -]?\d{4}"  # North America
    r"|\+[1-9]\d{9,14}"
    r")(?!\d)"
)
UNASSIGNED = re.compile(
    r"(?:44|0)7700900\d{3}"  # Ofcom keeps them for drama
    r"|1[2-9]\d{2}55501\d{2}"  # the North American numbers for fiction
    r"|999\d+"  # no country has this code
)


def text_files() -> Iterator[Path]:
    yield from sorted(ROOT.glob("*.md"))
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in (".png", ".pyc") and path.is_file():
                yield path


def assigned_numbers(text: str) -> list[str]:
    found = (re.sub(r"\(0\)|\D", "", match[0]).removeprefix("00") for match in PHONE_NUMBER.finditer(text))
    return [number for number in found if not UNASSIGNED.fullmatch(number)]


def test_no_number_in_the_tree_can_be_somebodys() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in text_files()}

    assert sum(len(PHONE_NUMBER.findall(text)) for text in texts.values()) > 500
    assert {str(path): found for path, text in texts.items() if (found := assigned_numbers(text))} == {}


@pytest.mark.parametrize("change", ["{}", "+{}", "00{}", "to={}&"])
def test_the_search_finds_a_number_of_somebody(change: str) -> None:
    beyond = str(447700900999 + 1)

    assert assigned_numbers(change.format(447700900999)) == []
    assert assigned_numbers(change.format(beyond)) == [beyond]
