"""A small server for one question: does a public URL lead to this machine? For when no session runs."""

import secrets
import threading
from collections.abc import Callable, Iterable
from typing import Any

from devkit.callback import CALLBACK_PATH, PROBE_HEADER
from devkit.errors import DevkitError
from devkit.outside import reach
from devkit.stop import Stop

_HEADER = f"HTTP_{PROBE_HEADER.upper().replace('-', '_')}"
_PATH = f"{CALLBACK_PATH}/doctor"


class Ear:
    """Hears our own question, and sends all else away with 503, so that a real receipt comes again later."""

    def __init__(self) -> None:
        self.nonce = secrets.token_hex(16)
        self.heard = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        ours = environ.get(_HEADER) == self.nonce
        if ours:
            self.heard.set()
        start_response("200 OK" if ours else "503 Service Unavailable", [("Content-Length", "0")])
        return [b""]


def ask_through(public_url: str, ear: Ear, stop: Stop) -> DevkitError | None:
    """Why a public URL does not lead to the ear, which must be served; None when it does. Raises StopRequested."""
    try:
        reach(f"{public_url.rstrip('/')}{_PATH}", ear.nonce, ear.heard, stop)
    except DevkitError as error:
        return error
    return None
