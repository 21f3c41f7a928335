"""Who may ask the inspector: a page of its own, or a program on this machine. Everybody else gets 403."""

from collections.abc import Iterator

from devkit.callback import FORWARDING_HEADERS, Callback
from devkit.loopback import is_loopback, names_loopback

# A browser says where a request comes from. `none`: typed, or a bookmark. A page on another port of this machine
# is `same-site`, and is not trusted either.
_TRUSTED_SITES = ("same-origin", "none")

# No script but ours, no style but ours, nothing from anywhere else, and in nobody's frame.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: with that, browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def objection(request: Callback, remote: str) -> str:
    """Why a request is refused, for people; empty when it is not. remote: the peer's address."""
    return next(_objections(request, remote), "")


def _objections(request: Callback, remote: str) -> Iterator[str]:
    if not is_loopback(remote):
        yield "It is there for this machine only."
    if any(name.lower() in FORWARDING_HEADERS for name, _ in request.headers):
        yield "The request was forwarded, as by a tunnel or a proxy."
    hosts = _values(request, "host")
    # A name that leads to this machine but is somebody else's would let their page read this one.
    if len(hosts) != 1 or not names_loopback(hosts[0]) or not request.target.startswith("/"):
        yield "The address must be that of this machine, such as http://127.0.0.1:3040."
    if any(origin != f"http://{host}" for origin in _values(request, "origin") for host in hosts):
        yield "The request comes from a page of another origin."
    if any(site not in _TRUSTED_SITES for site in _values(request, "sec-fetch-site")):
        yield "The request comes from another site. Type the address, or paste it into the address bar."


def _values(request: Callback, name: str) -> list[str]:
    return [value for given, value in request.headers if given.lower() == name]
