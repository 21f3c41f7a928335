"""The types that all tunnels share, and the two tunnels that need no agent."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from devkit.errors import ConfigurationError, TunnelError
from devkit.http.local_access import is_local_name

TunnelState = Literal["installing", "waiting", "ended-leftover", "lost", "restored", "restarted", "failed"]


@dataclass(frozen=True, slots=True)
class Tunnel:
    """An open tunnel. public_url: https, or http on loopback only; no trailing slash, no query."""

    public_url: str


@dataclass(frozen=True, slots=True)
class TunnelEvent:
    """A change of a tunnel's state.

    installing, waiting, ended-leftover: before it is open. lost, restored: it is interrupted, or works again with the
    same URL. restarted: it works again with a new agent; compare `public_url` with the former one. failed: it will not
    come back by itself. detail: one line for people, without secrets.
    public_url: the URL from now on; empty before there is one.
    """

    state: TunnelState
    detail: str
    public_url: str = ""


@dataclass(frozen=True, slots=True)
class Agent:
    """Whatever keeps one tunnel open: a process of ours, or an entry in a service of this machine.

    why_ended: how it came to its end, as a sentence without a full stop; empty while it runs. session_up: whether it is
    connected to the service that has the public URL.
    """

    public_url: str
    why_ended: Callable[[], str] = field(repr=False)
    session_up: Callable[[], bool] = field(repr=False)


class AgentError(TunnelError):
    """The agent opened no tunnel.

    clears: a second attempt may succeed, because the reason ends by itself. lasting: no further attempt can succeed.
    """

    def __init__(self, message: str, *, hint: str, clears: bool = False, lasting: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.clears = clears
        self.lasting = lasting


OpenTunnel = Callable[[str], AbstractContextManager[Tunnel]]  # a local address such as http://127.0.0.1:3000
Notify = Callable[[TunnelEvent], None]
Stopping = Callable[[], bool]
RunAgent = Callable[[str, Stopping], AbstractContextManager[Agent]]  # a local address, as above


def check_stopping(stopping: Stopping) -> None:
    """Raise TunnelError when the session is about to end."""
    if stopping():
        raise TunnelError("stopped before the tunnel was open", hint="Start again: devkit dev")


def no_tunnel() -> OpenTunnel:
    """No tunnel: the public URL is the local one."""
    return _fixed


def given_url(public_url: str) -> OpenTunnel:
    """The user's own tunnel: its URL is used as given. Raises ConfigurationError."""
    url = public_url.strip().rstrip("/")
    if problem := url_problem(url):
        raise ConfigurationError(
            f"the public URL {problem}",
            hint="Use the URL of a tunnel that leads here: https://NAME.example.com",
        )
    return lambda local_url: _fixed(url)


@contextmanager
def _fixed(url: str) -> Iterator[Tunnel]:
    yield Tunnel(url.rstrip("/"))


def url_problem(url: str) -> str:
    """Why a text cannot be a tunnel's public URL, to follow the words "the public URL"; empty when it can be."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    if parts.username is not None or parts.password is not None:
        return "holds a user name or a password"  # not shown: it is a secret
    if parts.scheme not in ("https", "http") or not host or any(char <= " " or char > "~" for char in url):
        return f"is not an https URL: {url!r}"
    if parts.query or parts.fragment:
        return f"has a query or a fragment: {url!r}"
    # Callbacks hold phone numbers and the callback's token: in plain http only within this machine.
    if parts.scheme == "http" and not is_local_name(host):
        return f"is plain http: {url!r}"
    return ""
