"""The cloudflared tunnel: a quick tunnel of Cloudflare's, without an account. Its URL is new at each start.

What cloudflared does is in its source, https://github.com/cloudflare/cloudflared: metrics/ and
cmd/cloudflared/tunnel/quick_tunnel.go. Its local metrics server is asked instead of its log, which is for people and
changes.
"""

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from devkit.errors import TunnelError
from devkit.tunnel.agent_process import agent_home, reported_errors, start_agent, why_ended, write_private
from devkit.tunnel.deadline import Timer, finish_within
from devkit.tunnel.process import end_process
from devkit.tunnel.supervision import AgentNames, Backoff, supervised
from devkit.tunnel.tool import first_line
from devkit.tunnel.types import (
    Agent,
    AgentError,
    Notify,
    OpenTunnel,
    Stopping,
    check_stopping,
    url_problem,
)
from devkit.webhook.strict_json import InvalidJson, parse

_NAMES = AgentNames("cloudflared", "cloudflared")
_BACKOFF = Backoff(poll=1.0)

_PORT_ATTEMPTS = 3
_ASK_TIMEOUT = 2.0  # seconds; the metrics server is on this machine
_ASK_INTERVAL = 0.1  # seconds
_ABORT_TIMEOUT = 10.0  # seconds
_HOW_TO_CONNECT = ("TUNNEL_TRANSPORT_PROTOCOL", "TUNNEL_EDGE_IP_VERSION", "TUNNEL_EDGE_BIND_ADDRESS")
_MAX_ANSWER = 4096  # bytes
_LOG_PREFIX = re.compile(r"^\S+Z (ERR|FTL|WRN|INF) ", re.MULTILINE)
_ELSEWHERE = "Check the network (devkit doctor), use another tunnel (--tunnel NAME), or none (--offline)"


@dataclass(frozen=True, slots=True)
class CloudflaredOptions:
    """private_dir: where its own files may be, such as `.devkit`. start_timeout: seconds from the start to a URL."""

    private_dir: Path
    program: Path
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    start_timeout: float = 40.0


def cloudflared_tunnel(
    options: CloudflaredOptions, *, notify: Notify, stopping: Stopping, backoff: Backoff = _BACKOFF
) -> OpenTunnel:
    """A quick tunnel. The arguments are those of `supervised`."""
    run = partial(running_cloudflared, options)
    return supervised(run, _NAMES, notify=notify, stopping=stopping, backoff=backoff)


@contextmanager
def running_cloudflared(
    options: CloudflaredOptions, local_url: str, stopping: Stopping, *, clock: Timer = time.monotonic
) -> Iterator[Agent]:
    """cloudflared with a quick tunnel to `local_url` while the block runs. Raises TunnelError, always in time."""
    with agent_home(options.private_dir) as home, ExitStack() as stack:
        start = _Start(options, local_url, home, stopping, clock)
        for attempt in range(_PORT_ATTEMPTS):
            metrics_port = _free_port()
            process = start.process(metrics_port)
            stack.callback(end_process, process)
            if public_url := start.wait(process, metrics_port):
                break
            errors = reported_errors(home)
            if "address already in use" not in errors or attempt == _PORT_ATTEMPTS - 1:
                raise _explain(errors)
        if problem := url_problem(public_url):
            raise AgentError(f"cloudflared opened no safe tunnel: its URL {problem}", hint=_ELSEWHERE)
        # While its metrics server does not answer, the connection is not known to be lost.
        yield Agent(
            public_url.rstrip("/"),
            why_ended(process, "cloudflared"),
            lambda: _ask(metrics_port, "/ready")[0] != 503,
        )


@dataclass(frozen=True, slots=True)
class _Start:
    """One start of cloudflared."""

    options: CloudflaredOptions
    local_url: str
    home: Path
    stopping: Stopping
    clock: Timer

    def process(self, metrics_port: int) -> "subprocess.Popen[bytes]":
        # Cloudflare opens no quick tunnel for a user who has a configuration file of named tunnels, so it gets another.
        config = self.home / f"config-{metrics_port}.yml"
        write_private(config, "no-autoupdate: true\n")
        command: list[str | Path] = [
            self.options.program,
            "tunnel",
            "--config",
            config,
            "--no-autoupdate",
            "--loglevel",
            "error",
            "--metrics",
            f"127.0.0.1:{metrics_port}",
            "--url",
            self.local_url,
        ]
        return start_agent(command, self.home, _environ(self.options.environ))

    def wait(self, process: "subprocess.Popen[bytes]", metrics_port: int) -> str:
        """The public URL once it is connected; empty when the process has ended before. Raises TunnelError."""
        timeout = self.options.start_timeout
        try:
            return finish_within(
                timeout,
                partial(_wait_until_connected, process, metrics_port),
                tick=partial(check_stopping, self.stopping),
                abort=partial(end_process, process),
                linger=_ABORT_TIMEOUT,
                clock=self.clock,
            )
        except TimeoutError:
            error = _explain(reported_errors(self.home))
            raise AgentError(f"{error.message} (waited {timeout:g} s)", hint=error.hint) from None


def _environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what would make it a named tunnel, such as TUNNEL_NAME and TUNNEL_TOKEN."""
    return {
        name: value
        for name, value in environ.items()
        if name in _HOW_TO_CONNECT or not name.startswith("TUNNEL_")
    }


def _wait_until_connected(process: "subprocess.Popen[bytes]", metrics_port: int) -> str:
    hostname = ""
    while process.poll() is None:
        hostname = hostname or _hostname(_ask(metrics_port, "/quicktunnel")[1])
        # Not before it is connected: a resolver that is asked too early remembers that the name does not exist.
        if hostname and _ask(metrics_port, "/ready")[0] == 200:
            return hostname if "://" in hostname else f"https://{hostname}"
        with suppress(subprocess.TimeoutExpired):
            process.wait(_ASK_INTERVAL)
    return ""


def _hostname(answer: bytes) -> str:
    try:
        found = parse(answer, max_depth=2)
    except InvalidJson:
        return ""
    name = found.get("hostname") if isinstance(found, dict) else ""
    return name if isinstance(name, str) else ""


def _ask(port: int, path: str) -> tuple[int, bytes]:
    """Status and body of the metrics server; 0 when it does not answer."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=_ASK_TIMEOUT)) as connection:
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read(_MAX_ANSWER)
        except (OSError, HTTPException):
            return 0, b""


def _free_port() -> int:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            return int(server.getsockname()[1])
    except OSError as error:
        hint = "End some programs, or raise the limit on open files: ulimit -n"
        raise TunnelError(f"no port is free for cloudflared: {error.strerror}", hint=hint) from error


def _explain(errors: str) -> AgentError:
    if "429" in errors or "error code: 1015" in errors:
        return AgentError(
            "Cloudflare gives this network no further quick tunnel for now (429)",
            hint="Wait some minutes, or use another tunnel: devkit dev --tunnel NAME",
        )
    line = first_line(_LOG_PREFIX.sub("", errors))
    return AgentError(f"cloudflared opened no tunnel: {line}", hint=_ELSEWHERE)
