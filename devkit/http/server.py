"""Serves a WSGI application on a given socket, with headers as they arrived."""

import errno
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
from devkit.http.channel import BatchDispatcher, Channel, ReceivedBatchHandler
from devkit.http.request import WSGIApplication


def listen(host: str, port: int, *, option: str = "--port") -> socket.socket:
    """A listening socket; port 0 takes a free one.

    option: how users choose another port. Raises ConfigurationError if the port can't be used.
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
        if getattr(error, "errno", None) == errno.EADDRNOTAVAIL:
            raise ConfigurationError(
                f"{host} is not an address of this machine.",
                hint="Listen on 127.0.0.1, or on all addresses: 0.0.0.0",
            ) from error
        reason = getattr(error, "strerror", None) or "not a port number"
        raise ConfigurationError(
            f"Port {port} cannot be used: {reason}.",
            hint=f"Stop the program that uses it, or choose another port with {option} (0 takes any free one).",
        ) from error
    return listener


MAX_BODY = 64 * 1024  # bytes; a receipt has a few hundred
_MAX_HEADER = 32 * 1024  # bytes, request line included
_STOP_SECONDS = 5  # for requests in progress when the server stops
_THREADS_END_SECONDS = 0.5  # for threads without a request
_MAX_CONNECTIONS = 1100
_MAX_CONNECTIONS_SELECT = 400
_SPARE_FILES = 100  # of those that a process may open: for recordings, the other servers, and Python itself


@contextmanager
def serve(
    app: WSGIApplication,
    listener: socket.socket,
    *,
    threads: int = 8,
    handle_batch: ReceivedBatchHandler | None = None,
    timeout: float = 30,
    channel: type[Channel] = Channel,
) -> Iterator[None]:
    """Serve an application while the block runs; then finish the requests in progress and close all connections.

    A body above MAX_BODY is answered 413 before it is read.
    threads: for requests that the application handles.
    handle_batch: gets requests that arrived together, before the application, see `ReceivedBatchHandler`. Then one
    thread does everything, so both may wait for the disk and for nothing else.
    timeout: seconds for a request to arrive, and for an idle connection to stay open.
    channel: the class of connections.
    """
    # It would print a line for each request that waits for a thread, which is normal under load.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server: Any = create_server(
        app,
        sockets=[listener],
        threads=threads,
        _dispatcher=BatchDispatcher(handle_batch) if handle_batch else None,
        ident=None,  # no Server header
        max_request_body_size=MAX_BODY + 1,
        max_request_header_size=_MAX_HEADER,
        connection_limit=_most_connections(),
        asyncore_use_poll=True,  # select() ends at 1024 file descriptors
        clear_untrusted_proxy_headers=False,  # they are part of what arrived
    )
    # Set here: create_server() takes whole seconds only.
    server.adj.channel_timeout, server.adj.cleanup_interval = timeout, min(1, timeout / 4)
    server.channel_class = channel
    if handle_batch:
        server.task_dispatcher.attach(server)
    loop = threading.Thread(target=server.run, name=f"server-{listener.getsockname()[1]}", daemon=True)
    loop.start()
    try:
        yield
    finally:
        _stop(server, loop)


def _most_connections() -> int:
    """As many as the process may open. One more, and accept() fails in a busy loop."""
    try:
        from resource import RLIMIT_NOFILE, getrlimit
    except ImportError:  # Windows, where select() fails for more than 512 sockets
        return _MAX_CONNECTIONS_SELECT
    files = getrlimit(RLIMIT_NOFILE)[0]
    return _MAX_CONNECTIONS if files < 0 else max(_SPARE_FILES, min(_MAX_CONNECTIONS, files - _SPARE_FILES))


def _stop(server: Any, loop: threading.Thread) -> None:
    # The thread that polls the sockets must close them; a trigger's thunk runs there.
    server.trigger.pull_trigger(lambda: wasyncore.dispatcher.close(server))
    deadline = time.monotonic() + _STOP_SECONDS
    while _busy(server) and time.monotonic() < deadline:
        time.sleep(0.01)
    with server.trigger.lock:  # else the loop could close the trigger before the write that wakes it up
        server.trigger.thunks.append(lambda: _close_all(server))
        server.trigger.pull_trigger()
    loop.join(_STOP_SECONDS)
    # A request that is still in progress has had its time.
    server.task_dispatcher.shutdown(timeout=max(_THREADS_END_SECONDS, deadline - time.monotonic()))


def _busy(server: Any) -> bool:
    return any(channel.busy for channel in list(server.active_channels.values()))


def _close_all(server: Any) -> None:
    for dispatcher in list(server._map.values()):
        dispatcher.close()
