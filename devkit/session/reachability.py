"""The reachability check: does the public URL lead to our own receiver?"""

import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from devkit.errors import TunnelError, UsageError
from devkit.http.address import parse_address
from devkit.session.bounded_request import NoResponse, response_status
from devkit.session.project import Session
from devkit.session.signals import Shutdown
from devkit.webhook.callback import PROBE_HEADER

_PUBLIC_TIMEOUT = 20.0  # seconds; a fresh tunnel's name can take a few to be known everywhere
_ONE_CHECK = 8.0  # seconds for one check, all of it
_PAUSE = 0.5


def wait_until_reachable(
    callback_url: str,
    nonce: str,
    heard: threading.Event,
    stop: Shutdown,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Return once our receiver heard the nonce through the public URL, and the URL answered exactly 200.

    This is what Vonage asks before it saves a URL. Raises TunnelError when it does not come about in time,
    ShutdownRequested when it is time to stop.
    """
    deadline, left = clock() + _PUBLIC_TIMEOUT, _PUBLIC_TIMEOUT
    while True:
        stop.check()
        found = check_reachable(callback_url, nonce, heard, stop, seconds=min(_ONE_CHECK, left))
        if not found:
            return
        if (left := deadline - clock()) <= 0:
            address = parse_address(callback_url, allow_remote=True)
            raise TunnelError(
                f"The public URL {address} does not lead here: {found}.",
                hint="Check that the tunnel forwards to devkit's port, or stop it and let devkit open one.",
            )
        stop.wait(_PAUSE)


def check_again(callback_url: str, nonce: str, heard: threading.Event, stop: Shutdown) -> str:
    """As `check_reachable`, when our receiver has heard the nonce before."""
    heard.clear()
    return check_reachable(callback_url, nonce, heard, stop)


def check_reachable(
    callback_url: str, nonce: str, heard: threading.Event, stop: Shutdown, *, seconds: float = _ONE_CHECK
) -> str:
    """Ask once; what is wrong, in words without a full stop, or nothing when the public URL leads here.

    heard: set by the receiver when the nonce arrives. seconds: for the whole response; a second more for `heard`.
    Raises ShutdownRequested.
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


_LOCAL_TIMEOUT = 10.0  # seconds


def local_callback_url(session: Session) -> str:
    """The session's callback URL as this machine reaches it, without the tunnel."""
    return session.local_url + urlsplit(session.callback_url).path


def why_unreachable(callback_url: str, stop: Shutdown | None = None) -> str:
    """Why no receiver answers at a callback URL, in words without a full stop; nothing when one does.

    The receiver tells nobody of a HEAD, so a session that runs shows nothing. Takes up to ten seconds.
    Raises ShutdownRequested.
    """
    # Free plans of ngrok show browsers a page of their own first.
    headers = {"ngrok-skip-browser-warning": "1"}
    try:
        status = response_status("HEAD", callback_url, headers, stop or Shutdown(), seconds=_LOCAL_TIMEOUT)
    except NoResponse as error:
        return str(error)
    except UsageError as error:
        return error.message.rstrip(".")
    return "" if status == 200 else f"{parse_address(callback_url, allow_remote=True)} answers {status}"
