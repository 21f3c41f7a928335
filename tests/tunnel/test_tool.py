"""Commands of a tunnel's vendor: real processes, which hang, shout or do not run at all."""

import sys
import tempfile
from pathlib import Path

import pytest

from devkit.errors import TunnelError
from devkit.tunnel.tool import ToolResult, first_line, run_tool
from devkit.tunnel.types import AgentError

PYTHON = Path(sys.executable)


def run(script: str, **options: float) -> ToolResult:
    return run_tool(PYTHON, "-c", script, **options)  # type: ignore[arg-type]


def test_both_outputs_and_the_code_are_kept() -> None:
    result = run("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")

    assert result == ToolResult(3, "out\n", "err\n")
    assert result.text == "err\n\nout\n"


def test_a_command_that_writes_much_ends() -> None:
    result = run("print('x' * 2**21)", timeout=30)

    assert (result.code, len(result.out)) == (0, 2**20)


def test_a_command_that_hangs_has_no_code() -> None:
    assert run("print('up', flush=True); import time; time.sleep(60)", timeout=1.0) == ToolResult(
        None, "up\n", ""
    )


def test_enough_output_ends_it() -> None:
    result = run_tool(
        PYTHON,
        "-c",
        "print('link', flush=True); import time; time.sleep(60)",
        timeout=30,
        is_enough=lambda text: "link" in text,
    )

    assert result == ToolResult(None, "link\n", "")


def test_a_stop_ends_it() -> None:
    with pytest.raises(TunnelError, match="stopped"):
        run_tool(PYTHON, "-c", "import time; time.sleep(60)", stopping=lambda: True)


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="gh does not run: No such file") as caught:
        run_tool(tmp_path / "gh")

    assert "--tunnel NAME" in caught.value.hint


def test_without_a_place_for_temporary_files_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))

    with pytest.raises(AgentError, match="gets no temporary file for its output: No such file") as caught:
        run("")

    assert "TMPDIR" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "line"),
    [("\n \n first.\nsecond", "first"), ("", "it does not say why"), ("a\x1b[31mb", "a [31mb")],
)
def test_the_first_line_is_safe_to_show(text: str, line: str) -> None:
    assert first_line(text) == line
