"""Whether a request comes from a program on this machine, or a page of the server's own, or else from a stranger."""

from collections.abc import Iterable, Iterator

from devkit.callback import FORWARDING_HEADERS
from devkit.loopback import is_loopback, names_loopback


def objection(headers: Iterable[tuple[str, str]], remote: str, *, own_pages: bool) -> str:
    """Why a request is a stranger's, for people; empty when it is not.

    headers: names and values as they arrived. remote: the peer's address.
    own_pages: whether the server has pages that may ask; else what any page asks is a stranger's.
    """
    return next(_objections(headers, remote, own_pages=own_pages), "")


def _objections(headers: Iterable[tuple[str, str]], remote: str, *, own_pages: bool) -> Iterator[str]:
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    if not is_loopback(remote):
        yield "It is there for this machine only."
    # A tunnel's agent is on this machine, too, but it forwards the public Host or says for whom it asks.
    if FORWARDING_HEADERS & values.keys():
        yield "The request was forwarded, as by a tunnel or a proxy."
    hosts = values.get("host", [])
    # A name that leads to this machine but is somebody else's would let their page read what is here.
    if len(hosts) != 1 or not names_loopback(hosts[0]):
        yield "The address must be that of this machine: 127.0.0.1, localhost or [::1]."
    # Any page that the developer looks at can have the browser ask this machine, but not hide that it did.
    own = [f"http://{host}" for host in hosts] if own_pages else []
    if any(origin not in own for origin in values.get("origin", [])):
        yield "The request comes from a page of another origin."
    # `none`: typed, or a bookmark. A page on another port of this machine is `same-site`, and a stranger's as well.
    sites = ("none", "same-origin") if own_pages else ("none",)
    if any(site not in sites for site in values.get("sec-fetch-site", [])):
        yield "The request comes from another site. Type the address, or paste it into the address bar."
