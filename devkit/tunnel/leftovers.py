"""What a killed session has left of its tunnel: agents that still run, a funnel entry, a public port of a codespace."""

from pathlib import Path

from devkit.tunnel.codespaces_port import hide_left_port, left_port
from devkit.tunnel.orphaned_agents import end_orphaned_agents, find_orphaned_agents
from devkit.tunnel.tailscale_funnel import left_funnel, switch_off_left_funnel


def find_leftovers(private_dir: Path) -> list[str]:
    """What there is, in words. Only for a project in which no session runs."""
    agents = [f"an agent (process {agent.pid})" for agent in find_orphaned_agents(private_dir)]
    return [*agents, *filter(None, [left_funnel(private_dir), left_port(private_dir)])]


def end_leftovers(private_dir: Path) -> list[str]:
    """End it; return what was ended, in words. As `find_leftovers`. Raises TunnelError."""
    agents = ["an agent"] if end_orphaned_agents(private_dir) else []
    return [*agents, *filter(None, [switch_off_left_funnel(private_dir), hide_left_port(private_dir)])]
