import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.terminal_session import needs_terminal, on_a_terminal

DEADLINE = 20  # seconds


# Publishes one event; then ends, or waits until a stop is requested.
SCRIPT = """
import sys
import click
from devkit.cli import cli
from devkit.events.session import Probe
from devkit.cli.line_stream import surviving_output
from devkit.cli.event_printer import reporting
from devkit.session.signals import Shutdown as Stop
stop = Stop()
with click.Context(cli) as context:
    context.invoke(cli.callback)
    with surviving_output(), reporting(as_json=sys.argv[1] == "json", stop=stop) as publish:
        publish(Probe(sys.argv[2]))
        if sys.argv[3] == "wait":
            assert stop.wait(20), "nobody requested a stop"
"""


def run_script(form: str, text: str, then: str = "end", **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, form, text, then],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd(), **environ},
    )


@pytest.mark.parametrize("form", ["json", "people"])
def test_a_closed_reader_requests_a_stop(form: str) -> None:
    with run_script(form, "x", "wait") as process:
        assert process.stdout
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate(timeout=DEADLINE)

    assert (process.returncode, err) == (0, "")


def test_a_pipe_that_knows_ascii_only_gets_every_line() -> None:
    with run_script("people", "caf\xe9", PYTHONIOENCODING="ascii") as process:
        out, err = process.communicate(timeout=DEADLINE)

    assert (out, err) == ("probe       someone asked whether the callback URL answers (caf\\xe9)\n", "")


@needs_terminal
@pytest.mark.parametrize("environ", [{}, {"NO_COLOR": "1"}], ids=["colors", "no colors"])
def test_a_terminal_gets_colors_unless_no_color_is_set(tmp_path: Path, environ: dict[str, str]) -> None:
    command = [sys.executable, "-c", SCRIPT, "people", "x", "end"]
    with on_a_terminal(tmp_path, *command, TERM="xterm-256color", **environ) as terminal:
        screen = terminal.read_to_the_end()

    assert "probe" in screen
    assert ("\x1b[" in screen) == (not environ)
