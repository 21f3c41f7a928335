"""Installs a stand-in for an agent in a directory, and controls it while it runs."""

import json
import shutil
import sys
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

_HERE = Path(__file__).parent


def install_standin(directory: Path) -> Path:
    """The path of a new executable copy, one for each test. How it can fail: see standin_agent.py."""
    return _install_agent(directory, "ngrok", "standin_agent.py")


def install_cloudflared(directory: Path) -> Path:
    """As `install_standin`. How it can fail: see standin_cloudflared.py."""
    return _install_agent(directory, "cloudflared", "standin_cloudflared.py")


def _install_agent(directory: Path, name: str, source: str) -> Path:
    for part in ("standin_api.py", "standin_edge.py", "standin_process.py"):
        shutil.copy(_HERE / part, directory)
    return install_program(directory, name, source)


def install_program(directory: Path, name: str, source: str) -> Path:
    """The path of a new program. source: a file of this directory that it is a copy of."""
    path = directory / name
    text = (_HERE / source).read_text(encoding="utf-8")
    path.write_text(f"#!{sys.executable} -S\n{text}", encoding="utf-8")
    path.chmod(0o700)
    return path


def standin_state(path: Path) -> dict[str, object]:
    """The state that the process started last has written: pid, api, argv, token_from; edge, url, requested."""
    state: dict[str, object] = json.loads(path.with_name(path.name + ".state.json").read_text())
    return state


def standin_pid(path: Path) -> int:
    """The number of the process that was started last."""
    return int(str(standin_state(path)["pid"]))


def steer_standin(path: Path, verb: str) -> None:
    """drop, restore, exit or log?N."""
    connection = HTTPConnection(urlsplit(str(standin_state(path)["api"])).netloc, timeout=10)
    try:
        with suppress(ConnectionError):  # `exit` does not answer
            connection.request("POST", f"/standin/{verb}")
            connection.getresponse().read()
    finally:
        connection.close()
