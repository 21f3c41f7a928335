"""The reachability check: does the public URL lead to our own receiver?"""

import threading
import time
from collections.abc import Callable

from devkit.bounded_request import NoResponse, response_status
from devkit.callback import PROBE_HEADER
from devkit.errors import TunnelError
from devkit.push import parse_address
from devkit.stop import Stop

_PATIENCE = 20.0  # seconds; a fresh tunnel's name can take a few to be known everywhere
_ONE_CHECK = 8.0  # seconds for one check, all of it
_PAUSE = 0.5


def reach(
    callback_url: str,
    nonce: str,
    heard: threading.Event,
    stop: Stop,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Return once our receiver heard the nonce through the public URL, and the URL answered exactly 200.

    This is what Vonage asks before it saves a URL. Raises TunnelError when it does not come about in time,
    StopRequested when it is time to stop.
    """
    deadline, left = clock() + _PATIENCE, _PATIENCE
    while True:
        stop.check()
        found = ask(callback_url, nonce, heard, stop, seconds=min(_ONE_CHECK, left))
        if not found:
            return
        if (left := deadline - clock()) <= 0:
            address = parse_address(callback_url, allow_remote=True)
            raise TunnelError(
                f"The public URL {address} does not lead here: {found}.",
                hint="Check that the tunnel forwards to devkit's port, or stop it and let devkit open one.",
            )
        stop.wait(_PAUSE)


def ask_anew(callback_url: str, nonce: str, heard: threading.Event, stop: Stop) -> str:
    """As `ask`, when our receiver has heard the nonce before."""
    heard.clear()
    return ask(callback_url, nonce, heard, stop)


def ask(
    callback_url: str, nonce: str, heard: threading.Event, stop: Stop, *, seconds: float = _ONE_CHECK
) -> str:
    """Ask once; what is wrong, in words without a full stop, or nothing when the public URL leads here.

    heard: set by the receiver when the nonce arrives. seconds: for the whole response; a second more for `heard`.
    Raises StopRequested.
    """
    # Free plans of ngrok show browsers a page of their own first.
    headers = {PROBE_HEADER: nonce, "ngrok-skip-browser-warning": "1"}
    try:
        status = response_status("GET", callback_url, headers, stop, seconds=seconds)
    except NoResponse as error:
        return str(error)
    if status != 200:
        return f"it answered {status}"
    return "" if heard.wait(1) else "another program answered in our place"
