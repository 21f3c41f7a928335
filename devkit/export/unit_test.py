"""Unit tests to paste, which load fixtures by their paths."""

import re
from collections.abc import Sequence
from pathlib import Path

from devkit.catalogue import samples_directory
from devkit.fixture import Fixture
from devkit.receipt import Receipt

_EXAMPLE = """\
    # Then your own code, with the request as it arrived. With Flask:
    # callback = fixture.callback
    # answer = app.test_client().open(
    #     callback.target, method=callback.method, headers=list(callback.headers), data=callback.body
    # )
    # assert answer.status_code == 200
"""


def unit_test(loaded: Sequence[tuple[Path, Fixture]]) -> str:
    """The source of a test module that passes as it is: what each fixture says, and a place for what follows of it."""
    names = _names([path for path, _ in loaded])
    tests = [_test(name, path, fixture) for name, (path, fixture) in zip(names, loaded, strict=True)]
    body = "\n\n".join(tests)
    return _imports(body) + "\n\n" + body


def _test(name: str, path: Path, fixture: Fixture) -> str:
    reading = fixture.read()
    lines = [
        f"def {name}() -> None:",
        f"    fixture = load({_place(path)})",
        "",
        "    receipt = fixture.read()",
    ]
    if isinstance(reading, Receipt):
        lines.append("    assert isinstance(receipt, Receipt)")
        said = ((each, getattr(reading, each)) for each in ("message_id", "status", "err_code"))
        lines += [f"    assert receipt.{each} == {_text(value)}" for each, value in said]
    else:
        lines.append("    assert isinstance(receipt, Unreadable)")
    return "\n".join([*lines, "", _EXAMPLE])


def _imports(body: str) -> str:
    kinds = [kind for kind in ("Receipt", "Unreadable") if f"receipt, {kind})" in body]
    lines = ["from pathlib import Path", ""] if "Path(" in body else []
    lines += ["from devkit.catalogue import samples_directory"] if "samples_directory()" in body else []
    lines += ["from devkit.fixture import load", f"from devkit.receipt import {', '.join(kinds)}"]
    return "\n".join(lines) + "\n"


def _place(path: Path) -> str:
    """The path as an expression: from where the tests will run, or from the packaged samples."""
    whole = path.absolute()
    if whole.is_relative_to(Path.cwd()):
        return f"Path({_text(whole.relative_to(Path.cwd()).as_posix())})"
    if whole.is_relative_to(samples_directory()):
        return f"samples_directory() / {_text(whole.relative_to(samples_directory()).as_posix())}"
    return f"Path({_text(whole.as_posix())})"


def _names(paths: Sequence[Path]) -> list[str]:
    names: list[str] = []
    for path in paths:
        base = "test_" + re.sub(r"\W+", "_", path.stem, flags=re.ASCII).strip("_").lower()
        taken = names.count(base) + sum(1 for name in names if name.startswith(f"{base}_again"))
        names.append(base if not taken else f"{base}_again_{taken}")
    return names


def _text(text: str) -> str:
    escaped = ascii(text)
    return escaped if '"' in escaped else f'"{escaped[1:-1]}"'
