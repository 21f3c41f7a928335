"""Servers on loopback for tests: a receiver that keeps what arrives, and the application under test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from devkit.callback import CALLBACK_PATH
from devkit.receiver import Arrival, create_receiver
from devkit.server import listen, serve
from devkit.testing import ReceiptInbox, TestReceipt
from devkit.wsgi import WSGIApplication

Serve = Callable[..., str]


@dataclass(frozen=True, slots=True)
class ReceiptServer:
    """A running receiver. url: the callback URL to give to whoever sends receipts."""

    url: str
    inbox: ReceiptInbox

    @property
    def receipts(self) -> tuple[TestReceipt, ...]:
        """What has arrived so far, oldest first."""
        return self.inbox.receipts

    def wait_for_receipt(self, timeout: float = 5, **fields: object) -> TestReceipt:
        """As `ReceiptInbox.wait_for_receipt`."""
        return self.inbox.wait_for_receipt(timeout, **fields)

    def wait_for_receipts(self, count: int, timeout: float = 5, **fields: object) -> tuple[TestReceipt, ...]:
        """As `ReceiptInbox.wait_for_receipts`."""
        return self.inbox.wait_for_receipts(count, timeout, **fields)


@contextmanager
def receipt_server() -> Iterator[ReceiptServer]:
    """A receiver that runs while the block does. Probes are answered and not kept."""
    inbox = ReceiptInbox()

    def take(arrival: Arrival) -> int:
        if arrival.kind in ("receipt", "replay"):
            inbox.put(arrival.callback)
        return 200

    with serving() as serve_app:
        yield ReceiptServer(serve_app(create_receiver(take, token="")), inbox)


@contextmanager
def serving() -> Iterator[Serve]:
    """A function that serves WSGI applications until the end of the block."""
    with ExitStack() as stack:

        def serve_app(app: WSGIApplication, path: str = CALLBACK_PATH) -> str:
            listener = listen("127.0.0.1", 0)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}{path}"
            stack.enter_context(serve(app, listener))
            return url

        yield serve_app
