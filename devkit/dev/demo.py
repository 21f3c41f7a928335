"""The message that an offline session sends by itself, so that there is something to see."""

from devkit.errors import VonageError
from devkit.event import Emit, Notice, Sent
from devkit.redact import mask_number
from devkit.sms import send_sms
from devkit.vonage_client import Credentials

DEMO_RECIPIENT = "447700900000"  # the simulator answers it with accepted, buffered, delivered


def send_demo(simulator: Credentials, callback: str, emit: Emit) -> None:
    """Send it, and tell so. callback: empty for the account's own."""
    try:
        ids = send_sms(
            simulator, to=DEMO_RECIPIENT, sender="devkit", text="Hello from devkit", callback=callback
        )
    except VonageError as error:
        emit(Notice(f"The demo message was not sent: {error.message}"))
    else:
        emit(Sent(ids, mask_number(DEMO_RECIPIENT)))
