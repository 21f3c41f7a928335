"""Runs a simulator: creates and closes its schedule, connections and server."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from devkit.http.connection_pool import ConnectionPool
from devkit.simulator.inbound import receive
from devkit.simulator.occurrences import Observer
from devkit.simulator.options import SimulatorOptions
from devkit.simulator.scheduler import Clock, Schedule
from devkit.simulator.state import Simulator

_DEFAULTS = SimulatorOptions()
_EVERYWHERE = "0.0.0.0"  # who may use it, `app` decides for each request


@contextmanager
def run_simulator(
    options: SimulatorOptions = _DEFAULTS,
    *,
    listener: socket.socket | None = None,
    clock: Clock | None = None,
    tls: ssl.SSLContext | None = None,
    watch: Observer = lambda occurrence: None,
) -> Iterator[Simulator]:
    """A simulator that listens while the block runs, on the given listener or on a free port, see `listen_for`.

    listener: is closed at the end. clock: for another start or timer; its speed overrides that of the options.
    tls: the port takes https beside plain http. watch: called with each occurrence, in the thread where it happens.
    """
    # Imported here: the types of this package need no web framework.
    from devkit.http.channel import Channel
    from devkit.http.server import serve
    from devkit.simulator.app import create_app
    from devkit.simulator.tls import tls_channel

    clock = clock or Clock(options.speed)
    with ExitStack() as stack:
        pool = stack.enter_context(
            ConnectionPool(
                connect_timeout=options.connect_timeout, timeout=options.read_timeout, timer=clock.real
            )
        )
        schedule = stack.enter_context(Schedule(clock, threads=options.workers))
        listener = listener or listen_for(options, 0)
        simulator = Simulator(
            _host(listener),
            replace(options, speed=clock.speed),
            clock,
            schedule,
            push=pool.push,
            receive=receive,
            watch=watch,
        )
        channel = tls_channel(tls, watch) if tls else Channel
        stack.enter_context(serve(create_app(simulator), listener, threads=16, channel=channel))
        stack.callback(simulator.close)
        yield simulator


def listen_for(options: SimulatorOptions, port: int) -> socket.socket:
    """A listening socket on 127.0.0.1, or on all addresses for programs in private networks. Errors as `listen`."""
    from devkit.http.server import listen

    return listen(_EVERYWHERE if options.private_network else "127.0.0.1", port)


def _host(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host == _EVERYWHERE:
        host = "127.0.0.1"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
