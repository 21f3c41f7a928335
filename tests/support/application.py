"""What stands behind the receiver in tests."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from devkit.http.server import listen, serve
from devkit.receiver.app import IncomingRequest, create_receiver, serve_receiver
from devkit.webhook.callback import CALLBACK_PATH
from tests.support.raw_socket import Place

TOKEN = "t0ken_of-this-project"
OURS = f"{CALLBACK_PATH}/{TOKEN}"


class Taker:
    """Keeps every arrival and answers what it is told to."""

    def __init__(self) -> None:
        self.arrivals: list[IncomingRequest] = []
        self.answer = 200

    def __call__(self, arrival: IncomingRequest) -> int:
        self.arrivals.append(arrival)
        return self.answer

    def handle_batch(self, arrivals: Sequence[IncomingRequest]) -> tuple[list[int], Callable[[], None]]:
        return [self(arrival) for arrival in arrivals], lambda: None

    @property
    def kinds(self) -> list[str]:
        return [arrival.kind for arrival in self.arrivals]


Serving = Callable[..., AbstractContextManager[Place]]


@contextmanager
def serving_at_once(taker: Taker, *, token: str = TOKEN) -> Iterator[Place]:
    """As a session serves a receiver."""
    listener = listen("127.0.0.1", 0)
    with serve_receiver(taker.handle_batch, listener, token=token):
        yield listener.getsockname()


@contextmanager
def serving_one_by_one(taker: Taker, *, token: str = TOKEN) -> Iterator[Place]:
    """As any application is served."""
    listener = listen("127.0.0.1", 0)
    with serve(create_receiver(taker, token=token), listener):
        yield listener.getsockname()


# Each request must get the same answer both ways.
BOTH: tuple[Serving, ...] = (serving_at_once, serving_one_by_one)
