"""What a command imports, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

from tests.support.dev_process import clean_environ
from tests.support.raw_socket import DEADLINE

PROGRAM = """
import json, sys
from devkit.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    print("\\n" + json.dumps([end.code, sorted(sys.modules)]))
"""


def imported(directory: Path, *arguments: str) -> set[str]:
    """The modules that a command has imported when it ends. It must end with 0."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=directory,
        env=clean_environ(directory),
        capture_output=True,
        text=True,
        check=True,
        timeout=6 * DEADLINE,
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    return set(modules)
