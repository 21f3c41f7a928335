"""How `devkit mcp` starts and ends, and what it writes."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.dev_process import TIMEOUT, clean_environ, run_python

INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "a test", "version": "1"},
}

# Makes a tool print: Python's own print, and a child process.
PRINTING = """
import devkit.fixture.select, os, subprocess
def stray(*_, **__):
    line = "a stray line in " + os.getcwd()
    print(line)
    subprocess.run([sys.executable, "-c", "import sys; print(sys.argv[1])", line])
    return {}
devkit.fixture.select.sample_files = stray
"""


# Sends itself the signal of Ctrl-C when the SDK is about to be imported, with an input that does not end.
INTERRUPTED = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path, target=None):
        if name == "mcp":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
os.dup2(os.pipe()[0], 0)
from devkit.cli import main
main(["mcp"])
"""


@contextmanager
def serving(project: Path, *command: str) -> Iterator["subprocess.Popen[str]"]:
    """`devkit mcp`, after it has answered once."""
    process = subprocess.Popen(
        command or [sys.executable, "-m", "devkit", "mcp"],
        cwd=project,
        env=clean_environ(project),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            request(process, 1, "initialize", INITIALIZE)
            assert read_answer(process)["result"]["serverInfo"]["name"] == "devkit"
            yield process
        finally:
            process.kill()


def request(process: "subprocess.Popen[str]", number: int, method: str, parameters: dict[str, Any]) -> None:
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
    assert process.stdin is not None
    process.stdin.write(f"{json.dumps(message)}\n")
    process.stdin.flush()


def read_answer(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """The next message on stdout."""
    assert process.stdout is not None
    answer = json.loads(process.stdout.readline())
    assert isinstance(answer, dict)
    return answer


def read_errors(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    return process.stderr.read()


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent this signal there")
def test_a_signal_ends_it_while_a_tool_waits(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server, serving(tmp_path) as process:
        server.settimeout(TIMEOUT)
        target = f"127.0.0.1:{server.getsockname()[1]}"
        call = {"name": "trigger_receipt", "arguments": {"status": "failed", "to": target, "timeout": 60}}
        request(process, 2, "tools/call", call)
        connection, _ = server.accept()
        with connection:
            process.send_signal(signal.SIGTERM)

            assert process.wait(TIMEOUT / 2) == 0  # the tool would wait longer
        assert read_errors(process) == ""


def test_a_client_that_is_gone_is_no_error(tmp_path: Path) -> None:
    with serving(tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.close()
        request(process, 2, "tools/list", {})
        process.stdin.close()

        assert process.wait(TIMEOUT) == 0
        assert read_errors(process) == ""


def test_only_the_protocol_is_on_stdout_until_its_input_ends(tmp_path: Path) -> None:
    """Also when code of a tool prints."""
    (tmp_path / "project").mkdir()
    program = f"import sys\n{PRINTING}\nfrom devkit.cli import main\nmain(['mcp', '--directory', 'project'])"
    with serving(tmp_path, sys.executable, "-c", program) as process:
        request(process, 2, "tools/call", {"name": "list_samples", "arguments": {}})
        answer = read_answer(process)
        rest, err = process.communicate(timeout=TIMEOUT)

    assert answer["result"]["structuredContent"]["samples"] == []
    assert process.returncode == 0
    assert rest == ""
    assert err.splitlines() == [f"a stray line in {tmp_path / 'project'}"] * 2


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent this signal there")
def test_a_signal_during_the_start_ends_it(tmp_path: Path) -> None:
    done = run_python(tmp_path, "-c", INTERRUPTED)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_the_extra_it_says_what_to_type(tmp_path: Path) -> None:
    done = run_python(
        tmp_path, "-c", "import sys; sys.modules['mcp'] = None; from devkit.cli import main; main(['mcp'])"
    )

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.splitlines() == [
        "Error: devkit mcp needs the MCP SDK, version 2.3 or newer, which is not installed.",
        "Hint: Install it beside devkit: python -m pip install 'mcp>=2.3,<3'",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell that closes stdin")
def test_a_closed_stdin_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    program = "import os; os.close(0); os.execv(sys.executable, [sys.executable, '-m', 'devkit', 'mcp'])"
    done = run_python(tmp_path, "-c", f"import sys; {program}")

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "Error: The standard input, through which an agent calls devkit, is closed.",
        "Hint: Have an agent start: devkit mcp",
    ]


def test_an_older_sdk_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "mcp").mkdir()
    (tmp_path / "mcp/__init__.py").touch()
    done = run_python(
        tmp_path, "-c", "import sys; sys.path.insert(0, '.'); from devkit.cli import main; main(['mcp'])"
    )

    assert done.returncode == 3
    assert "version 2.3 or newer" in done.stderr


def test_no_other_command_imports_it(tmp_path: Path) -> None:
    program = """if True:
    import sys
    from devkit.cli import COMMANDS
    for name in COMMANDS:
        name == "mcp" or __import__(f"devkit.cli.{name}")
    print(len(sys.modules), [name for name in sys.modules if name.startswith(("mcp", "devkit.cli.mcp"))])
    """

    assert run_python(tmp_path, "-c", program).stdout.split(" ", 1)[1] == "[]\n"
