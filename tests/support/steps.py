"""What tests of waiting share: a clock that stands still, and a stop that acts at each wait."""

from collections.abc import Callable

from devkit.session.signals import Shutdown


class Time:
    """A clock that stands still until it is moved on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Steps(Shutdown):
    """A Stop that does something of a test's each time that somebody would wait, and at last asks to stop."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        super().__init__()
        self._steps = list(steps)

    def wait(self, seconds: float | None = None) -> bool:
        if not self._steps:
            self.request()
        else:
            self._steps.pop(0)()
        return self()
