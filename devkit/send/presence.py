"""Whether a session's receiver is where it should be, asked without leaving a trace in the session."""

from urllib.parse import urlsplit

from devkit.callback import Callback
from devkit.errors import PushError, UsageError
from devkit.push import parse_address, push
from devkit.session import Session

_PATIENCE = 10.0  # seconds


def local_callback_url(session: Session) -> str:
    """The session's callback URL as this machine reaches it, without the tunnel."""
    return session.local_url + urlsplit(session.callback_url).path


def absence(callback_url: str) -> str:
    """Why no receiver answers at a callback URL, in words without a full stop; nothing when one does.

    The receiver tells nobody of a HEAD, so a session that runs shows nothing. Takes up to ten seconds.
    """
    try:
        address = parse_address(callback_url, allow_remote=True)
        headers = (
            ("Host", address.netloc),
            ("User-Agent", "devkit"),
            ("ngrok-skip-browser-warning", "1"),  # free plans show browsers a page of their own first
            ("Connection", "close"),
        )
        question = Callback("HEAD", address.target, headers)
        status = push(question, address, timeout=_PATIENCE).status
    except (PushError, UsageError) as error:
        return error.message.rstrip(".")
    return "" if status == 200 else f"{address} answers {status}"
