"""The Codespaces tunnel: the forwarded port of the GitHub codespace that devkit runs in. There is no agent."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from devkit.errors import TunnelError
from devkit.tunnel.record_file import RecordFile
from devkit.tunnel.tool import ToolResult, first_line, run_tool
from devkit.tunnel.types import AgentError, Notify, OpenTunnel, Stopping, Tunnel, TunnelEvent, url_problem
from devkit.webhook.strict_json import InvalidJson, parse

RunTool = Callable[..., ToolResult]  # as `run_tool`
_run_gh: RunTool = partial(run_tool, timeout=30.0)  # seconds; GitHub is asked

_HINT = "Use the Ports tab of the codespace: right-click the port, Port Visibility"
_DOMAIN = "app.github.dev"


@dataclass(frozen=True, slots=True)
class CodespacePort:
    """program: the `gh` command; empty without one. visibility: before the session; `private`, `org` or `public`."""

    program: str
    codespace: str
    port: int
    visibility: str = ""

    def read_visibility(self, run: RunTool) -> str:
        """Who may use it now; `private` while it is not forwarded yet. Raises AgentError."""
        result = self._gh(run, "ports", "--json", "sourcePort,visibility")
        try:
            ports = parse(result.out.encode(), max_depth=4)
        except InvalidJson:
            raise _failed(result) from None
        for each in ports if isinstance(ports, list) else ():
            if isinstance(each, dict) and each.get("sourcePort") == self.port:
                return str(each.get("visibility") or "private")
        return "private"

    def set_visibility(self, visibility: str, run: RunTool) -> None:
        """Set who may use it; read it back if `gh` does not confirm it. Raises AgentError.

        With an error that `clears`, the visibility is not known: GitHub may still change it.
        """
        result = self._gh(run, "ports", "visibility", f"{self.port}:{visibility}")
        if result.code == 0:
            return
        error = _failed(result)
        try:
            is_done = self.read_visibility(run) == visibility
        except AgentError:
            message = f"{error.message}, and who may use port {self.port} now is not known"
            raise AgentError(message, hint=_HINT, clears=True) from error
        if not is_done:
            raise error

    def _gh(self, run: RunTool, *arguments: str) -> ToolResult:
        if not self.program:
            raise AgentError("gh is not on the PATH", hint=_HINT)
        return run(Path(self.program), "codespace", *arguments, "-c", self.codespace)


PORT_RECORD = RecordFile("codespace-port.json", CodespacePort)  # written before the port becomes public


def in_codespace(environ: Mapping[str, str]) -> bool:
    """Whether this machine is a codespace."""
    return bool(environ.get("CODESPACE_NAME"))


def _codespace_port(environ: Mapping[str, str], port: int) -> tuple[CodespacePort, str]:
    """A port of the codespace, and its public URL. Raises TunnelError outside of one."""
    name = environ.get("CODESPACE_NAME", "")
    if not name:
        raise TunnelError(
            "This machine is no codespace: CODESPACE_NAME is not set.",
            hint="Choose another tunnel: devkit dev --tunnel cloudflared",
        )
    domain = environ.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN") or _DOMAIN
    program = shutil.which("gh", path=environ.get("PATH")) or ""
    return CodespacePort(program, name, port), f"https://{name}-{port}.{domain}"


def codespaces_tunnel(
    private_dir: Path,
    environ: Mapping[str, str],
    *,
    notify: Notify,
    stopping: Stopping = lambda: False,
    run: RunTool = _run_gh,
) -> OpenTunnel:
    """The forwarded port of the receiver, public while the tunnel is open. private_dir: of the project."""
    until_stopped = partial(run, stopping=stopping)

    @contextmanager
    def open_tunnel(local_url: str) -> Iterator[Tunnel]:
        port, public_url = _codespace_port(environ, urlsplit(local_url).port or 0)
        if problem := url_problem(public_url):
            raise TunnelError(
                f"The codespace has no usable URL: it {problem}.",
                hint="Choose another tunnel: devkit dev --tunnel cloudflared",
            )
        restore_recorded_port(private_dir, run)
        with ExitStack() as closing:
            closing.callback(restore_recorded_port, private_dir, run)
            try:
                _publish(private_dir, port, until_stopped)
            except AgentError as error:
                notify(TunnelEvent("waiting", f"{error.message}: {_click(port.port)}"))
            yield Tunnel(public_url)

    return open_tunnel


def _publish(private_dir: Path, port: CodespacePort, run: RunTool) -> None:
    """Make the port public, unless it is so already. Raises AgentError, TunnelError."""
    former = port.read_visibility(run)
    if former == "public":
        return
    PORT_RECORD.write(private_dir, replace(port, visibility=former))
    try:
        port.set_visibility("public", run)
    except AgentError as error:
        if not error.clears:
            PORT_RECORD.remove(private_dir)  # there is nothing to undo
        raise


def _click(port: int) -> str:
    return f"in the Ports tab, right-click port {port} and choose Port Visibility, Public"


def find_recorded_port(private_dir: Path) -> str:
    """The recorded port, in words; empty when there is none."""
    port = PORT_RECORD.read(private_dir)
    return _name(port) if port else ""


def restore_recorded_port(private_dir: Path, run: RunTool = _run_gh) -> str:
    """Give the recorded port its former visibility, and remove the record; return what was changed, in words.

    Raises TunnelError, and keeps the record, when GitHub does not do it.
    """
    port = PORT_RECORD.read(private_dir)
    if port is None:
        return ""
    try:
        port.set_visibility(port.visibility, run)
    except AgentError as error:
        raise TunnelError(
            f"Port {port.port} of the codespace could not be made {port.visibility} again: {error.message}.",
            hint=f"devkit restore, or in the Ports tab: right-click {port.port}, Port Visibility, {port.visibility}",
        ) from error
    PORT_RECORD.remove(private_dir)
    return _name(port)


def _name(port: CodespacePort) -> str:
    return f"the public port {port.port} of the codespace"


def _failed(result: ToolResult) -> AgentError:
    if result.code is None:
        return AgentError("gh did not answer in time", hint=_HINT, clears=True)
    return AgentError(f"gh refused: {first_line(result.text)}", hint=_HINT)
