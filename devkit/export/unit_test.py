"""Unit tests to paste, which load fixtures by their paths."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from devkit.catalogue import samples_directory
from devkit.fixture import Fixture
from devkit.receipt import Receipt

_EXAMPLE = """\
    # Then your own code. With Flask (from devkit.testing import deliver):
    # assert deliver(receipt, app.test_client(), path="/webhooks/dlr").ok
"""


def unit_test(loaded: Sequence[tuple[Path, Fixture]]) -> str:
    """The source of a test module that passes as it is: what each fixture says, and a place for what follows of it."""
    names = _names([path for path, _ in loaded])
    tests = [_test(name, path, fixture) for name, (path, fixture) in zip(names, loaded, strict=True)]
    body = "\n\n".join(tests)
    return _imports(body) + "\n\n" + body


def _test(name: str, path: Path, fixture: Fixture) -> str:
    reading = fixture.read()
    lines = [f"def {name}() -> None:", f"    receipt = load({_place(path)})", ""]
    if isinstance(reading, Receipt):
        said = ((each, getattr(reading, each)) for each in ("message_id", "status", "err_code"))
        lines += [f"    assert receipt.{each} == {_text(value)}" for each, value in said]
    else:
        lines.append("    assert receipt.problem")
    return "\n".join([*lines, "", _EXAMPLE])


def _imports(body: str) -> str:
    lines = ["from pathlib import Path", ""] if "Path(" in body else []
    return "\n".join([*lines, "from devkit.testing import load"]) + "\n"


def _place(path: Path) -> str:
    """What `load` takes: a path from where the tests will run, or the name of a packaged sample."""
    whole = path.absolute()
    if whole.is_relative_to(Path.cwd()):
        return f"Path({_text(whole.relative_to(Path.cwd()).as_posix())})"
    if whole.is_relative_to(samples_directory()):
        return _text(whole.relative_to(samples_directory()).with_suffix("").as_posix())
    return f"Path({_text(whole.as_posix())})"


def _names(paths: Sequence[Path]) -> list[str]:
    names: dict[str, None] = {}  # in their order
    count: Counter[str] = Counter()
    for path in paths:
        name = base = "test_" + re.sub(r"\W+", "_", path.stem, flags=re.ASCII).strip("_").lower()
        while name in names:
            count[base] += 1
            name = f"{base}_again_{count[base]}"
        names[name] = None
    return list(names)


def _text(text: str) -> str:
    escaped = ascii(text)
    return escaped if '"' in escaped else f'"{escaped[1:-1]}"'
