"""The ngrok tunnel: starts the agent, watches it, and restarts it after a crash."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

from devkit.errors import TunnelError
from devkit.tunnel.agent import Agent, NgrokOptions, find_agent, running_agent
from devkit.tunnel.deadline import Timer
from devkit.tunnel.ngrok_errors import NgrokError
from devkit.tunnel.orphaned_agents import end_orphaned_agents
from devkit.tunnel.types import Notify, OpenTunnel, Stopping, Tunnel, TunnelEvent, TunnelState


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays, in seconds.

    poll: between two looks at the agent's state. retry: before the second attempt when the first one met a stale
    session, which ngrok drops after 15 s. restarts: before each restart in turn; the last one repeats.
    """

    poll: float = 0.2
    retry: float = 20.0
    restarts: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0, 30.0)


_DEFAULT_BACKOFF = Backoff()
_POLL_INTERVAL = 0.1  # seconds between two looks at `stopping` during a pause


def ngrok_tunnel(
    options: NgrokOptions,
    *,
    notify: Notify,
    stopping: Stopping,
    backoff: Backoff = _DEFAULT_BACKOFF,
    clock: Timer = time.monotonic,
) -> OpenTunnel:
    """A tunnel through an ngrok agent of its own, which pyngrok starts.

    notify: gets what happens, also from another thread; it must return soon, because closing waits for it, and raise
    nothing. stopping: polled; once it is true, opening ends with a TunnelError, and nothing is restarted.
    """

    @contextmanager
    def open_tunnel(local_url: str) -> Iterator[Tunnel]:
        if end_orphaned_agents(options.private_dir):
            notify(TunnelEvent("ended-leftover", "ended an ngrok agent that a killed session had left"))
        agent_path = find_agent(options.agent_path, notify=notify, stopping=stopping)
        with ExitStack() as running:  # the agent that runs now

            def start(stopping: Stopping) -> Agent:
                running.close()  # what is left of the former agent
                return running.enter_context(
                    running_agent(options, agent_path, local_url, stopping=stopping, clock=clock)
                )

            supervisor = _Supervisor(start, notify, stopping, backoff)
            agent = supervisor.first_agent()
            thread = Thread(target=supervisor.run, args=(agent,), name="tunnel", daemon=True)
            thread.start()
            try:
                yield Tunnel(agent.public_url)
            finally:
                supervisor.closing.set()
                thread.join()

    return open_tunnel


@dataclass(frozen=True, slots=True)
class _Supervisor:
    """Keeps one agent running. start: ends the former agent first. closing: set when the tunnel is to be closed."""

    start: Callable[[Stopping], Agent]
    notify: Notify
    stopping: Stopping
    backoff: Backoff
    closing: Event = field(default_factory=Event)

    def first_agent(self) -> Agent:
        try:
            return self.start(self._is_over)
        except NgrokError as error:
            if not error.clears:
                raise
            delay = self.backoff.retry
            self.notify(TunnelEvent("waiting", f"{error.message}; trying once more in {delay:g} s"))
        self._pause(delay)
        return self.start(self._is_over)

    def run(self, agent: Agent) -> None:
        """Watch the agent until it is time to stop, or until it cannot be restarted."""
        up = True
        while not self._is_over():
            self._pause(self.backoff.poll)
            up = self._check_session(agent, up)
            code = agent.exit_code()
            if code is None or self._is_over():
                continue
            if up:
                self._notify("lost", f"the ngrok agent ended by itself (exit code {code})", agent)
            successor = self._restart(agent)
            if successor is None:
                return
            agent, up = successor, True

    def _check_session(self, agent: Agent, was_up: bool) -> bool:
        up = agent.session_up()
        if was_up and not up:
            self._notify("lost", "ngrok has lost its connection and is trying to get it back", agent)
        elif up and not was_up:
            self._notify("restored", "ngrok has its connection back", agent)
        return up

    def _restart(self, former: Agent) -> Agent | None:
        delays = iter(self.backoff.restarts)
        delay = 0.0
        while True:
            delay = next(delays, delay)
            self._pause(delay)
            if self._is_over():
                return None
            try:
                agent = self.start(self._is_over)
            except TunnelError as error:
                if isinstance(error, NgrokError) and error.lasting:
                    self._notify(
                        "failed", f"the ngrok agent cannot be started again: {error.message}", former
                    )
                    return None
                continue
            same = agent.public_url == former.public_url
            detail = "with the same public URL" if same else f"with a new public URL: {agent.public_url}"
            self._notify("restarted", f"the ngrok agent was started again, {detail}", agent)
            return agent

    def _pause(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._is_over() and (left := deadline - time.monotonic()) > 0:
            self.closing.wait(min(left, _POLL_INTERVAL))

    def _is_over(self) -> bool:
        return self.closing.is_set() or self.stopping()

    def _notify(self, state: TunnelState, detail: str, agent: Agent) -> None:
        self.notify(TunnelEvent(state, detail, agent.public_url))
