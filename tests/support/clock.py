"""A clock that a test moves."""


class ManualClock:
    """Does not move until `now` is changed or somebody waits. waits: in seconds."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
