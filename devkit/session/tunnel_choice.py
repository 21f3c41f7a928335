"""Which tunnel a live session opens: the one that the settings name, else the first that this machine has."""

import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from devkit.errors import ConfigurationError, NoTunnelError, TunnelError, UsageError
from devkit.http.local_access import is_local_host, is_local_name
from devkit.session.settings import Settings
from devkit.tunnel.cloudflared import CloudflaredOptions, cloudflared_tunnel, running_cloudflared
from devkit.tunnel.codespaces import codespaces_tunnel, in_codespace
from devkit.tunnel.ngrok import NgrokOptions, has_saved_authtoken, ngrok_tunnel
from devkit.tunnel.orphans import ending_orphans
from devkit.tunnel.pyngrok_driver import default_config
from devkit.tunnel.tailscale import running_funnel, tailscale_tunnel
from devkit.tunnel.types import Notify, OpenTunnel, RunAgent, Stopping, given_url, no_tunnel

ChosenTunnel = Literal["own", "ngrok", "cloudflared", "tailscale", "codespaces", "none"]

_INSTALL = {
    "cloudflared": "Install it: https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/downloads",
    "tailscale": "Install it: https://tailscale.com/download",
}


def with_tunnel(settings: Settings, tunnel: str | None, public_url: str | None) -> Settings:
    """The settings with the options of a command line, None where not given. Either option replaces both settings.

    Raises UsageError for both options.
    """
    if tunnel and tunnel != "auto" and public_url:
        raise UsageError(
            f"--tunnel {tunnel} opens a tunnel, but --public-url names one of your own.",
            hint="Choose one of them.",
        )
    if tunnel and tunnel != "auto":
        return replace(settings, tunnel=tunnel, public_url="")
    if tunnel or public_url:
        settings = replace(settings, tunnel="auto")
    return settings if public_url is None else replace(settings, public_url=public_url)


@dataclass(frozen=True, slots=True)
class TunnelTraits:
    """What differs between tunnels.

    check_interval: seconds between two reachability checks. settle: the most seconds until a new public URL leads
    here; None for those that most tunnels need.
    marks_requests: whether each request through it shows that it came through it, by its Host or a forwarding header.
    """

    check_interval: float
    settle: float | None
    marks_requests: bool


# ngrok's free plan counts 20,000 requests a month: a check every 2 minutes makes 5,280 in 22 days of 8 hours, and the
# agent's log reports most losses at once. Other tunnels have neither the limit nor the log.
# Which headers a proxy adds, and how that is known: docs/tunnels.md.
_TRAITS: dict[ChosenTunnel, TunnelTraits] = {
    "own": TunnelTraits(30.0, None, marks_requests=False),  # it may be anything, even a bare TCP tunnel
    "ngrok": TunnelTraits(120.0, None, marks_requests=True),
    "cloudflared": TunnelTraits(30.0, 60.0, marks_requests=True),
    "tailscale": TunnelTraits(30.0, 60.0, marks_requests=True),
    # Its Host is localhost; a person may have to click.
    "codespaces": TunnelTraits(30.0, 120.0, marks_requests=False),
    "none": TunnelTraits(math.inf, None, marks_requests=True),  # no request comes from elsewhere
}


@dataclass(frozen=True, slots=True)
class TunnelFacts:
    """What decides when no tunnel is named: whether there is each of these."""

    public_url: bool = False
    codespace: bool = False
    ngrok_authtoken: bool = False
    cloudflared: bool = False


def choose(wanted: str, facts: TunnelFacts) -> ChosenTunnel:
    """The tunnel to open. wanted: as in `Settings.tunnel`. Pure. Raises NoTunnelError when `auto` finds none."""
    for name in ("ngrok", "cloudflared", "tailscale", "codespaces", "none"):
        if wanted == name:
            return name
    if facts.public_url:
        return "own"
    if facts.codespace:
        return "codespaces"
    if facts.ngrok_authtoken:
        return "ngrok"
    if facts.cloudflared:
        return "cloudflared"
    raise NoTunnelError(
        "Vonage needs a tunnel to this machine, and there is none: no public URL, ngrok authtoken or cloudflared.",
        hint="Without an account: install cloudflared. With a free one: put NGROK_AUTHTOKEN=... into .env.",
        second_hint="Or use your own (--public-url URL, --tunnel tailscale), or the simulator: devkit dev --offline",
    )


