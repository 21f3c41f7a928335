"""Writes docs/messages.md: every error that devkit can print, with what to type next, taken from the code itself.

python -m docs.make_messages           write it
python -m docs.make_messages --check   change nothing; exit 1 when it would be different
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from devkit import errors
from devkit.tunnel.types import AgentError

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "messages.md"

_HEAD = """\
# Messages

Every error that devkit can print, in the order of the alphabet, with its exit code and the hint that comes with it.
`...` stands for what differs. Written by `docs/make_messages.py` from the code.
[Troubleshooting](troubleshooting.md) says more.

| message | hint | exit code |
| --- | --- | --- |
"""


_KINDS = {**vars(errors), "AgentError": AgentError}


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """One error as the code has it. exit_code: of its class."""

    text: str
    hint: str
    exit_code: int


def messages() -> list[Message]:
    """All of them, each once."""
    return sorted({found for path in (ROOT / "devkit").rglob("*.py") for found in _in_file(path)})


def document() -> str:
    """What belongs into the file."""
    rows = (f"| {_cell(each.text)} | {_cell(each.hint)} | {each.exit_code} |\n" for each in messages())
    return _HEAD + "".join(rows)


def _in_file(path: Path) -> Iterator[Message]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = {
        target.id: _text(node.value, {})
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
            continue
        kind = _KINDS.get(node.func.id)
        text = _text(node.args[0], constants)
        if kind is not None and text.strip(". ") != "":
            words = {word.arg: _text(word.value, constants) for word in node.keywords}
            hint = " ".join(filter(None, (words.get("hint"), words.get("second_hint"))))
            yield Message(text, hint, kind.exit_code)


def _text(node: ast.expr, constants: Mapping[str, str]) -> str:
    """A text of the code as people will see it, with `...` for what is only known when it is said.

    constants: the texts of the module, by name.
    """
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        return constants.get(node.id, "...")
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, constants)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, constants) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left, constants) + _text(node.right, constants)
    return "..."


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("....", "...").replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    fresh = document()
    if "--check" in sys.argv:
        stale = DOCUMENT.read_text(encoding="utf-8") != fresh
        sys.exit("docs/messages.md is stale: python -m docs.make_messages" if stale else 0)
    DOCUMENT.write_text(fresh, encoding="utf-8")
