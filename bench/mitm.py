"""mitmproxy, in a virtual environment of its own because of its dependencies."""

import subprocess
import venv
from pathlib import Path

from bench.subject import ROOT, Subject

_VENV = ROOT / ".venv-bench"


def mitmdump() -> Path:
    """The path of the program. The first call installs it from the package index."""
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
    """A proxy that writes requests to a file, in front of an application that answers immediately."""
    argv = (str(program), "--quiet", "--mode", "reverse:http://127.0.0.1:{behind}")
    return Subject("mitmdump -w: written, not synced", (*argv, "--listen-port", "{port}", "-w", "flows"))


def write_flows(program: Path, recordings: Path, flows: Path, port: int) -> None:
    """Write the recordings as mitmproxy's flows, for a target on this port."""
    script = ROOT / "bench" / "flows.py"
    argv = [str(program.with_name("python")), str(script), str(recordings), str(flows), str(port)]
    subprocess.run(argv, check=True)


def replay(program: Path, flows: Path) -> list[str]:
    """The command that sends the flows."""
    return [str(program), "--quiet", "--no-server", "--client-replay", str(flows)]
