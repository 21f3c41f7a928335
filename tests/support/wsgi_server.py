"""An application behind devkit's own server, for tests of what the server hands over and answers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from devkit.http.channel import ReceivedBatchHandler
from devkit.http.request import ReceivedRequest, callback_of
from devkit.http.server import listen, serve, serve_batches
from devkit.webhook.callback import Callback
from tests.support.raw_socket import Place

CLOSE = b"Connection: close\r\n"  # a header, for who reads an answer to its end


class App:
    """Keeps what it is given: an application, and a handler of batches. during: runs in each request."""

    def __init__(self, during: Callable[[], object] = lambda: None) -> None:
        self.taken: list[Callback] = []
        self._during = during

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        self.taken.append(callback_of(environ, environ["wsgi.input"].read()))
        self._during()
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]

    def handle_batch(self, requests: Sequence[ReceivedRequest]) -> tuple[list[int], Callable[[], None]]:
        for request in requests:
            self.taken.append(request.callback)
            self._during()
        return [200] * len(requests), lambda: None


Running = Callable[..., AbstractContextManager[Place]]


@contextmanager
def running(app: App, **options: Any) -> Iterator[Place]:
    listener = listen("127.0.0.1", 0)
    with serve(app, listener, **options):
        yield listener.getsockname()


@contextmanager
def running_batches(handler: App | ReceivedBatchHandler) -> Iterator[Place]:
    """The server that handles requests together, in one thread."""
    listener = listen("127.0.0.1", 0)
    with serve_batches(handler.handle_batch if isinstance(handler, App) else handler, listener):
        yield listener.getsockname()


def status_of(answer: bytes) -> int:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b""
    assert b"server:" not in head.lower()
    assert b"waitress" not in head.lower()
    return int(head.split()[1])
