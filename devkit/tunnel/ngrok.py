"""The ngrok tunnel: starts the agent, supervises it, restarts it."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from threading import Event, Thread

from devkit.errors import TunnelError
from devkit.tunnel.agent import Agent, NgrokOptions, find_agent, running_agent
from devkit.tunnel.deadline import Timer, pause
from devkit.tunnel.ngrok_errors import NgrokError
from devkit.tunnel.orphaned_agents import end_leftover_agent
from devkit.tunnel.types import Notify, OpenTunnel, Stopping, Tunnel, TunnelEvent, TunnelState

StartAgent = Callable[[Stopping], AbstractContextManager[Agent]]


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long things take, in seconds.

    poll: between two looks at the agent. retry: before the second try when the first one met a stale session,
    which ngrok forgets after 15 s. back_off: before each restart in turn; the last one repeats.
    """

    poll: float = 0.2
    retry: float = 20.0
    back_off: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0, 30.0)


@contextmanager
def supervised(start: StartAgent, *, notify: Notify, stopping: Stopping, pace: Backoff) -> Iterator[str]:
    """The public URL of an agent that is watched, and started again after a crash, while the context lasts.

    `notify` is also called from another thread; it must return soon, as closing waits for it.
    """
    with ExitStack() as holder:  # of the agent that runs now
        agent = _first_agent(holder, start, notify, stopping, pace)
        closing = Event()
        watch = _Watch(holder, start, notify, lambda: closing.is_set() or stopping(), closing.wait, pace)
        thread = Thread(target=watch.run, args=(agent,), name="tunnel", daemon=True)
        thread.start()
        try:
            yield agent.public_url
        finally:
            closing.set()
            thread.join()


def _first_agent(
    holder: ExitStack, start: StartAgent, notify: Notify, stopping: Stopping, pace: Backoff
) -> Agent:
    try:
        return holder.enter_context(start(stopping))
    except NgrokError as error:
        if not error.clears:
            raise
        notify(TunnelEvent("waiting", f"{error.message}; trying once more in {pace.retry:g} s"))
    pause(pace.retry, stopping)
    return holder.enter_context(start(stopping))


@dataclass(frozen=True, slots=True)
class _Watch:
    holder: ExitStack
    start: StartAgent
    notify: Notify
    stopping: Stopping
    wait: Callable[[float], object]
    pace: Backoff

    def run(self, agent: Agent) -> None:
        """Watch until it is time to stop, or until no agent can be had any more."""
        up = True
        while not self.stopping():
            pause(self.pace.poll, self.stopping, wait=self.wait)
            up = self._check_session(agent, up)
            code = agent.exit_code()
            if code is None or self.stopping():
                continue
            if up:
                self._tell("lost", f"the ngrok agent ended by itself (exit code {code})", agent)
            successor = self._restart(agent)
            if successor is None:
                return
            agent, up = successor, True

    def _check_session(self, agent: Agent, up: bool) -> bool:
        now_up = agent.session_up(up)
        if up and not now_up:
            self._tell("lost", "ngrok has lost its connection and is trying to get it back", agent)
        elif now_up and not up:
            self._tell("restored", "ngrok has its connection back", agent)
        return now_up

    def _restart(self, former: Agent) -> Agent | None:
        delays = iter(self.pace.back_off)
        delay = 0.0
        while True:
            delay = next(delays, delay)
            pause(delay, self.stopping, wait=self.wait)
            if self.stopping():
                return None
            self.holder.close()  # what is left of the former one
            try:
                agent = self.holder.enter_context(self.start(self.stopping))
            except TunnelError as error:
                if isinstance(error, NgrokError) and error.lasting:
                    self._tell("failed", f"the ngrok agent cannot be started again: {error.message}", former)
                    return None
                continue
            same = agent.public_url == former.public_url
            detail = "with the same public URL" if same else f"with a new public URL: {agent.public_url}"
            self._tell("restarted", f"the ngrok agent was started again, {detail}", agent)
            return agent

    def _tell(self, state: TunnelState, detail: str, agent: Agent) -> None:
        self.notify(TunnelEvent(state, detail, agent.public_url))


_DEFAULT_BACKOFF = Backoff()


def ngrok_tunnel(
    options: NgrokOptions,
    *,
    notify: Notify,
    stopping: Stopping,
    pace: Backoff = _DEFAULT_BACKOFF,
    clock: Timer = time.monotonic,
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
