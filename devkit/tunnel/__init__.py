"""The tunnel: whatever gives a local address a public URL."""

from devkit.tunnel.agent import NgrokOptions
from devkit.tunnel.contract import Notify, OpenTunnel, Tunnel, TunnelEvent, given_url, no_tunnel
from devkit.tunnel.leftover import end_leftover_agent
from devkit.tunnel.ngrok import ngrok_tunnel
from devkit.tunnel.supervision import Pace

__all__ = [
    "NgrokOptions",
    "Notify",
    "OpenTunnel",
    "Pace",
    "Tunnel",
    "TunnelEvent",
    "end_leftover_agent",
    "given_url",
    "ngrok_tunnel",
    "no_tunnel",
]
