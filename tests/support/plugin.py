"""The examples of docs/testing.md as files, and runs of pytest with the plugin."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(?:python|toml)\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples() -> dict[str, str]:
    """The files in docs/testing.md: file name to text."""
    return dict(_BLOCK.findall((ROOT / "docs" / "testing.md").read_text(encoding="utf-8")))


def write_examples(directory: Path) -> None:
    for name, text in examples().items():
        (directory / name).write_text(text, encoding="utf-8")


def run_pytest(
    directory: Path, *arguments: str, site: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run pytest in a process of its own, with warnings as errors.

    site: a directory in which devkit is installed, so that pytest finds the plugin itself. Without it the plugin of
    this checkout is named on the command line, and an installed one makes no difference.
    """
    environment = {**os.environ, "PYTHONPATH": str(site or ROOT)}
    plugin: list[str] = []
    if site is None:
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        plugin = ["-p", "devkit.pytest_plugin"]
    command = [sys.executable, "-m", "pytest", *plugin, "-p", "no:cacheprovider", "-W", "error", *arguments]
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=120
    )
