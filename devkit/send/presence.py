"""Whether a session's receiver is where it should be, asked without leaving a trace in the session."""

from urllib.parse import urlsplit

from devkit.bounded_request import NoResponse, response_status
from devkit.errors import UsageError
from devkit.push import parse_address
from devkit.session import Session
from devkit.stop import Stop

_PATIENCE = 10.0  # seconds


def local_callback_url(session: Session) -> str:
    """The session's callback URL as this machine reaches it, without the tunnel."""
    return session.local_url + urlsplit(session.callback_url).path


def absence(callback_url: str, stop: Stop | None = None) -> str:
    """Why no receiver answers at a callback URL, in words without a full stop; nothing when one does.

    The receiver tells nobody of a HEAD, so a session that runs shows nothing. Takes up to ten seconds.
    Raises StopRequested.
    """
    # Free plans of ngrok show browsers a page of their own first.
    headers = {"ngrok-skip-browser-warning": "1"}
    try:
        status = response_status("HEAD", callback_url, headers, stop or Stop(), seconds=_PATIENCE)
    except NoResponse as error:
        return str(error)
    except UsageError as error:
        return error.message.rstrip(".")
    return "" if status == 200 else f"{parse_address(callback_url, allow_remote=True)} answers {status}"
