"""The Tailscale tunnel: a funnel of the service that runs on this machine already. Its URL is always the same."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from devkit.tunnel.supervision import AgentNames, Backoff, supervised
from devkit.tunnel.tailscale_funnel import (
    FUNNEL_RECORD,
    PORTS,
    Funnel,
    require_login,
    switch_off_left_funnel,
    used_ports,
)
from devkit.tunnel.types import (
    Agent,
    AgentError,
    Notify,
    OpenTunnel,
    Stopping,
    url_problem,
)

_NAMES = AgentNames("the funnel", "Tailscale")
_BACKOFF = Backoff(poll=3.0)  # each check is a command of 20 to 50 ms


@dataclass(frozen=True, slots=True)
class TailscaleOptions:
    """private_dir: where the entry is recorded, such as `.devkit`. program: the `tailscale` command."""

    private_dir: Path
    program: Path


def tailscale_tunnel(
    options: TailscaleOptions, *, notify: Notify, stopping: Stopping, backoff: Backoff = _BACKOFF
) -> OpenTunnel:
    """A tunnel through a funnel. The arguments are those of `supervised`."""
    run, home = partial(running_funnel, options), options.private_dir
    return supervised(run, _NAMES, private_dir=home, notify=notify, stopping=stopping, backoff=backoff)


@contextmanager
def running_funnel(options: TailscaleOptions, local_url: str, stopping: Stopping) -> Iterator[Agent]:
    """A funnel to `local_url` while the block runs. Entries of other programs stay as they are. Raises TunnelError."""
    require_login(options.program)
    switch_off_left_funnel(options.private_dir)
    with ExitStack() as closing:
        closing.callback(switch_off_left_funnel, options.private_dir)
        funnel, public_url = _switch_on(options, local_url, stopping)
        if problem := url_problem(public_url):
            hint = "Use another tunnel: devkit dev --tunnel cloudflared"
            raise AgentError(f"tailscale opened no safe tunnel: its URL {problem}", hint=hint)
        watch = _Watch(funnel)
        yield Agent(public_url, watch.why_ended, watch.poll)


def _switch_on(options: TailscaleOptions, local_url: str, stopping: Stopping) -> tuple[Funnel, str]:
    """The entry on the first port that is free and allowed, and its public URL."""
    used = used_ports(options.program)
    for port in PORTS:
        if port in used:
            continue
        funnel = Funnel(str(options.program), port, local_url)
        FUNNEL_RECORD.write(options.private_dir, funnel)  # first: a session can be killed at any moment
        if public_url := funnel.switch_on(stopping):
            return funnel, public_url
    ports = ", ".join(map(str, PORTS))
    raise AgentError(
        f"Funnel has no port for devkit: of {ports}, each is in use by another program or not allowed by the policy",
        hint="See what uses them: tailscale funnel status. Or use another tunnel: devkit dev --tunnel cloudflared",
    )


@dataclass(slots=True)
class _Watch:
    """Whether the entry is still there. For the thread that supervises."""

    funnel: Funnel
    is_gone: bool = False

    def poll(self) -> bool:
        """Check that it is there; return whether Tailscale answered."""
        try:
            self.is_gone = not self.funnel.is_on()
        except AgentError:
            return False
        return True

    def why_ended(self) -> str:
        return f"another program removed the funnel from port {self.funnel.port}" if self.is_gone else ""
