"""Connections that are used side by side in one thread: each goes on as soon as what it waits for is there.

Threads would wait for one another's turn in Python more than for the target.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Generic, TypeVar

from devkit.push import Connection, answered

T = TypeVar("T")


# What a lane yields: what it has to tell, or what it waits for. That is a moment of the clock, or a connection on which
# it has asked for an answer.
Lane = Iterator[T | float | Connection]


def take_turns(
    lanes: Iterable[Lane[T]], *, clock: Callable[[], float], wait: Callable[[float], object]
) -> Iterator[T]:
    """What the lanes tell. Each goes as far as it can without waiting; what they tell is told while all wait.

    wait: for so many seconds, while no answer is due.
    """
    ready, waiting = list(lanes), _Waiting[T]()
    while ready:
        told = [each for lane in ready for each in _advance(lane, waiting, clock)]
        yield from told
        ready = waiting.ready(clock, wait)


def _advance(lane: Lane[T], waiting: "_Waiting[T]", clock: Callable[[], float]) -> Iterator[T]:
    """Run a lane until it has to wait."""
    for step in lane:
        if isinstance(step, Connection):
            waiting.asked[step] = lane
            return
        if not isinstance(step, float):
            yield step
        elif step > clock():
            heappush(waiting.pauses, (step, next(waiting.number), lane))
            return


@dataclass(slots=True)
class _Waiting(Generic[T]):
    """number: of a pause, so that two with one end are in order."""

    asked: dict[Connection, Lane[T]] = field(default_factory=dict)
    pauses: list[tuple[float, int, Lane[T]]] = field(default_factory=list)
    number: Iterator[int] = field(default_factory=count)

    def ready(self, clock: Callable[[], float], wait: Callable[[float], object]) -> list[Lane[T]]:
        """The lanes that can go on, after as long a wait as it takes; none when none waits."""
        if len(self.asked) == 1 and not self.pauses:  # one alone can as well wait for its answer by itself
            return [self.asked.popitem()[1]]
        lanes: list[Lane[T]] = []
        while not lanes and (self.asked or self.pauses):
            if self.asked:
                lanes += self._answered(self.pauses[0][0] - clock() if self.pauses else math.inf)
            else:
                wait(max(0.0, self.pauses[0][0] - clock()))  # it may have ended since it was put here
            while self.pauses and self.pauses[0][0] <= clock():
                lanes.append(heappop(self.pauses)[2])
        return lanes

    def _answered(self, seconds: float) -> list[Lane[T]]:
        """The lanes whose answer is there, or will not come any more. seconds: to wait for one at most."""
        there = answered(self.asked, min(seconds, *(each.patience() for each in self.asked)))
        return [self.asked.pop(each) for each in [*self.asked] if each in there or each.patience() <= 0]
