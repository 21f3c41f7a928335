"""The tunnel through ngrok: finds the agent, starts it, keeps it at work, and clears up."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from devkit.tunnel.agent import NgrokOptions, running_agent
from devkit.tunnel.binary import find_agent
from devkit.tunnel.contract import Notify, OpenTunnel, Stopping, Tunnel, TunnelEvent
from devkit.tunnel.deadline import Clock
from devkit.tunnel.leftover import end_leftover_agent
from devkit.tunnel.supervision import Pace, supervised

_DEFAULT_PACE = Pace()


def ngrok_tunnel(
    options: NgrokOptions,
    *,
    notify: Notify,
    stopping: Stopping,
    pace: Pace = _DEFAULT_PACE,
    clock: Clock = time.monotonic,
) -> OpenTunnel:
    """A tunnel through an ngrok agent of its own, which pyngrok starts.

    notify: hears what happens, also from another thread; it must return soon and raise nothing.
    stopping: asked ten times a second; once it is true, opening ends with a TunnelError, and nothing is
    started again.
    """

    @contextmanager
    def open_tunnel(local_url: str) -> Iterator[Tunnel]:
        if end_leftover_agent(options.private_dir):
            notify(TunnelEvent("ended-leftover", "ended an ngrok agent that a killed session had left"))
        agent_path = find_agent(options.agent_path, notify=notify, stopping=stopping)
        with supervised(
            lambda stopping: running_agent(options, agent_path, local_url, stopping=stopping, clock=clock),
            notify=notify,
            stopping=stopping,
            pace=pace,
        ) as public_url:
            yield Tunnel(public_url)

    return open_tunnel
