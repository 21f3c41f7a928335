"""How a command is named on the command line, and Ctrl-C before it runs."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from devkit import __version__
from devkit.cli import ALIASES, COMMANDS, cli
from tests.support.command import call
from tests.support.dev_process import TIMEOUT, clean_environ


def output(*arguments: str) -> str:
    return CliRunner().invoke(cli, arguments, prog_name="devkit").output


@pytest.mark.parametrize("name", [*COMMANDS, *ALIASES])
def test_help_explains_a_command(name: str) -> None:
    text = output("help", name)

    assert text.startswith(f"Usage: devkit {ALIASES.get(name, name)} ")
    assert text == output(name, "--help")


def test_help_and_version_are_commands_too() -> None:
    assert output("help") == output("--help")
    assert output("version") == output("--version") == f"devkit, version {__version__}\n"


@pytest.mark.parametrize(
    ("typed", "name"), [("repl", "replay"), ("tri", "trigger"), ("l", "list"), ("si", "simulate")]
)
def test_a_beginning_that_no_other_command_has_is_enough(typed: str, name: str) -> None:
    assert output(typed, "--help").startswith(f"Usage: devkit {name} ")


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("d", "Error: 'd' may be dev or doctor."),
        ("lits", "Error: No such command 'lits'. Did you mean list?"),
        ("reply", "Error: No such command 'reply'. Did you mean replay?"),
        ("lsiten", "Error: No such command 'lsiten'. Did you mean listen?"),
        ("versoin", "Error: No such command 'versoin'. Did you mean version?"),
        ("xyzzy", "Error: No such command 'xyzzy'."),
        ("", "Error: No such command ''."),
    ],
)
def test_an_unknown_command_names_the_nearest(tmp_path: Path, typed: str, answer: str) -> None:
    done = call(tmp_path, typed)

    assert (done.code, done.err.splitlines()[-1]) == (2, answer)


def test_logs_lists_receipts(tmp_path: Path) -> None:
    assert call(tmp_path, "logs") == call(tmp_path, "list")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("signal", 130),
        *((name, -signal.SIGINT) for name in ("devkit.cli", "click", "devkit.cli.dev", "devkit.session.run")),
    ],
)
def test_ctrl_c_while_devkit_starts_leaves_no_traceback(tmp_path: Path, module: str, code: int) -> None:
    script = f"""
import os, sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), 2)
sys.meta_path.insert(0, Interrupt())
sys.argv = ["devkit", "dev"]
from devkit.__main__ import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=clean_environ(tmp_path),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")
