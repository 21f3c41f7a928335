"""A receiver for tests, with a handler that records its requests."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from devkit.http.server import listen, serve
from devkit.receiver.app import IncomingRequest, TokenAccess, create_receiver, serve_receiver
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

    def handle_batch(self, requests: Sequence[IncomingRequest]) -> tuple[list[int], Callable[[], None]]:
        return [self(incoming) for incoming in requests], lambda: None

    @property
    def kinds(self) -> list[str]:
        return [incoming.kind for incoming in self.requests]


Serving = Callable[..., AbstractContextManager[Place]]


@contextmanager
def serving_at_once(handler: RecordingHandler, *, token: str = TOKEN) -> Iterator[Place]:
    """As a session serves a receiver."""
    listener = listen("127.0.0.1", 0)
    with serve_receiver(handler.handle_batch, listener, TokenAccess(token)):
        yield listener.getsockname()


@contextmanager
def serving_one_by_one(handler: RecordingHandler, *, token: str = TOKEN) -> Iterator[Place]:
    """As any application is served."""
    listener = listen("127.0.0.1", 0)
    with serve(create_receiver(handler, TokenAccess(token)), listener):
        yield listener.getsockname()


# Each request must get the same answer both ways.
BOTH: tuple[Serving, ...] = (serving_at_once, serving_one_by_one)
