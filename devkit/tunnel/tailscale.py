"""The Tailscale tunnel: a funnel of the service that runs on this machine already. Its URL is always the same.

A funnel is one entry in the service's own list, next to those of other programs. What Tailscale does is in its source,
https://github.com/tailscale/tailscale: cmd/tailscale/cli/serve_v2.go (the command and its output), ipn/serve.go (the
list as JSON, the ports, the policy), ipn/ipnlocal/serve.go (the headers).
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from devkit.errors import TunnelError
from devkit.tunnel.record_file import RecordFile
from devkit.tunnel.supervision import AgentNames, Backoff, supervised
from devkit.tunnel.tool import ToolResult, first_line, run_tool
from devkit.tunnel.types import Agent, AgentError, Notify, OpenTunnel, Stopping, url_problem
from devkit.webhook.strict_json import InvalidJson, parse

_NAMES = AgentNames("the funnel", "Tailscale")
_BACKOFF = Backoff(poll=3.0)  # each check is a command of 20 to 50 ms
_PORTS = (443, 8443, 10000)  # Funnel has no others

_SET_TIMEOUT = 60.0  # seconds
_MAX_DEPTH = 20
_URL = re.compile(r"^(https?://\S+?)/?\s*$", re.MULTILINE)
# The command prints it, then waits until a person has used it.
_LINK = re.compile(r"https://login\.tailscale\.com/\S+")

_ANOTHER = "use another tunnel: devkit dev --tunnel cloudflared"
_OPERATOR = "sudo tailscale set --operator=$USER, once; then start again: devkit dev --tunnel tailscale"
_START = "Start it: sudo systemctl start tailscaled (macOS and Windows: open the Tailscale app)"


@dataclass(frozen=True, slots=True)
class Funnel:
    """Our entry. program: the `tailscale` command. port: the public one. target: the local URL that it leads to."""

    program: str
    port: int
    target: str

    def is_on(self) -> bool:
        """Whether the entry is there, unchanged. Raises AgentError when Tailscale does not answer."""
        handlers = _handlers(_entries(Path(self.program)), self.port)
        return handlers.get("/") == {"Proxy": self.target}

    def switch_on(self, stopping: Stopping) -> str:
        """Add the entry; return its public URL, empty when the policy forbids the port. Raises AgentError."""
        local_port = self.target.rpartition(":")[2]
        result = run_tool(
            Path(self.program),
            "funnel",
            "--bg",
            f"--https={self.port}",
            local_port,
            timeout=_SET_TIMEOUT,
            stopping=stopping,
            is_enough=lambda text: _LINK.search(text) is not None,
        )
        if result.code != 0:
            if "is not allowed for funnel" in result.text:
                return ""
            raise _explain(result)
        found = _URL.search(result.out)
        if found is None:
            raise AgentError(
                f"tailscale funnel printed no public URL: {first_line(result.text)}",
                hint=f"Look at: tailscale status. Or {_ANOTHER}",
            )
        return found[1]

    def switch_off(self) -> None:
        """Remove the entry, and no other. Raises AgentError."""
        # Without the path, the command removes all paths of the port, and others may have added some.
        result = run_tool(Path(self.program), "funnel", f"--https={self.port}", "--set-path=/", "off")
        if result.code != 0:
            raise _explain(result)


FUNNEL_RECORD = RecordFile("funnel.json", Funnel)  # written before the entry is added


def tailscale_tunnel(
    private_dir: Path, program: Path, *, notify: Notify, stopping: Stopping, backoff: Backoff = _BACKOFF
) -> OpenTunnel:
    """A tunnel through a funnel. private_dir, program: as in `running_funnel`; the others as in `supervised`."""
    run = partial(running_funnel, private_dir, program)
    return supervised(run, _NAMES, notify=notify, stopping=stopping, backoff=backoff)


@contextmanager
def running_funnel(private_dir: Path, program: Path, local_url: str, stopping: Stopping) -> Iterator[Agent]:
    """A funnel to `local_url` while the block runs. Entries of other programs stay as they are. Raises TunnelError.

    private_dir: where the entry is recorded, such as `.devkit`. program: the `tailscale` command.
    """
    require_login(program)
    switch_off_recorded_funnel(private_dir)
    with ExitStack() as closing:
        closing.callback(switch_off_recorded_funnel, private_dir)
        funnel, public_url = _switch_on(private_dir, program, local_url, stopping)
        if problem := url_problem(public_url):
            hint = "Use another tunnel: devkit dev --tunnel cloudflared"
            raise AgentError(f"tailscale opened no safe tunnel: its URL {problem}", hint=hint)
        watch = _Watch(funnel)
        yield Agent(public_url, watch.why_ended, watch.poll)


def _switch_on(private_dir: Path, program: Path, local_url: str, stopping: Stopping) -> tuple[Funnel, str]:
    """The entry on the first port that is free and allowed, and its public URL."""
    used = _used_ports(program)
    for port in _PORTS:
        if port in used:
            continue
        funnel = Funnel(str(program), port, local_url)
        FUNNEL_RECORD.write(private_dir, funnel)  # first: a session can be killed at any moment
        if public_url := funnel.switch_on(stopping):
            return funnel, public_url
    ports = ", ".join(map(str, _PORTS))
    raise AgentError(
        f"Funnel has no port for devkit: of {ports}, each is in use by another program or not allowed by the policy",
        hint=f"See what uses them: tailscale funnel status. Or {_ANOTHER}",
    )


@dataclass(slots=True)
class _Watch:
    """Whether the entry is still there. For the thread that supervises."""

    funnel: Funnel
    is_gone: bool = False

    def poll(self) -> bool:
        """Check that it is there; return whether Tailscale answered."""
        try:
            self.is_gone = not self.funnel.is_on()
        except AgentError:
            return False
        return True

    def why_ended(self) -> str:
        return f"another program removed the funnel from port {self.funnel.port}" if self.is_gone else ""


def find_recorded_funnel(private_dir: Path) -> str:
    """The recorded entry, in words; empty when there is none."""
    funnel = FUNNEL_RECORD.read(private_dir)
    return _name(funnel) if funnel else ""


def switch_off_recorded_funnel(private_dir: Path) -> str:
    """Remove the recorded entry if it is still ours, then the record; return what was removed, in words.

    Raises TunnelError, and keeps the record, when Tailscale does not do it.
    """
    funnel = FUNNEL_RECORD.read(private_dir)
    if funnel is None:
        return ""
    try:
        if is_on := funnel.is_on():
            funnel.switch_off()
    except AgentError as error:
        raise TunnelError(
            f"The funnel on port {funnel.port} could not be switched off: {error.message}.",
            hint=f"devkit restore, or type it yourself: tailscale funnel --https={funnel.port} --set-path=/ off",
        ) from error
    FUNNEL_RECORD.remove(private_dir)
    return _name(funnel) if is_on else ""


def _name(funnel: Funnel) -> str:
    """What an entry of ours is called."""
    return f"the funnel on port {funnel.port}"


def _used_ports(program: Path) -> set[int]:
    """The public ports that have an entry, of devkit or of others. Raises AgentError."""
    entries = _entries(program)
    lists = [entries, *_dict(entries.get("Foreground")).values()]  # those of commands that run in a terminal
    texts = {port for each in lists for port in _dict(_dict(each).get("TCP"))}
    texts |= {name.rpartition(":")[2] for each in lists for name in _dict(_dict(each).get("Web"))}
    return {int(text) for text in texts if text.isdecimal()}


def require_login(program: Path) -> None:
    """Raise AgentError unless Tailscale runs on this machine and is logged in."""
    result = run_tool(program, "status", "--json", "--peers=false")
    state = _json(result).get("BackendState")
    if state in ("NeedsLogin", "NoState", "NeedsMachineAuth"):
        raise AgentError(
            "Tailscale is not logged in on this machine",
            hint=f"Type: sudo tailscale up. Or {_ANOTHER}",
            lasting=True,
        )
    if state == "Stopped":
        raise AgentError(
            "Tailscale is switched off on this machine", hint=f"Type: sudo tailscale up. Or {_ANOTHER}"
        )


def _entries(program: Path) -> dict[str, Any]:
    return _json(run_tool(program, "funnel", "status", "--json"))


def _handlers(entries: dict[str, Any], port: int) -> dict[str, Any]:
    """What a public port serves, by path."""
    for name, server in _dict(entries.get("Web")).items():
        if name.endswith(f":{port}"):
            return _dict(_dict(server).get("Handlers"))
    return {}


def _json(result: ToolResult) -> dict[str, Any]:
    """The JSON object that a command printed. `null` is an empty one: no entry was ever made."""
    try:
        return _dict(parse(result.out.encode(), max_depth=_MAX_DEPTH))
    except InvalidJson:
        raise _explain(result) from None


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _explain(result: ToolResult) -> AgentError:
    text = result.text
    low = text.lower()
    if "failed to connect to local tailscale" in low:
        return AgentError("Tailscale does not run on this machine", hint=f"{_START}. Or {_ANOTHER}")
    if "access denied" in low:
        return AgentError("Tailscale does not let this user open a funnel", hint=_OPERATOR, lasting=True)
    if "funnel not available" in low or "not enabled on your tailnet" in low:
        link = _LINK.search(text)
        hint = f"Allow it: {link[0] if link else 'https://tailscale.com/s/no-funnel'}. Or {_ANOTHER}"
        return AgentError("the policy of your tailnet does not allow Funnel here", hint=hint, lasting=True)
    if result.code is None:
        return AgentError("tailscale did not answer in time", hint=f"{_START}. Or {_ANOTHER}")
    return AgentError(
        f"tailscale refused: {first_line(text)}", hint=f"Look at: tailscale status. Or {_ANOTHER}"
    )
