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
from devkit.webhook.callback import CALLBACK_PATH, REACHABILITY_HEADER

_PUBLIC_TIMEOUT = 20.0  # seconds; the name of a new tunnel can take a few to be known everywhere
_CHECK_TIMEOUT = 8.0  # seconds for one check, all of it
_LOCAL_TIMEOUT = 10.0  # seconds
_PAUSE = 0.5

# Free plans of ngrok show browsers a page of their own first.
_NO_BROWSER_PAGE = {"ngrok-skip-browser-warning": "1"}


def wait_until_reachable(
    callback_url: str,
    nonce: str,
    received: threading.Event,
    stop: Shutdown,
    *,
    timeout: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Return once our receiver got the nonce through the public URL, and the URL answered exactly 200.

    Vonage requires the same before it saves a URL. timeout: seconds; None for those that most tunnels need.
    Raises TunnelError when that does not happen in time, ShutdownRequested.
    """
    left = _PUBLIC_TIMEOUT if timeout is None else timeout
    deadline = clock() + left
    while True:
        stop.check()
        problem = check_reachable(callback_url, nonce, received, stop, seconds=min(_CHECK_TIMEOUT, left))
        if not problem:
            return
        if (left := deadline - clock()) <= 0:
            address = parse_address(callback_url, allow_remote=True)
            raise TunnelError(
                f"The public URL {address} does not lead here: {problem}.",
                hint="Check that the tunnel forwards to devkit's port, or stop it and let devkit open one.",
            )
        stop.wait(_PAUSE)


def check_reachable(
    callback_url: str,
    nonce: str,
    received: threading.Event,
    stop: Shutdown,
    *,
    seconds: float = _CHECK_TIMEOUT,
) -> str:
    """Check once. Return the problem, without a full stop; empty when the public URL leads here.

    received: set by the receiver when the nonce arrives. seconds: for the whole response; `received` gets one more.
    Raises ShutdownRequested.
    """
    received.clear()  # an earlier check may have set it
    headers = {REACHABILITY_HEADER: nonce, **_NO_BROWSER_PAGE}
    try:
        status = response_status("GET", callback_url, headers, stop, seconds=seconds)
    except NoResponse as error:
        return str(error)
    if status != 200:
        return f"it answered {status}"
    return "" if received.wait(1) else "another program answered in our place"


def local_callback_url(session: Session) -> str:
    """The session's callback URL as this machine reaches it, without the tunnel. A relay's path is not served here."""
    return session.local_url + (CALLBACK_PATH if session.relay else urlsplit(session.callback_url).path)


def why_unreachable(callback_url: str, stop: Shutdown | None = None) -> str:
    """Why no receiver answers at a callback URL, without a full stop; empty when one does. Takes up to ten seconds.

    The receiver does not report HEAD requests, so a running session shows nothing. Raises ShutdownRequested.
    """
    stop = stop or Shutdown()
    try:
        status = response_status("HEAD", callback_url, _NO_BROWSER_PAGE, stop, seconds=_LOCAL_TIMEOUT)
    except NoResponse as error:
        return str(error)
    except UsageError as error:
        return error.message.rstrip(".")
    return "" if status == 200 else f"{parse_address(callback_url, allow_remote=True)} answers {status}"
