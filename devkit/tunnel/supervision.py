"""Supervises the agent of a tunnel: reports a lost connection, and starts the agent again after its end."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

from devkit.errors import TunnelError
from devkit.tunnel.types import (
    Agent,
    AgentError,
    Notify,
    OpenTunnel,
    RunAgent,
    Stopping,
    Tunnel,
    TunnelEvent,
    TunnelState,
)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays, in seconds.

    poll: between two checks of the agent's state. retry: before the second attempt when the first one met an obstacle
    that clears by itself; ngrok drops a stale session after 15 s. restarts: before each restart in turn; the last one
    repeats.
    """

    poll: float = 0.2
    retry: float = 20.0
    restarts: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0, 30.0)


_POLL_INTERVAL = 0.1  # seconds between two checks of `stopping` during a pause


@dataclass(frozen=True, slots=True)
class AgentNames:
    """What users call an agent, such as `the ngrok agent`, and the service that it is connected to."""

    agent: str
    service: str


def supervised(
    run: RunAgent,
    names: AgentNames,
    *,
    notify: Notify,
    stopping: Stopping,
    backoff: Backoff,
) -> OpenTunnel:
    """A tunnel that is kept open. Opening it raises TunnelError.

    run: starts an agent. notify: gets what happens, also from another thread; it must return soon, because closing
    waits for it, and raise nothing. stopping: polled; once it is true, opening ends with a TunnelError, and nothing is
    restarted.
    """

    @contextmanager
    def open_tunnel(local_url: str) -> Iterator[Tunnel]:
        with ExitStack() as running:  # the agent that runs now

            def start(stopping: Stopping) -> Agent:
                running.close()  # what is left of the former agent
                return running.enter_context(run(local_url, stopping))

            supervisor = _Supervisor(start, names, notify, stopping, backoff)
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
    names: AgentNames
    notify: Notify
    stopping: Stopping
    backoff: Backoff
    closing: Event = field(default_factory=Event)

    def first_agent(self) -> Agent:
        try:
            return self.start(self._is_over)
        except AgentError as error:
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
            reason = agent.why_ended()
            if not reason or self._is_over():
                continue
            if up:
                self._notify("lost", reason, agent)
            successor = self._restart(agent)
            if successor is None:
                return
            agent, up = successor, True

    def _check_session(self, agent: Agent, was_up: bool) -> bool:
        up = agent.session_up()
        if was_up and not up:
            self._notify(
                "lost", f"{self.names.service} has lost its connection and is trying to get it back", agent
            )
        elif up and not was_up:
            self._notify("restored", f"{self.names.service} has its connection back", agent)
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
                if isinstance(error, AgentError) and error.lasting:
                    detail = f"{self.names.agent} cannot be started again: {error.message}"
                    self._notify("failed", detail, former)
                    return None
                continue
            same = agent.public_url == former.public_url
            detail = "with the same public URL" if same else f"with a new public URL: {agent.public_url}"
            self._notify("restarted", f"{self.names.agent} was started again, {detail}", agent)
            return agent

    def _pause(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._is_over() and (left := deadline - time.monotonic()) > 0:
            self.closing.wait(min(left, _POLL_INTERVAL))

    def _is_over(self) -> bool:
        return self.closing.is_set() or self.stopping()

    def _notify(self, state: TunnelState, detail: str, agent: Agent) -> None:
        self.notify(TunnelEvent(state, detail, agent.public_url))
