"""One name, one meaning: no public type of devkit has the name of another one."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

DEVKIT = Path(__file__).parents[2] / "devkit"


def public_types(text: str) -> Iterator[str]:
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript | ast.BinOp):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]  # type aliases
        else:
            names = []
        # A constant is written in capitals, a type is not.
        yield from (name for name in names if not name.startswith("_") and not name.isupper())


def test_no_public_type_name_has_two_meanings() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(DEVKIT.rglob("*.py")):
        for name in public_types(path.read_text(encoding="utf-8")):
            if name[0].isupper():
                places[name].append(str(path.relative_to(DEVKIT)))

    assert len(places) > 100
    assert {name: files for name, files in places.items() if len(files) > 1} == {}
