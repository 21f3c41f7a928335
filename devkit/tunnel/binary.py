"""The agent's program: where it is, how it gets there, and which version it is."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from devkit.errors import TunnelError
from devkit.tunnel import driver
from devkit.tunnel.advice import redact
from devkit.tunnel.contract import Notify, Stopping, TunnelEvent
from devkit.tunnel.deadline import finish_within

_DOWNLOAD_TIMEOUT = 300.0  # seconds
_NEWEST = (3, 30)

_OTHER_AGENT = (
    "A virus scanner may be in the way: https://ngrok.com/docs/faq/is-ngrok-a-virus. "
    "Or install ngrok yourself and put PYNGROK_NGROK_PATH=/path/to/ngrok into .env"
)
_NO_DOWNLOAD = (
    "Go online (behind a proxy: set https_proxy), or install ngrok from https://ngrok.com/download and put "
    "PYNGROK_NGROK_PATH=/path/to/ngrok into .env"
)


def find_agent(
    wanted: Path | None,
    *,
    notify: Notify,
    stopping: Stopping,
    download: Callable[[Path], None] = driver.download,
) -> Path:
    """The path of the agent, downloaded when it is not there. wanted: None for pyngrok's own place."""
    path = (wanted or driver.default_agent_path()).expanduser().absolute()
    if path.exists():
        return path
    notify(TunnelEvent("installing", f"downloading the ngrok agent to {path}"))
    try:
        finish_within(_DOWNLOAD_TIMEOUT, lambda: _guarded(download, path), stopping=stopping)
    except TimeoutError:
        message = f"the ngrok agent was not downloaded within {_DOWNLOAD_TIMEOUT:g} s"
        raise TunnelError(message, hint=_NO_DOWNLOAD) from None
    if not path.exists():
        raise TunnelError(f"the ngrok agent was downloaded to {path}, but is not there", hint=_OTHER_AGENT)
    return path


def agent_version(path: Path, *, timeout: float) -> tuple[int, int]:
    """Major and minor version of the agent; an unreadable one counts as new. timeout: seconds."""
    try:
        result = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        message = f"the ngrok agent {path} did not tell its version within {timeout:g} s"
        raise TunnelError(message, hint=_OTHER_AGENT) from None
    except OSError as error:
        message = f"the ngrok agent {path} does not run: {error.strerror}"
        raise TunnelError(message, hint=_OTHER_AGENT) from error
    found = re.search(rb"version (\d+)\.(\d+)", result.stdout)
    return (int(found[1]), int(found[2])) if found else _NEWEST


def _guarded(download: Callable[[Path], None], path: Path) -> None:
    try:
        download(path)
    except Exception as error:  # a proxy, a full disk, a strange archive: all end in the same advice
        reason = redact(str(error), "")[:300]
        raise TunnelError(f"the ngrok agent was not downloaded: {reason}", hint=_NO_DOWNLOAD) from error
