"""The question from outside in: does the public URL lead to our own receiver?"""

import threading
import time
from collections.abc import Callable

from devkit.callback import PROBE_HEADER, Callback
from devkit.errors import PushError, TunnelError
from devkit.push import parse_address, push
from devkit.stop import Stop

_PATIENCE = 20  # seconds; a fresh tunnel's name can take a few to be known everywhere
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
    deadline = clock() + _PATIENCE
    while True:
        stop.check()
        found = ask(callback_url, nonce, heard)
        if not found:
            return
        if clock() > deadline:
            address = parse_address(callback_url, allow_remote=True)
            raise TunnelError(
                f"The public URL {address} does not lead here: {found}.",
                hint="Check that the tunnel forwards to devkit's port, or stop it and let devkit open one.",
            )
        stop.wait(_PAUSE)


def ask_anew(callback_url: str, nonce: str, heard: threading.Event) -> str:
    """As `ask`, when our receiver has heard the nonce before."""
    heard.clear()
    return ask(callback_url, nonce, heard)


def ask(callback_url: str, nonce: str, heard: threading.Event) -> str:
    """Ask once; what is wrong, in words without a full stop, or nothing when the public URL leads here.

    heard: set by the receiver when the nonce arrives. Takes 9 seconds at most.
    """
    address = parse_address(callback_url, allow_remote=True)
    question = Callback(
        "GET",
        address.target,
        (
            ("Host", address.netloc),
            ("User-Agent", "devkit"),
            (PROBE_HEADER, nonce),
            ("ngrok-skip-browser-warning", "1"),  # free plans show browsers a page of their own first
            ("Connection", "close"),
        ),
    )
    try:
        status = push(question, address, timeout=5).status
    except PushError as error:
        return error.message.rstrip(".")
    if status != 200:
        return f"it answered {status}"
    return "" if heard.wait(1) else "another program answered in our place"
