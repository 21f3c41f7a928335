"""The Codespaces tunnel: the forwarded port of the GitHub codespace that devkit runs in. There is no agent."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from devkit.errors import TunnelError
from devkit.tunnel.codespaces_port import (
    PORT_RECORD,
    CodespacePort,
    RunTool,
    codespace_port,
    hide_left_port,
    run_gh,
)
from devkit.tunnel.leftovers import end_leftovers
from devkit.tunnel.types import AgentError, Notify, OpenTunnel, Stopping, Tunnel, TunnelEvent, url_problem


def codespaces_tunnel(
    private_dir: Path,
    environ: Mapping[str, str],
    *,
    notify: Notify,
    stopping: Stopping = lambda: False,
    run: RunTool = run_gh,
) -> OpenTunnel:
    """The forwarded port of the receiver, public while the tunnel is open. private_dir: of the project."""
    until_stopped = partial(run, stopping=stopping)

    @contextmanager
    def open_tunnel(local_url: str) -> Iterator[Tunnel]:
        port, public_url = codespace_port(environ, urlsplit(local_url).port or 0)
        if problem := url_problem(public_url):
            raise TunnelError(
                f"The codespace has no usable URL: it {problem}.",
                hint="Choose another tunnel: devkit dev --tunnel cloudflared",
            )
        end_leftovers(private_dir)
        with ExitStack() as closing:
            closing.callback(hide_left_port, private_dir, run)
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
