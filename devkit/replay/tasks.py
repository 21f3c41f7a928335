"""Runs tasks side by side in one thread: each runs until it has to wait for a response or for its time."""

import math
from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Generic, TypeVar

from devkit.http.client import Connection, ready_connections

T = TypeVar("T")

# A task yields a result, a time of the clock to sleep until, or the connection whose response it needs.
Task = Iterator[T | float | Connection]


def run_tasks(
    tasks: Iterable[Task[T]], *, clock: Callable[[], float], sleep: Callable[[float], object]
) -> Iterator[T]:
    """Run tasks side by side in one thread; yield their results.

    Each task runs until it has to wait. Results are yielded when all tasks wait, so that handling them delays none.
    sleep: called with the seconds until the next task is due, when no response is expected.
    """
    ready, waiting = list(tasks), _WaitingTasks[T]()
    while ready:
        yield from [result for task in ready for result in _advance(task, waiting, clock)]
        ready = waiting.next_ready(clock, sleep)


def _advance(task: Task[T], waiting: "_WaitingTasks[T]", clock: Callable[[], float]) -> Iterator[T]:
    """Run a task until it has to wait."""
    for step in task:
        if isinstance(step, Connection):
            waiting.for_response[step] = task
            return
        if not isinstance(step, float):
            yield step
        elif step > clock():
            heappush(waiting.sleeping, (step, next(waiting.number), task))
            return


class _WaitingTasks(Generic[T]):
    def __init__(self) -> None:
        self.for_response: dict[Connection, Task[T]] = {}
        # A heap by wake-up time. The number keeps the order of tasks with the same one.
        self.sleeping: list[tuple[float, int, Task[T]]] = []
        self.number = count()

    def next_ready(self, clock: Callable[[], float], sleep: Callable[[float], object]) -> list[Task[T]]:
        """Wait until a task can go on; return all that can. Empty when there is none."""
        if len(self.for_response) == 1 and not self.sleeping:
            # Alone, it can as well wait for its response by itself.
            return [self.for_response.popitem()[1]]
        tasks: list[Task[T]] = []
        while not tasks and (self.for_response or self.sleeping):
            if self.for_response:
                tasks += self._with_response(self.sleeping[0][0] - clock() if self.sleeping else math.inf)
            else:
                # The wake-up time may have passed since the task was added.
                sleep(max(0.0, self.sleeping[0][0] - clock()))
            while self.sleeping and self.sleeping[0][0] <= clock():
                tasks.append(heappop(self.sleeping)[2])
        return tasks

    def _with_response(self, seconds: float) -> list[Task[T]]:
        """The tasks whose response has begun or is late. seconds: the longest wait."""
        wait = min(seconds, *(each.time_left() for each in self.for_response))
        ready = ready_connections(self.for_response, wait)
        done = [each for each in self.for_response if each in ready or each.time_left() <= 0]
        return [self.for_response.pop(each) for each in done]
