"""docs/troubleshooting.md quotes messages. The code must still contain each of them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MESSAGES = re.findall(
    r"^### `(.+)`$", (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8"), re.M
)
_NUMBER = r"status \d+|ERR_NGROK_\d+"


def texts() -> Iterator[str]:
    """Every string constant in the package's code."""
    for path in sorted((ROOT / "devkit").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def pieces(message: str) -> list[str]:
    """The fixed parts of a quoted message."""
    for filled_in in (
        r"VONAGE_API_KEY|VONAGE_API_SECRET",
        r"\bthe message(?= \()",
        r"\.env",
        _NUMBER,
        r"\b420\b",
    ):
        message = re.sub(filled_in, "...", message)
    parts = re.split(r"\.{3,}|[()]", message)
    return [part.strip(" .:") for part in parts if len(part.strip(" .:,")) > 3]


@pytest.fixture(scope="module")
def code() -> str:
    return "\n".join(texts())


def test_there_are_messages() -> None:
    assert len(MESSAGES) > 20


@pytest.mark.parametrize("message", MESSAGES)
def test_a_quoted_message_is_one_that_devkit_prints(message: str, code: str) -> None:
    found = pieces(message)

    assert found
    assert [piece for piece in found if piece not in code] == []
