"""The ngrok tunnel: an agent of its own, which pyngrok starts; where its program is, how it starts and ends."""

import json
import os
import re
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from devkit.durable.regular_file import read_regular_file
from devkit.errors import TunnelError
from devkit.tunnel import pyngrok_driver
from devkit.tunnel.agent_process import agent_home, record_agent, stderr_file, why_ended, write_private
from devkit.tunnel.deadline import Timer, finish_within
from devkit.tunnel.ngrok_errors import explain, redact
from devkit.tunnel.process import end_process
from devkit.tunnel.supervision import AgentNames, Backoff, supervised
from devkit.tunnel.tool import run_tool
from devkit.tunnel.types import (
    Agent,
    AgentError,
    Notify,
    OpenTunnel,
    Stopping,
    TunnelEvent,
    check_stopping,
    url_problem,
)

ENDPOINTS_API = (3, 30)  # the first agent with /api/endpoints: ngrok's agent changelog, 2025-09-23
# The first agent that reads version 3 of the configuration file: ngrok.com/blog/agent-endpoints
_CONFIG_3 = (3, 16)
_NAMES = AgentNames("the ngrok agent", "ngrok")
_BACKOFF = Backoff()
_MAX_CONFIG = 1024 * 1024  # bytes
_TOKEN_LINE = re.compile(r"^[ \t]*authtoken:[ \t]*\S", re.MULTILINE)

_DOWNLOAD_TIMEOUT = 300.0  # seconds
_VERSION_TIMEOUT = 5.0  # seconds
_ABORT_TIMEOUT = 10.0  # seconds that pyngrok gets to notice that its agent was killed

_OTHER_AGENT = (
    "A virus scanner may be in the way: https://ngrok.com/docs/faq/is-ngrok-a-virus. "
    "Or install ngrok yourself and put PYNGROK_NGROK_PATH=/path/to/ngrok into .env"
)
_NO_DOWNLOAD = (
    "Go online (behind a proxy: set https_proxy), or install ngrok from https://ngrok.com/download and put "
    "PYNGROK_NGROK_PATH=/path/to/ngrok into .env"
)


def has_saved_authtoken(config: Path) -> bool:
    """Whether the user's own ngrok.yml holds an authtoken."""
    try:
        text = read_regular_file(config, _MAX_CONFIG).decode("utf-8", "replace")
    except OSError:
        return False
    return _TOKEN_LINE.search(text) is not None


def find_agent(
    wanted: Path | None,
    *,
    notify: Notify,
    stopping: Stopping,
    download: Callable[[Path], None] = pyngrok_driver.download,
) -> Path:
    """The path of the agent's program, downloaded when it is missing. wanted: None for pyngrok's default path."""
    path = (wanted or pyngrok_driver.default_agent_path()).expanduser().absolute()
    if path.exists():
        return path
    notify(TunnelEvent("installing", f"downloading the ngrok agent to {path}"))

    def work() -> None:
        try:
            download(path)
        except Exception as error:  # a proxy, a full disk, a strange archive: the advice is the same
            reason = redact(str(error), "")[:300]
            raise TunnelError(f"the ngrok agent was not downloaded: {reason}", hint=_NO_DOWNLOAD) from error

    try:
        finish_within(_DOWNLOAD_TIMEOUT, work, tick=lambda: check_stopping(stopping))
    except TimeoutError:
        message = f"the ngrok agent was not downloaded within {_DOWNLOAD_TIMEOUT:g} s"
        raise TunnelError(message, hint=_NO_DOWNLOAD) from None
    if not path.exists():
        raise TunnelError(f"the ngrok agent was downloaded to {path}, but is not there", hint=_OTHER_AGENT)
    return path


def agent_version(path: Path, *, timeout: float = _VERSION_TIMEOUT) -> tuple[int, int]:
    """Major and minor version of the agent; an unreadable one counts as new. timeout: seconds. Raises TunnelError."""
    try:
        result = run_tool(path, "--version", timeout=timeout)
    except AgentError as error:
        raise TunnelError(f"the ngrok agent {error.message}", hint=_OTHER_AGENT) from error
    if result.code is None:
        message = f"the ngrok agent {path} did not print its version within {timeout:g} s"
        raise TunnelError(message, hint=_OTHER_AGENT)
    found = re.search(r"version (\d+)\.(\d+)", result.out)
    return (int(found[1]), int(found[2])) if found else ENDPOINTS_API


@dataclass(frozen=True, slots=True)
class NgrokOptions:
    """How an agent is started.

    private_dir: where its own files may be, such as `.devkit`. authtoken: empty for the one in the user's
    ngrok.yml. url: a fixed domain; empty for the account's own. agent_path: None for pyngrok's default path.
    start_timeout: seconds from the agent's start to a public URL.
    """

    private_dir: Path
    authtoken: str = field(default="", repr=False)
    url: str = ""
    agent_path: Path | None = None
    start_timeout: float = 30.0


