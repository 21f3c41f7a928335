"""Runs pyngrok so that it cannot hang, print or leak secrets. The only module that imports it.

Statements about pyngrok come from the source of version 9.1.0.
"""

import logging
import os
import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from devkit.http.local_access import LOCAL_NAMES
from devkit.tunnel.agent_process import reported_errors
from devkit.tunnel.ngrok_errors import explain

if TYPE_CHECKING:  # pyngrok takes long to import, and most commands open no tunnel
    from pyngrok.conf import PyngrokConfig
    from pyngrok.log import NgrokLog

_DISCONNECT_TIMEOUT = 2.0  # seconds
_DOWNLOAD_STALL = 30.0  # seconds without a byte


class AgentLog:
    """An agent's errors and the state of its session, from its log and its stderr. home: see `agent_home`.

    session_up: whether the agent is connected to ngrok's service.
    pyngrok's threads call `record`. It must not wait or raise: the agent stops working when its log is not read.
    """

    def __init__(self, home: Path) -> None:
        self.session_up = True
        self._home = home
        self._errors: deque[str] = deque(maxlen=20)

    def record(self, log: "NgrokLog") -> None:
        message = log.msg or ""
        if message.startswith("client session established"):
            self.session_up = True
        elif message.startswith(("session closed", "failed to reconnect session")):
            self.session_up = False
        if log.lvl in ("ERROR", "CRITICAL"):
            self._errors.append((log.err or log.line)[:1000])

    def errors(self) -> str:
        """The errors that the agent reported. They may hold the authtoken."""
        # pyngrok stops reading when the agent has ended, so the log alone may lack the reason.
        return "\n".join([*self._errors, reported_errors(self._home)])


def connect(
    launcher: Path,
    config: Path | None,
    local_url: str,
    *,
    authtoken: str,
    fixed_url: str,
    endpoints_api: bool,
    log: AgentLog,
) -> tuple[str, Callable[[], None]]:
    """Start the agent and open a tunnel; return its public URL, and a function that closes it.

    config: None for the user's own ngrok.yml. authtoken: only to keep it out of error messages.
    endpoints_api: whether the agent has /api/endpoints. May never return. Raises AgentError.
    """
    from pyngrok import ngrok
    from pyngrok.exception import PyngrokNgrokHTTPError

    # The agent's log lines pass through pyngrok's logger, and may hold an authtoken.
    logging.getLogger("pyngrok").setLevel(logging.CRITICAL + 1)
    settings = _settings(launcher, config, log, config_version="3" if endpoints_api else "2")
    host = (fixed_url.partition("://")[2] or fixed_url).rstrip("/")
    options = {"url": f"https://{host}"} if endpoints_api else {"domain": host}
    try:
        with _loopback_unproxied():
            tunnel = ngrok.connect(
                local_url, "http", f"devkit-{os.getpid()}", settings, **(options if fixed_url else {})
            )
            return str(tunnel.public_url), lambda: _disconnect(f"{tunnel.api_url}{tunnel.uri}")
    except PyngrokNgrokHTTPError as error:
        reason = error.body
    except Exception as error:  # noqa: BLE001 - pyngrok does not wrap errors of YAML, JSON, HTTP and sockets
        reason = log.errors() or str(error)
    raise explain(reason, authtoken)  # outside of `except`, so that no traceback shows the unredacted reason


def _settings(launcher: Path, config: Path | None, log: AgentLog, *, config_version: str) -> "PyngrokConfig":
    from pyngrok.conf import PyngrokConfig

    settings = PyngrokConfig(
        ngrok_path=str(launcher),
        config_path=str(config) if config else None,
        log_event_callback=log.record,
        startup_timeout=3600,  # only checked when the agent logs a line: the caller has a deadline instead
        start_new_session=os.name == "posix",  # Ctrl-C must not end the agent before the callback is restored
        config_version=config_version,
    )
    # It was taken from the environment, and would be visible to all users in the agent's command line.
    settings.auth_token = None
    return settings


def process_of(launcher: Path) -> "subprocess.Popen[str] | None":
    """The agent's process, also while its start hangs; None before the start."""
    from pyngrok import process

    # pyngrok's own functions wait for a start that hangs, or start another agent when this one has ended.
    found = process._current_processes.get(str(launcher))
    return found.proc if found else None


def default_agent_path() -> Path:
    """Where pyngrok installs the agent."""
    from pyngrok.conf import DEFAULT_NGROK_PATH

    return Path(DEFAULT_NGROK_PATH)


def default_config() -> Path:
    """Where the agent looks for the user's ngrok.yml."""
    from pyngrok.conf import DEFAULT_NGROK_CONFIG_PATH

    return Path(DEFAULT_NGROK_CONFIG_PATH)


def download(agent_path: Path) -> None:
    """Install the newest agent at this path, complete or not at all. Raises OSError or PyngrokError."""
    from pyngrok import installer

    installer._print_progress_enabled = False  # it goes to stdout, which is for --json
    agent_path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="ngrok-", dir=agent_path.parent) as name:
        fresh = Path(name) / installer.get_ngrok_bin()
        installer.install_ngrok(str(fresh), timeout=_DOWNLOAD_STALL)
        fresh.replace(agent_path)


def _disconnect(endpoint: str) -> None:
    from pyngrok import ngrok
    from pyngrok.exception import PyngrokError

    # Not ngrok.disconnect(), which would start a new agent if this one has ended.
    with suppress(PyngrokError, OSError, HTTPException, ValueError), _loopback_unproxied():
        ngrok.api_request(endpoint, method="DELETE", timeout=_DISCONNECT_TIMEOUT)


@contextmanager
def _loopback_unproxied() -> Iterator[None]:
    """Have pyngrok reach the agent's API without the proxy of the environment. urllib reads os.environ."""
    before = os.environ.get("no_proxy")
    kept = before if before is not None else os.environ.get("NO_PROXY", "")
    os.environ["no_proxy"] = ",".join(filter(None, [kept, *LOCAL_NAMES]))
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("no_proxy", None)
        else:
            os.environ["no_proxy"] = before
