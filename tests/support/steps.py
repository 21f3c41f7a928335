"""A shutdown flag that acts at each wait."""

from collections.abc import Callable

from devkit.session.signals import Shutdown


class Steps(Shutdown):
    """Runs one step of a test at each wait, and requests the shutdown after the last."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        super().__init__()
        self._steps = list(steps)

    def wait(self, seconds: float | None = None) -> bool:
        if not self._steps:
            self.request()
        else:
            self._steps.pop(0)()
        return self()
