"""The tunnels that a session can open, by the name that users type."""

from devkit.errors import ConfigurationError

# auto: the first that is there, see `tunnel_choice`. none: only this machine reaches the session.
TUNNELS = ("auto", "ngrok", "cloudflared", "tailscale", "codespaces", "none")


def parse_tunnel_name(name: str) -> str:
    """The name of DEVKIT_TUNNEL, in any case. Raises ConfigurationError."""
    if name.lower() in TUNNELS:
        return name.lower()
    raise ConfigurationError(
        f"DEVKIT_TUNNEL is {name!r}, which is not a tunnel that devkit opens.",
        hint=f"Use one of: {', '.join(TUNNELS)}. For any other: DEVKIT_PUBLIC_URL=https://...",
    )