@dataclass(frozen=True, slots=True)
class TunnelChoice:
    """The tunnel of a live session."""

    name: ChosenTunnel
    settings: Settings
    private_dir: Path
    environ: Mapping[str, str]

    @property
    def traits(self) -> TunnelTraits:
        return _TRAITS[self.name]

    @property
    def needs_local_port(self) -> bool:
        """Whether programs on this machine need a port of their own, because no header shows who is local."""
        if self.name == "own" and is_local_name(urlsplit(self.settings.public_url).hostname or ""):
            return False  # there is no tunnel
        return not self.traits.marks_requests

    @property
    def notice(self) -> str:
        """What users should know before they rely on it; empty when there is nothing."""
        if self.name == "cloudflared":
            return (
                "The tunnel is a quick tunnel of cloudflared: its URL is new at each start, and what Vonage repeats "
                "to a former URL is lost."
            )
        if self.name == "none":
            return "There is no tunnel: only programs on this machine reach this session."
        if self.needs_local_port:
            return (
                "Who is local cannot be seen through this tunnel. So programs on this machine have a port of their "
                "own: the `receiver` of the ready lines."
            )
        return ""

    def program(self) -> Path:
        """The tunnel's own command. Raises TunnelError when it is not on the PATH."""
        found = shutil.which(self.name, path=self.environ.get("PATH"))
        if found is None:
            raise TunnelError(f"{self.name} is not on the PATH.", hint=_INSTALL[self.name])
        return Path(found)

    def runner(self) -> RunAgent:
        """What starts an agent once, without supervision; for cloudflared and Tailscale. Raises TunnelError."""
        if self.name == "tailscale":
            return partial(running_funnel, self.private_dir, self.program())
        return partial(running_cloudflared, self._cloudflared())

    def opener(self, notify: Notify, stopping: Stopping) -> OpenTunnel:
        """What opens it, after it has ended what a killed session left. notify, stopping: as in `supervised`.

        Raises TunnelError, ConfigurationError.
        """
        return ending_orphans(self._opener(notify, stopping), self.private_dir, notify)

    def _opener(self, notify: Notify, stopping: Stopping) -> OpenTunnel:
        if self.name == "own":
            return given_url(self.settings.public_url)
        if self.name == "none":
            return no_tunnel()
        if self.name == "codespaces":
            return codespaces_tunnel(self.private_dir, self.environ, notify=notify, stopping=stopping)
        if self.name == "cloudflared":
            return cloudflared_tunnel(self._cloudflared(), notify=notify, stopping=stopping)
        if self.name == "tailscale":
            return tailscale_tunnel(self.private_dir, self.program(), notify=notify, stopping=stopping)
        return ngrok_tunnel(ngrok_options(self.settings, self.private_dir), notify=notify, stopping=stopping)

    def _cloudflared(self) -> CloudflaredOptions:
        return CloudflaredOptions(self.private_dir, self.program(), self.environ)


def choose_tunnel(
    settings: Settings, private_dir: Path, environ: Mapping[str, str] = os.environ
) -> TunnelChoice:
    """The tunnel of a live session with these settings. Raises NoTunnelError, ConfigurationError."""
    if settings.public_url and settings.tunnel != "auto":
        raise ConfigurationError(
            f"DEVKIT_TUNNEL is {settings.tunnel}, but DEVKIT_PUBLIC_URL names a tunnel of your own.",
            hint="Remove one of the two from .env, or choose with an option: --tunnel NAME or --public-url URL",
        )
    facts = TunnelFacts(
        public_url=bool(settings.public_url),
        codespace=in_codespace(environ),
        ngrok_authtoken=bool(settings.ngrok_authtoken) or has_saved_authtoken(default_config()),
        cloudflared=shutil.which("cloudflared", path=environ.get("PATH")) is not None,
    )
    return TunnelChoice(choose(settings.tunnel, facts), settings, private_dir, environ)


def refuse_unreachable(choice: TunnelChoice, *, register: bool) -> None:
    """Raise UsageError when the account's callback is to be registered at an address that Vonage cannot reach."""
    # A simulator on this machine can.
    if choice.name == "none" and register and not is_local_host(choice.settings.rest_host):
        raise UsageError(
            "With --tunnel none Vonage cannot reach this machine, so its callback cannot be registered.",
            hint="Add --no-register, or choose a tunnel, such as --tunnel cloudflared",
        )


def ngrok_options(settings: Settings, private_dir: Path) -> NgrokOptions:
    """How ngrok's agent is started with these settings."""
    return NgrokOptions(
        private_dir=private_dir,
        authtoken=settings.ngrok_authtoken,
        url=settings.ngrok_url,
        agent_path=Path(settings.ngrok_path) if settings.ngrok_path else None,
    )
