"""Sends recorded callbacks again over one or more connections, and reports each result."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Generic, TypeVar
from zlib import crc32

from devkit.errors import PushError
from devkit.fixture.select import display_path
from devkit.http.address import Address
from devkit.http.client import Connection, Response, ready_connections
from devkit.replay.result import Expectation, Replayed, ReplayOutcome, advice
from devkit.replay.schedule import ScheduledRequest
from devkit.webhook.callback import Callback, to_wire
from devkit.webhook.masking import one_line
from devkit.webhook.receipt import Receipt, read

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


@dataclass(slots=True)
class _WaitingTasks(Generic[T]):
    """for_response: by the connection. sleeping: a heap of wake-up time, number and task.

    number: keeps the order of tasks with the same wake-up time.
    """

    for_response: dict[Connection, Task[T]] = field(default_factory=dict)
    sleeping: list[tuple[float, int, Task[T]]] = field(default_factory=list)
    number: Iterator[int] = field(default_factory=count)

    def next_ready(self, clock: Callable[[], float], sleep: Callable[[float], object]) -> list[Task[T]]:
        """Wait until a task can go on; return all that can. Empty when there is none."""
        if (
            len(self.for_response) == 1 and not self.sleeping
        ):  # a single task can wait for its response by itself
            return [self.for_response.popitem()[1]]
        tasks: list[Task[T]] = []
        while not tasks and (self.for_response or self.sleeping):
            if self.for_response:
                tasks += self._with_response(self.sleeping[0][0] - clock() if self.sleeping else math.inf)
            else:
                sleep(
                    max(0.0, self.sleeping[0][0] - clock())
                )  # the time may have passed since the task was added
            while self.sleeping and self.sleeping[0][0] <= clock():
                tasks.append(heappop(self.sleeping)[2])
        return tasks

    def _with_response(self, seconds: float) -> list[Task[T]]:
        """The tasks whose response has begun or is late. seconds: the longest wait."""
        ready = ready_connections(
            self.for_response, min(seconds, *(each.time_left() for each in self.for_response))
        )
        done = [each for each in self.for_response if each in ready or each.time_left() <= 0]
        return [self.for_response.pop(each) for each in done]


Transform = Callable[[Callback], Callback]
_Wire = tuple[bytes, str]  # the bytes of a request, and its method
_Received = TypeVar("_Received", Response, Response | None)


@dataclass(frozen=True, slots=True)
class Rules:
    """How receipts are sent and judged.

    timeout: seconds to wait for a response. jobs: number of connections. fail_fast: stop after the first failure.
    renewed: receipts get a new time and signature, so an old one cannot be why they are refused.
    fresh: transform each receipt when it is due; else while the one before it waits for its response.
    """

    expect: Expectation = field(default_factory=Expectation)
    timeout: float = 15
    jobs: int = 1
    fail_fast: bool = False
    renewed: bool = False
    fresh: bool = False


def replay(
    scheduled: Sequence[ScheduledRequest],
    address: Address,
    transform: Transform,
    rules: Rules,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[Replayed]:
    """Send the scheduled requests and yield a result for each. transform: makes the callback that is sent.

    With one job all are sent in order. With more, only the receipts of one message are in order.
    Raises UsageError when the address is remote and that is not allowed.
    """
    start, failed = clock(), False

    def judge(received: Response | PushError, receipt: Receipt, file: str) -> Replayed:
        nonlocal failed
        result = _judged(received, receipt, rules, file=file)
        failed = failed or result.outcome != "ok"
        return result

    def task(connection: Connection, part: Sequence[ScheduledRequest]) -> Task[Replayed]:
        previous: Callable[[], Replayed] | None = (
            None  # not yet yielded: while the target works there is time for it
        )
        wire: _Wire | None = None
        for number, request in enumerate(part, 1):
            due = start + request.due
            if previous and (rules.fail_fast or due > clock()):
                yield previous()
                previous = None
            yield due
            if failed and rules.fail_fast:
                return
            receive = _send(connection, wire or _wire(transform(request.recording.callback)))
            if previous:
                yield previous()
            file, receipt = display_path(request.recording.path), request.recording.receipt
            following = None if rules.fresh or number == len(part) else part[number]
            wire = _wire(transform(following.recording.callback)) if following else None
            yield connection
            while (received := _received(receive)) is None:  # it was sent again
                yield connection
            previous = partial(judge, received, receipt, file)
        if previous:
            yield previous()

    with ExitStack() as stack:
        tasks = [
            task(stack.enter_context(Connection(address, timeout=rules.timeout)), part)
            for part in _parts(scheduled, rules.jobs)
        ]
        yield from run_tasks(tasks, clock=clock, sleep=sleep)


def attempt(connection: Connection, callback: Callback, rules: Rules, *, file: str = "") -> Replayed:
    """Send one callback and judge the response. file: where it is from. Raises UsageError as `replay`."""
    reading = read(callback)
    receipt = reading if isinstance(reading, Receipt) else Receipt({})
    received = _received(partial(connection.push, callback))
    return _judged(received, receipt, rules, file=file)


def _wire(callback: Callback) -> _Wire:
    return to_wire(callback), callback.method


def _send(connection: Connection, wire: _Wire) -> Callable[[], Response | None]:
    """As `Connection.send`, but the returned function raises the PushError."""
    try:
        return connection.send(*wire)
    except PushError as error:
        return partial(_raise, error)


def _raise(error: PushError) -> Response:
    raise error


def _received(receive: Callable[[], _Received]) -> _Received | PushError:
    try:
        return receive()
    except PushError as error:
        return error


def _judged(received: Response | PushError, receipt: Receipt, rules: Rules, *, file: str) -> Replayed:
    """receipt: what was sent; without fields when it cannot be read."""
    outcome: ReplayOutcome = "failed"
    answer, ms, problem, hint = None, None, "", ""
    if isinstance(received, PushError):
        outcome = "unreachable" if received.reason == "unreachable" else "failed"
        problem, hint = received.message, received.hint
    else:
        answer, ms = received.status, round(received.seconds * 1000, 1)
        if rules.expect.allows(answer):
            outcome = "ok"
        else:
            hint = advice(answer, old_signature="sig" in receipt.fields and not rules.renewed)
    message_id, status = one_line(receipt.message_id, 60), one_line(receipt.status, 30)
    return Replayed(file, message_id, status, outcome, answer, ms, problem, hint, received.sent_again)


def _parts(scheduled: Sequence[ScheduledRequest], jobs: int) -> Sequence[Sequence[ScheduledRequest]]:
    """The requests of each job: all of one message in one part, in their order."""
    if jobs == 1:
        return [scheduled]
    parts: list[list[ScheduledRequest]] = [[] for _ in range(jobs)]
    for request in scheduled:
        key = request.recording.receipt.message_id or str(request.recording.path)
        parts[crc32(key.encode("utf-8", "surrogatepass")) % jobs].append(request)
    return [part for part in parts if part]
