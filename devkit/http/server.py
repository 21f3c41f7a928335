"""Serves a WSGI application on a given socket, with headers as they arrived."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

from devkit.errors import ConfigurationError
from devkit.http.channel import Channel, GroupDispatcher, WsgiBatchHandler
from devkit.http.request import WSGIApplication


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


MAX_BODY = 64 * 1024  # bytes; a receipt has a few hundred
_MAX_HEADER = 32 * 1024  # bytes, request line included
_STOP_SECONDS = 5  # for requests under way when the server is told to stop
_MAX_CONNECTIONS = 1100
_MAX_CONNECTIONS_SELECT = 400
_SPARE_FILES = 100  # of those a process may open: for recordings, the other servers, and what Python needs


@contextmanager
def serve(
    app: WSGIApplication,
    listener: socket.socket,
    *,
    threads: int = 8,
    ahead: WsgiBatchHandler | None = None,
    max_body: int = MAX_BODY,
    patience: float = 30,
) -> Iterator[None]:
    """Serve while the block runs; on the way out, requests under way are finished and everything is closed.

    threads: requests handled at once.
    ahead: handles requests that came together before the application does, see `WsgiBatchHandler`. One thread does
    everything then, so neither may wait for anything but the disk.
    max_body: bytes; above it 413, before the body is read.
    patience: seconds for a request to arrive whole, and for an idle connection to stay.
    """
    # It would print a line for each request that has to wait for a thread, which is no news under load.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server: Any = create_server(
        app,
        sockets=[listener],
        threads=threads,
        _dispatcher=GroupDispatcher(ahead) if ahead else None,
        ident=None,  # no Server header
        max_request_body_size=max_body + 1,
        max_request_header_size=_MAX_HEADER,
        connection_limit=_most_connections(),
        asyncore_use_poll=True,  # select() ends at 1024 file descriptors
        clear_untrusted_proxy_headers=False,  # they are part of what arrived
    )
    # Set here, not above, where only whole seconds are taken.
    server.adj.channel_timeout, server.adj.cleanup_interval = patience, min(1, patience / 4)
    server.channel_class = Channel
    if ahead:
        server.task_dispatcher.attend(server)
    loop = threading.Thread(target=server.run, name=f"server-{listener.getsockname()[1]}", daemon=True)
    loop.start()
    try:
        yield
    finally:
        _stop(server, loop)


def _most_connections() -> int:
    """As many as the process may have; accepting one more than it may open files for fails in a busy loop."""
    try:
        from resource import RLIMIT_NOFILE, getrlimit
    except ImportError:  # Windows, where select() takes 512 sockets, and fails beyond
        return _MAX_CONNECTIONS_SELECT
    files = getrlimit(RLIMIT_NOFILE)[0]
    return _MAX_CONNECTIONS if files < 0 else max(_SPARE_FILES, min(_MAX_CONNECTIONS, files - _SPARE_FILES))


def _stop(server: Any, loop: threading.Thread) -> None:
    # Sockets are closed by the thread that polls them; a trigger's thunk runs there.
    server.trigger.pull_trigger(lambda: wasyncore.dispatcher.close(server))
    deadline = time.monotonic() + _STOP_SECONDS
    while _busy(server) and time.monotonic() < deadline:
        time.sleep(0.01)
    with server.trigger.lock:  # or the loop closes the trigger before the write that wakes it up
        server.trigger.thunks.append(lambda: _close_all(server))
        server.trigger.pull_trigger()
    loop.join(_STOP_SECONDS)
    server.task_dispatcher.shutdown(timeout=_STOP_SECONDS)


def _busy(server: Any) -> bool:
    return any(channel.busy for channel in list(server.active_channels.values()))


def _close_all(server: Any) -> None:
    for dispatcher in list(server._map.values()):
        dispatcher.close()
