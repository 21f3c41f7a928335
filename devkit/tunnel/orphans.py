"""What a killed session left of its tunnel: agents that still run, a funnel, a public port of a codespace."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devkit.errors import TunnelError
from devkit.tunnel.agent_process import end_orphaned_agents, find_orphaned_agents
from devkit.tunnel.codespaces import find_recorded_port, restore_recorded_port
from devkit.tunnel.tailscale import find_recorded_funnel, switch_off_recorded_funnel
from devkit.tunnel.types import Notify, OpenTunnel, Tunnel, TunnelEvent


def find_orphans(private_dir: Path) -> list[str]:
    """What there is, in words. Only for a project in which no session runs."""
    agents = [f"an agent (process {agent.pid})" for agent in find_orphaned_agents(private_dir)]
    return [*agents, *filter(None, [find_recorded_funnel(private_dir), find_recorded_port(private_dir)])]


def end_orphans(private_dir: Path) -> list[str]:
    """End it; return what was ended, in words. As `find_orphans`. Raises TunnelError."""
    agents = ["an agent"] if end_orphaned_agents(private_dir) else []
    return [
        *agents,
        *filter(None, [switch_off_recorded_funnel(private_dir), restore_recorded_port(private_dir)]),
    ]


def ending_orphans(open_tunnel: OpenTunnel, private_dir: Path, notify: Notify) -> OpenTunnel:
    """The same tunnel; before it is opened, what a killed session left is ended."""

    @contextmanager
    def open_after(local_url: str) -> Iterator[Tunnel]:
        try:
            if ended := end_orphans(private_dir):
                detail = f"ended what a killed session had left: {', '.join(ended)}"
                notify(TunnelEvent("ended-leftover", detail))
        except TunnelError as error:  # it stays recorded; this session may use another tunnel
            notify(TunnelEvent("waiting", f"{error.message} {error.hint}"))
        with open_tunnel(local_url) as tunnel:
            yield tunnel

    return open_after
