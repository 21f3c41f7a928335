"""A listening socket of ours."""

import socket

from devkit.errors import ConfigurationError


def listen(host: str, port: int, *, option: str = "--port") -> socket.socket:
    """A listening socket; port 0 takes a free one.

    option: what the user types to choose another. Raises ConfigurationError when the port can't be had.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows: there SO_REUSEADDR shares a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or "not a port number"
        raise ConfigurationError(
            f"Port {port} cannot be used: {reason}.",
            hint=f"Stop the program that has it, or choose another port with {option} (0 takes any free one).",
        ) from error
    return listener
