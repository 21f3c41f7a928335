"""A WSGI application served on a socket of ours, with headers handed over as they arrived."""

from devkit.server.group import Rest
from devkit.server.listening import listen
from devkit.server.serve import MAX_BODY, serve

__all__ = ["MAX_BODY", "Rest", "listen", "serve"]
