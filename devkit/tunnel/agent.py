"""One ngrok agent process: where its program is, how it starts and ends."""

import json
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from devkit.errors import TunnelError
from devkit.tunnel import pyngrok_driver
from devkit.tunnel.deadline import Timer, finish_within
from devkit.tunnel.ngrok_errors import NgrokError, explain, redact
from devkit.tunnel.orphaned_agents import agent_home, record_agent, write_private
from devkit.tunnel.types import Notify, Stopping, TunnelEvent, url_problem

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
    download: Callable[[Path], None] = pyngrok_driver.download,
) -> Path:
    """The path of the agent, downloaded when it is not there. wanted: None for pyngrok's own place."""
    path = (wanted or pyngrok_driver.default_agent_path()).expanduser().absolute()
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


_ENDPOINTS_API = (3, 30)  # the first agent with /api/endpoints: ngrok's agent changelog, 2025-09-23
_STDERR = "stderr.txt"
_VERSION_TIMEOUT = 5.0  # seconds
_KILL_TIMEOUT = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class NgrokOptions:
    """How an agent is started.

    private_dir: where its own files may be, such as `.devkit`. authtoken: empty for the one in the user's
    ngrok.yml. url: a fixed domain; empty for the one that the account has. agent_path: None for pyngrok's own
    place. start_timeout: seconds from the agent's start to a public URL.
    """

    private_dir: Path
    authtoken: str = field(default="", repr=False)
    url: str = ""
    agent_path: Path | None = None
    start_timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class Agent:
    """A running agent with one tunnel. exit_code: None while it runs; what it was once it ended.

    session_up: whether the agent has its session with ngrok's service, when it was so `before`.
    """

    public_url: str
    exit_code: Callable[[], int | None] = field(repr=False)
    session_up: Callable[[bool], bool] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Start:
    """All that starting one agent needs."""

    options: NgrokOptions
    agent_path: Path
    local_url: str
    home: Path
    launcher: Path
    journal: pyngrok_driver.AgentLog


@contextmanager
def running_agent(
    options: NgrokOptions, agent_path: Path, local_url: str, *, stopping: Stopping, clock: Timer
) -> Iterator[Agent]:
    """An agent with a tunnel to `local_url`, while the context lasts. Raises TunnelError, always in time."""
    with agent_home(options.private_dir) as home, ExitStack() as closing:
        launcher = _write_launcher(home, agent_path)
        start = _Start(
            options, agent_path, local_url, home, launcher, pyngrok_driver.AgentLog(home / _STDERR)
        )
        closing.callback(_end_agent, launcher)
        public_url, disconnect = _connect_in_time(start, stopping, clock)
        closing.callback(disconnect)  # first: ngrok frees the domain at once then
        yield _agent(start, public_url)


def _agent(start: _Start, public_url: str) -> Agent:
    process = pyngrok_driver.process_of(start.launcher)
    if problem := url_problem(public_url):
        raise TunnelError(
            f"ngrok opened no safe tunnel: its URL {problem}", hint="Set NGROK_URL to an https domain"
        )
    if process is None:
        raise TunnelError("the ngrok agent has gone", hint="Start again: devkit dev")
    return Agent(public_url.rstrip("/"), process.poll, start.journal.session_up)


def _connect_in_time(start: _Start, stopping: Stopping, clock: Timer) -> tuple[str, Callable[[], None]]:
    recorded: list[int] = []

    def record() -> None:
        # While it starts already: a session can be killed at any moment.
        process = pyngrok_driver.process_of(start.launcher)
        if process is not None and not recorded:
            record_agent(start.home, process.pid, start.agent_path)
            recorded.append(process.pid)

    try:
        connection = finish_within(
            start.options.start_timeout,
            lambda: _connect(start),
            stopping=stopping,
            tick=record,
            abort=lambda: _end_agent(start.launcher),
            clock=clock,
        )
    except TimeoutError:
        raise _too_slow(start) from None
    record()
    return connection


def _connect(start: _Start) -> tuple[str, Callable[[], None]]:
    version = agent_version(start.agent_path, timeout=min(_VERSION_TIMEOUT, start.options.start_timeout / 2))
    return pyngrok_driver.connect(
        start.launcher,
        _write_config(start, version),
        start.local_url,
        authtoken=start.options.authtoken,
        fixed_url=start.options.url,
        endpoints_api=version >= _ENDPOINTS_API,
        journal=start.journal,
    )


def _too_slow(start: _Start) -> NgrokError:
    error = explain(start.journal.complaints(), start.options.authtoken)
    message = f"{error.message} (waited {start.options.start_timeout:g} s)"
    return NgrokError(message, hint=error.hint, code=error.code, lasting=error.lasting)


def _write_launcher(home: Path, agent_path: Path) -> Path:
    """What pyngrok starts in place of the agent: the agent, with its stderr in a private file.

    pyngrok lets it inherit stderr, where it shows a wrong authtoken in full (ERR_NGROK_105 and 107).
    """
    if os.name != "posix":
        return agent_path
    write_private(home / _STDERR, "")
    launcher = home / "ngrok"
    agent, stderr = (shlex.quote(str(path)) for path in (agent_path, home / _STDERR))
    write_private(launcher, f'#!/bin/sh\nexec {agent} "$@" 2>>{stderr}\n', mode=0o700)
    return launcher


def _write_config(start: _Start, version: tuple[int, int]) -> Path | None:
    """The agent's configuration file, with the authtoken; None when the user's ngrok.yml is to be used."""
    token = start.options.authtoken
    if not token and pyngrok_driver.default_config().exists():
        return None
    quoted = json.dumps(token)  # a JSON text is a YAML text
    if version >= (3, 16):  # the first agent that knows version 3 of the file: ngrok.com/blog/agent-endpoints
        text = f'version: "3"\nagent:\n  authtoken: {quoted}\n'
    else:
        text = f'version: "2"\nauthtoken: {quoted}\n'
    path = start.home / "ngrok.yml"
    write_private(path, text)
    return path


def _end_agent(launcher: Path) -> None:
    """End the agent, with all that it may have started, and see that it is gone."""
    process = pyngrok_driver.process_of(launcher)
    if process is None:
        return
    with suppress(OSError):
        if os.name == "posix" and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # it leads its own session, so this ends nobody else
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_KILL_TIMEOUT)
