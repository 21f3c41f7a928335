"""mitmproxy, in a virtual environment of its own: its dependencies are not ours."""

import subprocess
import venv
from pathlib import Path

from bench.subject import ROOT, Subject

_VENV = ROOT / ".venv-bench"


def mitmdump() -> Path:
    """The program, installed from the package index the first time."""
    program = _VENV / "bin" / "mitmdump"
    if not program.exists():
        print(f"Installing mitmproxy into {_VENV.name} ...", flush=True)
        venv.create(_VENV, with_pip=True)
        (_VENV / ".gitignore").write_text("*\n")
        python = str(_VENV / "bin" / "python")
        argv = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "mitmproxy"]
        subprocess.run(argv, check=True)
    return program


def recorder(program: Path) -> Subject:
    """It writes what passes through it to a file, in front of an application that answers at once."""
    argv = (str(program), "--quiet", "--mode", "reverse:http://127.0.0.1:{behind}")
    return Subject("mitmdump -w: written, not synced", (*argv, "--listen-port", "{port}", "-w", "flows"))


def write_flows(program: Path, recordings: Path, flows: Path, port: int) -> None:
    """The recordings as mitmproxy keeps requests, for a target on this port."""
    script = ROOT / "bench" / "flows.py"
    argv = [str(program.with_name("python")), str(script), str(recordings), str(flows), str(port)]
    subprocess.run(argv, check=True)


def replay(program: Path, flows: Path) -> list[str]:
    """The command that sends them."""
    return [str(program), "--quiet", "--no-server", "--client-replay", str(flows)]
