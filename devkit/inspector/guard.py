"""Who may ask the inspector: a page of its own, or a program on this machine. Everybody else gets 403."""

from devkit import stranger
from devkit.callback import Callback

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
    if not request.target.startswith("/"):
        return "The request asks for another host's page."
    return stranger.objection(request.headers, remote, own_pages=True)