def ngrok_tunnel(
    options: NgrokOptions,
    *,
    notify: Notify,
    stopping: Stopping,
    backoff: Backoff = _BACKOFF,
    clock: Timer = time.monotonic,
) -> OpenTunnel:
    """A tunnel through an ngrok agent. The arguments are those of `supervised`."""

    @contextmanager
    def run(local_url: str, stopping: Stopping) -> Iterator[Agent]:
        agent_path = find_agent(options.agent_path, notify=notify, stopping=stopping)
        with running_agent(options, agent_path, local_url, stopping, clock=clock) as agent:
            yield agent

    return supervised(run, _NAMES, notify=notify, stopping=stopping, backoff=backoff)


@contextmanager
def running_agent(
    options: NgrokOptions, agent_path: Path, local_url: str, stopping: Stopping, *, clock: Timer
) -> Iterator[Agent]:
    """An agent with a tunnel to `local_url` while the block runs. Raises TunnelError, always in time."""
    with agent_home(options.private_dir) as home, ExitStack() as closing:
        launcher = _write_launcher(home, agent_path)
        log = pyngrok_driver.AgentLog(home)
        start = _Start(options, agent_path, local_url, home, launcher, log, stopping)
        closing.callback(_end_agent, launcher)
        public_url, disconnect = start.connect_in_time(clock)
        closing.callback(disconnect)  # runs first: ngrok then frees the domain at once
        process = pyngrok_driver.process_of(launcher)
        if problem := url_problem(public_url):
            raise TunnelError(
                f"ngrok opened no safe tunnel: its URL {problem}", hint="Set NGROK_URL to an https domain"
            )
        if process is None:
            raise TunnelError("the ngrok agent has ended", hint="Start again: devkit dev")
        yield Agent(public_url.rstrip("/"), why_ended(process, "the ngrok agent"), lambda: log.session_up)


@dataclass(slots=True)
class _Start:
    """One start of an agent."""

    options: NgrokOptions
    agent_path: Path
    local_url: str
    home: Path
    launcher: Path
    log: pyngrok_driver.AgentLog
    stopping: Stopping
    is_recorded: bool = False

    def connect_in_time(self, clock: Timer) -> tuple[str, Callable[[], None]]:
        """As `pyngrok_driver.connect`, always in time."""
        timeout = self.options.start_timeout
        try:
            connection = finish_within(
                timeout,
                self._connect,
                tick=self._tick,
                abort=lambda: _end_agent(self.launcher),
                linger=_ABORT_TIMEOUT,
                clock=clock,
            )
        except TimeoutError:
            error = explain(self.log.errors(), self.options.authtoken)
            message = f"{error.message} (waited {timeout:g} s)"
            raise AgentError(message, hint=error.hint, clears=error.clears, lasting=error.lasting) from None
        self._record()
        return connection

    def _tick(self) -> None:
        self._record()  # already during the start: a session can be killed at any moment
        check_stopping(self.stopping)

    def _record(self) -> None:
        if not self.is_recorded and (process := pyngrok_driver.process_of(self.launcher)):
            record_agent(self.home, process.pid, self.agent_path)
            self.is_recorded = True

    def _connect(self) -> tuple[str, Callable[[], None]]:
        version = agent_version(
            self.agent_path, timeout=min(_VERSION_TIMEOUT, self.options.start_timeout / 2)
        )
        return pyngrok_driver.connect(
            self.launcher,
            self._write_config(version),
            self.local_url,
            authtoken=self.options.authtoken,
            fixed_url=self.options.url,
            endpoints_api=version >= ENDPOINTS_API,
            log=self.log,
        )

    def _write_config(self, version: tuple[int, int]) -> Path | None:
        """The agent's configuration file, with the authtoken; None to use the user's ngrok.yml."""
        token = self.options.authtoken
        if not token and pyngrok_driver.default_config().exists():
            return None
        quoted = json.dumps(token)  # a JSON string is a YAML string
        if version >= _CONFIG_3:
            text = f'version: "3"\nagent:\n  authtoken: {quoted}\n'
        else:
            text = f'version: "2"\nauthtoken: {quoted}\n'
        path = self.home / "ngrok.yml"
        write_private(path, text)
        return path


def _write_launcher(home: Path, agent_path: Path) -> Path:
    """What pyngrok starts instead of the agent: a script that runs it with its stderr in a private file.

    With pyngrok alone the agent inherits stderr, where it prints a wrong authtoken in full (ERR_NGROK_105 and 107).
    """
    if os.name != "posix":
        return agent_path
    write_private(stderr_file(home), "")
    launcher = home / "ngrok"
    agent, stderr = (shlex.quote(str(path)) for path in (agent_path, stderr_file(home)))
    write_private(launcher, f'#!/bin/sh\nexec {agent} "$@" 2>>{stderr}\n', mode=0o700)
    return launcher


def _end_agent(launcher: Path) -> None:
    if process := pyngrok_driver.process_of(launcher):
        end_process(process)
