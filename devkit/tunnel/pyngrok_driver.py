"""pyngrok, driven so that it cannot hang, shout or leak. The only module that knows it.

What is said here about pyngrok was read in the source of version 9.1.0.
"""

import logging
import os
import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from devkit.tunnel.ngrok_errors import explain

if TYPE_CHECKING:  # pyngrok takes long to import, and most commands open no tunnel
    from pyngrok.log import NgrokLog

_GOODBYE_TIMEOUT = 2.0  # seconds
_DOWNLOAD_STALL = 30.0  # seconds without a byte


class AgentLog:
    """What matters of an agent's log and of its stderr, which is a file.

    pyngrok's threads write into it. They must not wait and nothing may raise there: the agent stops working
    as soon as nobody reads its log.
    """

    def __init__(self, stderr: Path) -> None:
        self._stderr = stderr
        self._sessions: SimpleQueue[bool] = SimpleQueue()
        self._complaints: deque[str] = deque(maxlen=20)

    def hear(self, log: "NgrokLog") -> None:
        message = log.msg or ""
        if message.startswith("client session established"):
            self._sessions.put(True)
        elif message.startswith(("session closed", "failed to reconnect session")):
            self._sessions.put(False)
        if log.lvl in ("ERROR", "CRITICAL"):
            self._complaints.append((log.err or log.line)[:1000])

    def complaints(self) -> str:
        """What the agent complained about. It may hold the authtoken."""
        # pyngrok reads no further when the agent has ended, so the log alone may lack the reason.
        with suppress(OSError), self._stderr.open(errors="replace") as file:
            return "\n".join([*self._complaints, file.read(10_000)])
        return "\n".join(self._complaints)

    def session_up(self, before: bool) -> bool:
        """Whether the session with ngrok's service stands, when it was so `before`."""
        with suppress(Empty):
            while True:
                before = self._sessions.get_nowait()
        return before


def connect(
    launcher: Path,
    config: Path | None,
    local_url: str,
    *,
    authtoken: str,
    fixed_url: str,
    endpoints_api: bool,
    journal: AgentLog,
) -> tuple[str, Callable[[], None]]:
    """Start the agent and open a tunnel; its public URL, and how to close it politely.

    config: None for the user's own ngrok.yml. authtoken: to keep it out of errors, not to pass it on.
    endpoints_api: whether the agent has /api/endpoints. May hang for ever. Raises NgrokError.
    """
    from pyngrok import ngrok
    from pyngrok.conf import PyngrokConfig
    from pyngrok.exception import PyngrokNgrokHTTPError

    # The agent's lines pass through pyngrok's logger, and an authtoken may be in them.
    logging.getLogger("pyngrok").setLevel(logging.CRITICAL + 1)
    settings = PyngrokConfig(
        ngrok_path=str(launcher),
        config_path=str(config) if config else None,
        log_event_callback=journal.hear,
        startup_timeout=3600,  # only looked at when the agent logs a line: the caller has a deadline instead
        start_new_session=os.name == "posix",  # Ctrl-C must leave the agent until the callback is given back
        config_version="3" if endpoints_api else "2",
    )
    settings.auth_token = None  # taken from the environment otherwise, and shown to all in the command line
    host = (fixed_url.partition("://")[2] or fixed_url).rstrip("/")
    options = {"url": f"https://{host}"} if endpoints_api else {"domain": host}
    try:
        with _loopback_unproxied():
            tunnel = ngrok.connect(
                local_url, "http", f"devkit-{os.getpid()}", settings, **(options if fixed_url else {})
            )
            return str(tunnel.public_url), lambda: _disconnect(f"{tunnel.api_url}{tunnel.uri}")
    except PyngrokNgrokHTTPError as error:
        words = error.body
    except Exception as error:  # noqa: BLE001 - pyngrok lets through errors of YAML, JSON, HTTP and sockets
        words = journal.complaints() or str(error)
    raise explain(words, authtoken)  # out here, so that no traceback shows the words


def process_of(launcher: Path) -> "subprocess.Popen[str] | None":
    """The agent's process, also while its start hangs; None before it is started."""
    from pyngrok import process

    # pyngrok's own look-ups wait for a start that hangs, or start another agent when this one has died.
    found = process._current_processes.get(str(launcher))
    return found.proc if found else None


def default_agent_path() -> Path:
    """Where pyngrok keeps the agent."""
    from pyngrok.conf import DEFAULT_NGROK_PATH

    return Path(DEFAULT_NGROK_PATH)


def default_config() -> Path:
    """Where the agent keeps its user's ngrok.yml."""
    from pyngrok.conf import DEFAULT_NGROK_CONFIG_PATH

    return Path(DEFAULT_NGROK_CONFIG_PATH)


def download(agent_path: Path) -> None:
    """Put the newest agent there, whole or not at all. Raises OSError or PyngrokError."""
    from pyngrok import installer

    installer._print_progress_enabled = False  # it goes to stdout, which belongs to --json
    agent_path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="ngrok-", dir=agent_path.parent) as name:
        fresh = Path(name) / installer.get_ngrok_bin()
        installer.install_ngrok(str(fresh), timeout=_DOWNLOAD_STALL)
        fresh.replace(agent_path)


def _disconnect(endpoint: str) -> None:
    from pyngrok import ngrok
    from pyngrok.exception import PyngrokError

    # Not ngrok.disconnect(): that would start a new agent if this one has died.
    with suppress(PyngrokError, OSError, HTTPException, ValueError), _loopback_unproxied():
        ngrok.api_request(endpoint, method="DELETE", timeout=_GOODBYE_TIMEOUT)


@contextmanager
def _loopback_unproxied() -> Iterator[None]:
    """No proxy between pyngrok and the agent's API, whatever http_proxy says. urllib reads os.environ."""
    before = os.environ.get("no_proxy")
    kept = before if before is not None else os.environ.get("NO_PROXY", "")
    os.environ["no_proxy"] = ",".join(filter(None, [kept, "127.0.0.1", "localhost"]))
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("no_proxy", None)
        else:
            os.environ["no_proxy"] = before
