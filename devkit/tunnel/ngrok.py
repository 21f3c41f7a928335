"""The ngrok tunnel: an agent of its own, which pyngrok starts."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from devkit.tunnel.deadline import Timer
from devkit.tunnel.ngrok_agent import NgrokOptions, find_agent, running_agent
from devkit.tunnel.supervision import DEFAULT_BACKOFF, AgentNames, Backoff, supervised
from devkit.tunnel.types import Notify, OpenTunnel, Stopping, Tunnel

_NAMES = AgentNames("the ngrok agent", "ngrok")


def ngrok_tunnel(
    options: NgrokOptions,
    *,
    notify: Notify,
    stopping: Stopping,
    backoff: Backoff = DEFAULT_BACKOFF,
    clock: Timer = time.monotonic,
) -> OpenTunnel:
    """A tunnel through an ngrok agent. The arguments are those of `supervised`."""

    @contextmanager
    def open_tunnel(local_url: str) -> Iterator[Tunnel]:
        agent_path = find_agent(options.agent_path, notify=notify, stopping=stopping)
        run = partial(running_agent, options, agent_path, clock=clock)
        with supervised(
            run,
            local_url,
            _NAMES,
            private_dir=options.private_dir,
            notify=notify,
            stopping=stopping,
            backoff=backoff,
        ) as tunnel:
            yield tunnel

    return open_tunnel
