"""Servers of a test on free ports of this machine: a receiver that keeps what arrives, and applications under test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from devkit.http.request import WSGIApplication
from devkit.http.server import listen, serve
from devkit.receiver.app import IncomingRequest, TokenAccess, create_receiver
from devkit.testing.inbox import ReceiptInbox
from devkit.webhook.callback import CALLBACK_PATH

Serve = Callable[..., str]


class ReceiptServer(ReceiptInbox):
    """The inbox of a running receiver. url: the callback URL for the sender of receipts."""

    def __init__(self, serve_app: Serve) -> None:
        super().__init__()
        self.url = serve_app(create_receiver(self._take, TokenAccess("")))

    def _take(self, incoming: IncomingRequest) -> int:
        if incoming.kind in ("receipt", "replay"):
            self.put(incoming.callback)
        return 200


@contextmanager
def receipt_server() -> Iterator[ReceiptServer]:
    """A receiver that runs while the block does. Probes are answered and not kept."""
    with serving() as serve_app:
        yield ReceiptServer(serve_app)


@contextmanager
def serving() -> Iterator[Serve]:
    """A function that serves WSGI applications until the end of the block and returns their URLs."""
    with ExitStack() as stack:

        def serve_app(app: WSGIApplication, path: str = CALLBACK_PATH) -> str:
            listener = listen("127.0.0.1", 0)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}{path}"
            stack.enter_context(serve(app, listener))
            return url

        yield serve_app
