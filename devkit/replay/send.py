"""Sends recorded callbacks again over one or more connections, and yields a result for each.

The connections are used side by side in one thread: each has a task, which runs until it has to wait for a response or
for its time.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from typing import Generic, TypeVar
from zlib import crc32

from devkit.errors import PushError
from devkit.http.address import Address
from devkit.http.client import Connection, Response, ready_connections
from devkit.replay.result import Expectation, Replayed, ReplayOutcome, advice, is_expected
from devkit.replay.schedule import Identity, Recording, ScheduledRequest, identify
from devkit.webhook.callback import Callback, to_wire
from devkit.webhook.receipt import read, webhook_in

T = TypeVar("T")
_Received = TypeVar("_Received", Response, Response | None)

# A task yields a result, a time of the clock to sleep until, or the connection whose response it needs.
Task = Iterator[T | float | Connection]
Transform = Callable[[Callback], Callback]
Observe = Callable[[Path, Response | PushError], None]
_Wire = tuple[bytes, str]  # the bytes of a request, and its method


@dataclass(frozen=True, slots=True)
class Rules:
    """How receipts are sent and judged.

    timeout: seconds to wait for a response. jobs: number of connections. fail_fast: stop after the first failure.
    renewed: receipts get a new time and signature, so an old one cannot be why they are refused.
    fresh: transform each receipt when it is due; else while the one before it waits for its response.
    """

    expect: Expectation = ("2xx",)
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
    observe: Observe | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[Replayed]:
    """Send the scheduled requests and yield a result for each. transform: makes the callback that is sent.

    observe: gets each recording's path, and the response or why there is none.
    With one job all are sent in order. With more, only the receipts of one message are in order.
    Raises UsageError when the address is remote and that is not allowed.
    """
    sender = _Sender(transform, rules, observe, clock)
    with ExitStack() as stack:
        tasks = [
            sender.task(stack.enter_context(Connection(address, timeout=rules.timeout)), part)
            for part in _parts(scheduled, rules.jobs)
        ]
        yield from run_tasks(tasks, clock=clock, sleep=sleep)


def attempt(
    connection: Connection,
    callback: Callback,
    rules: Rules,
    *,
    file: str = "",
    observe: Callable[[Response | PushError], object] = lambda received: None,
) -> Replayed:
    """Send one callback and judge the response. file: where it is from. Raises UsageError as `replay`."""
    received = _received(partial(connection.push, callback))
    observe(received)
    return _judged(received, callback, identify(webhook_in(read(callback)), file), rules)


def _parts(scheduled: Sequence[ScheduledRequest], jobs: int) -> Sequence[Sequence[ScheduledRequest]]:
    """The requests of each job: all of one message in one part, in their order."""
    if jobs == 1:
        return [scheduled]
    parts: list[list[ScheduledRequest]] = [[] for _ in range(jobs)]
    for request in scheduled:
        key = request.recording.receipt.message_id or str(request.recording.path)
        parts[crc32(key.encode("utf-8", "surrogatepass")) % jobs].append(request)
    return [part for part in parts if part]


class _Sender:
    """What the tasks of a replay share: its start, and whether something failed."""

    def __init__(
        self, transform: Transform, rules: Rules, observe: Observe | None, clock: Callable[[], float]
    ) -> None:
        self._transform, self._rules, self._observe, self._clock = transform, rules, observe, clock
        self._start, self._failed = clock(), False

    def task(self, connection: Connection, part: Sequence[ScheduledRequest]) -> Task[Replayed]:
        """Send requests in their order. A result is yielded late, while the target handles the next request."""
        rules, wire = self._rules, None
        result: Callable[[], Replayed] | None = None
        for number, request in enumerate(part, 1):
            due = self._start + request.due
            if result and (rules.fail_fast or due > self._clock()):
                yield result()
                result = None
            yield due
            if self._failed and rules.fail_fast:
                return
            receive = _send(connection, wire or self._wire(request))
            if result:
                yield result()
            # While the target is busy: what the result needs, and the next request.
            recording, identity = request.recording, request.recording.identity
            wire = None if rules.fresh or number == len(part) else self._wire(part[number])
            yield connection
            while (received := receive()) is None:  # it was sent again
                yield connection
            result = partial(self._result, received, recording, identity)
        if result:
            yield result()

    def _wire(self, request: ScheduledRequest) -> _Wire:
        callback = self._transform(request.recording.callback)
        return to_wire(callback), callback.method

    def _result(self, received: Response | PushError, recording: Recording, identity: Identity) -> Replayed:
        if self._observe:
            self._observe(recording.path, received)
        result = _judged(received, recording.callback, identity, self._rules)
        self._failed = self._failed or result.outcome != "ok"
        return result


def _send(connection: Connection, wire: _Wire) -> Callable[[], Response | PushError | None]:
    """As `Connection.send`, but the returned function returns an error of either call."""
    try:
        return partial(_received, connection.send(*wire))
    except PushError as error:
        failure = error  # Python unbinds `error` after the block
        return lambda: failure


def _received(receive: Callable[[], _Received]) -> _Received | PushError:
    try:
        return receive()
    except PushError as error:
        return error


def _judged(received: Response | PushError, callback: Callback, identity: Identity, rules: Rules) -> Replayed:
    outcome: ReplayOutcome = "failed"
    answer, ms, problem, hint = None, None, "", ""
    if isinstance(received, PushError):
        outcome = "unreachable" if received.reason == "unreachable" else "failed"
        problem, hint = received.message, received.hint
    else:
        answer, ms = received.status, round(received.seconds * 1000, 1)
        if is_expected(answer, rules.expect):
            outcome = "ok"
        else:
            hint = advice(answer, old_signature=not rules.renewed and _is_signed(callback))
    return Replayed(
        **identity,
        outcome=outcome,
        answer=answer,
        ms=ms,
        problem=problem,
        hint=hint,
        sent_again=received.sent_again,
    )


def _is_signed(callback: Callback) -> bool:
    """Whether it has a signature among its fields, or a token."""
    has_token = (callback.header("Authorization") or "")[:7].lower() == "bearer "
    return has_token or "sig" in webhook_in(read(callback)).fields


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
