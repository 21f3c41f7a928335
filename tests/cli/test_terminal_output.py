"""No text of a file, a receipt or an argument controls the terminal."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devkit.cli.output import echo, echo_bytes, style
from devkit.fixture.format import Fixture, dumps
from devkit.webhook.callback import Callback, to_wire
from tests.support.terminal_session import needs_terminal, on_a_terminal

MOMENT = datetime(2026, 6, 1, tzinfo=UTC)
CONTROLS = "\x1b]0;title\x07\x1b[2J\x1b[31m\r\x9b1A\u202e\u2066"
SPELLED = r"\x1b]0;title\x07\x1b[2J\x1b[31m\r\x9b1A\u202e\u2066"
STYLES = re.compile(r"\x1b\[(?:0|1|2|3[0-7]|9[0-7])m")


def on_terminal(*arguments: str, cwd: Path) -> str:
    """The output of a command on a terminal, stdout and stderr."""
    with on_a_terminal(cwd, sys.executable, "-m", "devkit", *arguments, COLUMNS="200") as terminal:
        return terminal.read_to_the_end().replace("\r\n", "\n")  # the terminal adds \r


def controls(written: str) -> bool:
    return not STYLES.sub("", written).replace("\n", "").isprintable()


@needs_terminal
@pytest.mark.parametrize(
    "arguments",
    [
        ["show", f"no{CONTROLS}"],
        ["check", f"no{CONTROLS}"],
        ["show", f"--no{CONTROLS}"],
        [f"no{CONTROLS}"],
        ["replay", "delivered", "--to", f"http://no{CONTROLS}"],
        ["replay", f"host{CONTROLS}ile.json", "--to", "http://127.0.0.1:1", "--dry-run", "-v"],
        ["replay", f"host{CONTROLS}ile.json", "--to", "http://127.0.0.1:1", "-v"],
        ["show", f"host{CONTROLS}ile.json"],
        ["check", f"host{CONTROLS}ile.json", f"bro{CONTROLS}ken.json"],
        ["show", f"bro{CONTROLS}ken.json"],
    ],
    ids=lambda arguments: arguments[0].partition("\x1b")[0],
)
def test_no_name_and_no_argument_controls_a_terminal(arguments: list[str], tmp_path: Path) -> None:
    callback = Callback("GET", f"/x{CONTROLS[:8]}?status=delivered", ())
    (tmp_path / f"host{CONTROLS}ile.json").write_bytes(dumps(Fixture(MOMENT, callback)))
    (tmp_path / f"bro{CONTROLS}ken.json").write_text("{")

    written = on_terminal(*arguments, cwd=tmp_path)

    assert r"\x1b]0;title" in written
    assert not controls(written)


HOSTILE = Callback(
    "POST", "/dlr?a=\x1b[2J", (("X-Any", "\x1b]0;t\x07 \xe2\x80\xae"), ("Host", "h")), b"\x1b[1A\nb\r\n\xff\n"
)


@needs_terminal
def test_the_raw_request_is_escaped_on_a_terminal_only(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(dumps(Fixture(MOMENT, HOSTILE)))
    command = [sys.executable, "-m", "devkit", "show", "a.json", "--as", "http"]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}

    piped = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, check=True).stdout

    assert piped == to_wire(HOSTILE)
    assert on_terminal("show", "a.json", "--as", "http", cwd=tmp_path).splitlines() == [
        r"POST /dlr?a=\x1b[2J HTTP/1.1",
        r"X-Any: \x1b]0;t\x07 \u202e",
        "Host: h",
        "",
        r"\x1b[1A",
        "b",
        r"\xff",
    ]


@needs_terminal
@pytest.mark.parametrize(("form", "part"), [("curl", "X-Any"), ("har", "X-Any"), ("pytest", "def test_")])
def test_no_other_form_controls_a_terminal(form: str, part: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(dumps(Fixture(MOMENT, HOSTILE)))

    written = on_terminal("show", "a.json", "--as", form, cwd=tmp_path)

    assert part in written
    assert not controls(written)


texts = st.text(st.characters() | st.sampled_from(CONTROLS), max_size=30)


@given(parts=st.lists(texts, min_size=1, max_size=3), styled=texts)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_only_styles_and_line_breaks_go_through(
    parts: list[str], styled: str, capsys: pytest.CaptureFixture[str]
) -> None:
    echo("\n".join(parts) + style(styled, fg="red"), color=True)

    written = capsys.readouterr().out
    assert not controls(written)
    assert written.count("\n") == sum(part.count("\n") for part in parts) + len(parts)


def test_foreign_text_brings_no_style_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    echo(style("\x1b[32mok\n", fg="red", bold=True), color=True)

    assert capsys.readouterr().out == "\x1b[31m\x1b[1m\\x1b[32mok\\n\x1b[0m\n"


def test_bytes_that_do_not_go_to_a_terminal_stay_bytes(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    echo_bytes(data := bytes(range(256)))

    assert capfdbinary.readouterr().out == data


def test_lines_for_people_are_printed_by_output_only() -> None:
    """Except for JSON, which is ASCII, and files of devkit itself: a Makefile, a completion script."""
    package = Path(__file__).parents[2] / "devkit"
    printing = {
        (path.relative_to(package).as_posix(), line.strip())
        for path in package.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"click\.(echo|secho|style)\(", line) and "json" not in line
    }

    assert {file for file, _ in printing} == {
        "cli/output.py",
        "cli/init.py",
        "cli/completion.py",
    }
