"""What the inspector is told by whoever starts it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path

from devkit.callback import CALLBACK_PATH
from devkit.inspector.keeping import Keeping
from devkit.inspector.order import Order
from devkit.push import Address
from devkit.replay.outcome import Replayed
from devkit.signature import Method

# Sends a recording again, as ordered. Raises DevkitError when the order makes no sense.
Replay = Callable[[Path, Order], Replayed]


@dataclass(frozen=True, slots=True)
class Options:
    """secret, method: to check signatures. receiver_url: devkit's own, where receipts can be replayed to as well.

    forward_to: the developer's application, None when there is none. replay: None for devkit's own way.
    keeping: None when samples cannot be made. zone: of the times on the page, None for this machine's.
    """

    secret: str = field(default="", repr=False)
    method: Method = "md5hash"
    receiver_url: str = "http://127.0.0.1:3000"
    forward_to: Address | None = None
    replay: Replay | None = None
    keeping: Keeping | None = None
    zone: tzinfo | None = None
    clock: Callable[[], datetime] | None = None

    @property
    def curl_url(self) -> str:
        """Where a copied command sends to: the application if there is one."""
        if self.forward_to is None:
            return self.receiver_url + CALLBACK_PATH
        return f"{self.forward_to}{self.forward_to.target or CALLBACK_PATH}"

    @property
    def default_target(self) -> str:
        """Where a replay goes unless something else is typed."""
        if self.forward_to is None:
            return self.receiver_url
        return f"{self.forward_to}{self.forward_to.target}"
