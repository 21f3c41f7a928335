"""The tunnel: whatever gives a local address a public URL."""

from devkit.tunnel.agent import NgrokOptions
from devkit.tunnel.ngrok import Backoff, ngrok_tunnel
from devkit.tunnel.orphaned_agents import end_leftover_agent
from devkit.tunnel.types import Notify, OpenTunnel, Tunnel, TunnelEvent, given_url, no_tunnel

__all__ = [
    "Backoff",
    "NgrokOptions",
    "Notify",
    "OpenTunnel",
    "Tunnel",
    "TunnelEvent",
    "end_leftover_agent",
    "given_url",
    "ngrok_tunnel",
    "no_tunnel",
]
