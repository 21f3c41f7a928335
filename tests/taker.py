"""What stands behind the receiver in tests."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from devkit.callback import CALLBACK_PATH
from devkit.receiver import Arrival, create_receiver, serve_receiver
from devkit.server import listen, serve
from tests.wire import Place

TOKEN = "t0ken_of-this-project"
OURS = f"{CALLBACK_PATH}/{TOKEN}"


class Taker:
    """Keeps every arrival and answers what it is told to."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.answer = 200

    def __call__(self, arrival: Arrival) -> int:
        self.arrivals.append(arrival)
        return self.answer

    def take_all(self, arrivals: Sequence[Arrival]) -> tuple[list[int], Callable[[], None]]:
        return [self(arrival) for arrival in arrivals], lambda: None

    @property
    def kinds(self) -> list[str]:
        return [arrival.kind for arrival in self.arrivals]


Serving = Callable[..., AbstractContextManager[Place]]


@contextmanager
def serving_at_once(taker: Taker, *, token: str = TOKEN) -> Iterator[Place]:
    """As a session serves a receiver."""
    listener = listen("127.0.0.1", 0)
    with serve_receiver(taker.take_all, listener, token=token):
        yield listener.getsockname()


@contextmanager
def serving_one_by_one(taker: Taker, *, token: str = TOKEN) -> Iterator[Place]:
    """As any application is served."""
    listener = listen("127.0.0.1", 0)
    with serve(create_receiver(taker, token=token), listener):
        yield listener.getsockname()


# Each request must get the same answer both ways.
BOTH: tuple[Serving, ...] = (serving_at_once, serving_one_by_one)
