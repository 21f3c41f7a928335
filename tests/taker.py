"""What stands behind the receiver in tests."""

from devkit.callback import CALLBACK_PATH
from devkit.receiver import Arrival

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

    @property
    def kinds(self) -> list[str]:
        return [arrival.kind for arrival in self.arrivals]
