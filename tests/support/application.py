"""A receiver for tests, with a handler that records its requests."""

from collections.abc import Iterator
from contextlib import contextmanager

from devkit.http.server import listen
from devkit.receiver.app import IncomingRequest, TokenAccess, one_by_one, serve_receiver
from devkit.webhook.callback import CALLBACK_PATH
from tests.support.raw_socket import Place

TOKEN = "t0ken_of-this-project"
OURS = f"{CALLBACK_PATH}/{TOKEN}"


class RecordingHandler:
    """Records every request; `answer` is the status that it returns."""

    def __init__(self) -> None:
        self.requests: list[IncomingRequest] = []
        self.answer = 200

    def __call__(self, incoming: IncomingRequest) -> int:
        self.requests.append(incoming)
        return self.answer

    @property
    def kinds(self) -> list[str]:
        return [incoming.kind for incoming in self.requests]


@contextmanager
def running_receiver(handler: RecordingHandler, *, token: str = TOKEN) -> Iterator[Place]:
    """A receiver as a session serves it."""
    listener = listen("127.0.0.1", 0)
    with serve_receiver(one_by_one(handler), listener, TokenAccess(token)):
        yield listener.getsockname()
