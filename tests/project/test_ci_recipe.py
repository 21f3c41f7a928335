"""The job of docs/ci.md is run as it is written, by a shell in an empty directory."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devkit.inspector.report import MARK
from tests.support.dev_process import FREE_PORTS, clean_environ
from tests.support.raw_socket import DEADLINE, closed_port

pytestmark = pytest.mark.program

PAGE = (Path(__file__).parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl")
def test_the_job_waits_for_the_message_and_leaves_a_report(tmp_path: Path) -> None:
    job = PAGE.partition("```yaml\n")[2].partition("```")[0]
    steps = re.findall(r"^[- ] run: (.*)$", job, re.MULTILINE)
    port = str(closed_port())
    script = "\n".join(
        ["set -e", "trap 'kill -INT $session; wait $session' EXIT", steps[0], "session=$!", *steps[1:]]
    )

    environ = clean_environ(tmp_path) | FREE_PORTS | {"DEVKIT_INSPECTOR_PORT": port}
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "devkit").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m devkit "$@"\n')
    (tools / "devkit").chmod(0o700)
    done = subprocess.run(
        ["bash", "-c", script.replace("3040", port)],
        cwd=tmp_path,
        env=environ | {"PATH": f"{tools}:{environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=6 * DEADLINE,
    )

    assert len(steps) == 5
    assert done.returncode == 0, done.stdout + done.stderr + (tmp_path / "devkit.log").read_text()
    lines = done.stdout.splitlines()
    assert '"ready":true' in lines[0]
    assert lines[-2] == "end         1 delivered: every part has a final status"
    assert lines[-1] == "devkit-report.html: 3 receipts of 1 message"
    assert (tmp_path / "devkit-report.html").read_bytes().startswith(MARK)
    assert "stopped" in (tmp_path / "devkit.log").read_text()
