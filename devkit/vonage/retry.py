"""A few more attempts after a fault that may be over in a moment."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from devkit.errors import VonageError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retry:
    """pauses: seconds before each further attempt. seconds: none begins later than that.

    Both are bounds on how long an exit may take: a stop does not shorten the pauses, because an impatient user presses
    Ctrl-C again, and the account would be left with a URL that leads nowhere.
    """

    pauses: tuple[float, ...] = (0.5, 1.0, 2.0)
    seconds: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def run(self, attempt: Callable[[int], T], tell: Callable[[str], None]) -> T:
        """What the attempt returns; it gets its number, from 0. tell: hears why there is another one.

        Raises the VonageError of the last attempt.
        """
        deadline = self.clock() + self.seconds
        for number, pause in enumerate(self.pauses):
            try:
                return attempt(number)
            except VonageError as error:
                if not error.transient or self.clock() + pause > deadline:
                    raise
                tell(f"{error.message.rstrip('.')}. Trying again.")
            self.sleep(pause)
        return attempt(len(self.pauses))
