"""The ngrok tunnel: an agent of its own, which pyngrok starts."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from devkit.tunnel.deadline import Timer
from devkit.tunnel.ngrok_agent import NgrokOptions, find_agent, running_agent
from devkit.tunnel.supervision import DEFAULT_BACKOFF, AgentNames, Backoff, supervised
from devkit.tunnel.types import Agent, Notify, OpenTunnel, Stopping

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
    def run(local_url: str, stopping: Stopping) -> Iterator[Agent]:
        agent_path = find_agent(options.agent_path, notify=notify, stopping=stopping)
        with running_agent(options, agent_path, local_url, stopping, clock=clock) as agent:
            yield agent

    home = options.private_dir
    return supervised(run, _NAMES, private_dir=home, notify=notify, stopping=stopping, backoff=backoff)
