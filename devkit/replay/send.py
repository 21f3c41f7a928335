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
from devkit.http.client import Connection, Response, answered
from devkit.replay.result import Expectation, Replayed, ReplayOutcome, advice
from devkit.replay.schedule import ScheduledRequest
from devkit.webhook.callback import Callback, to_wire
from devkit.webhook.masking import one_line
from devkit.webhook.receipt import Receipt, read

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


Finish = Callable[[Callback], Callback]
_Ready = tuple[bytes, str]  # a request as it goes over the wire, and its method
_Came = TypeVar("_Came", Response, Response | None)


@dataclass(frozen=True, slots=True)
class Rules:
    """How receipts are sent and judged.

    timeout: seconds to wait for an answer. jobs: connections at once. fail_fast: send no more after a failure.
    renewed: the receipts bear a new time and signature, so an old one cannot be why they are refused.
    fresh: a receipt is made in the moment when it goes out; else while the one before it is under way.
    """

    expect: Expectation = field(default_factory=Expectation)
    timeout: float = 15
    jobs: int = 1
    fail_fast: bool = False
    renewed: bool = False
    fresh: bool = False


def replay(
    shots: Sequence[ScheduledRequest],
    address: Address,
    finish: Finish,
    rules: Rules,
    *,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], object] = time.sleep,
) -> Iterator[Replayed]:
    """Send the shots and yield what came of each. finish: makes the callback that goes out.

    With one job the shots go in their order. With more, those of one message do.
    Raises UsageError when the address is remote and must not be.
    """
    start, failed = clock(), False

    def judge(came: Response | PushError, receipt: Receipt, file: str) -> Replayed:
        nonlocal failed
        outcome = _judged(came, receipt, rules, file=file)
        failed = failed or outcome.outcome != "ok"
        return outcome

    def lane(connection: Connection, part: Sequence[ScheduledRequest]) -> Lane[Replayed]:
        former: Callable[[], Replayed] | None = None
        ready: _Ready | None = None
        for number, shot in enumerate(part, 1):
            due = start + shot.due
            if former and (rules.fail_fast or due > clock()):
                yield former()
                former = None
            yield due
            if failed and rules.fail_fast:
                return
            answer = _ask(connection, ready or _ready(finish(shot.recording.callback)))
            # Until the target has answered there is time for whatever need not wait for that.
            if former:
                yield former()
            file, receipt = display_path(shot.recording.path), shot.recording.receipt
            ahead = None if rules.fresh or number == len(part) else part[number]
            ready = _ready(finish(ahead.recording.callback)) if ahead else None
            yield connection
            while (came := _read(answer)) is None:  # it was sent again
                yield connection
            former = partial(judge, came, receipt, file)
        if former:
            yield former()

    with ExitStack() as stack:
        lanes = [
            lane(stack.enter_context(Connection(address, timeout=rules.timeout)), part)
            for part in _parts(shots, rules.jobs)
        ]
        yield from take_turns(lanes, clock=clock, wait=wait)


def attempt(connection: Connection, callback: Callback, rules: Rules, *, file: str = "") -> Replayed:
    """Push one callback and judge the answer. file: where it is from. Raises UsageError as `replay`."""
    reading = read(callback)
    receipt = reading if isinstance(reading, Receipt) else Receipt({})
    came = _read(partial(connection.push, callback))
    return _judged(came, receipt, rules, file=file)


def _ready(callback: Callback) -> _Ready:
    return to_wire(callback), callback.method


def _ask(connection: Connection, ready: _Ready) -> Callable[[], Response | None]:
    """As `Connection.ask`, but a PushError is raised where the answer is read."""
    try:
        return connection.ask(*ready)
    except PushError as error:
        return partial(_fail, error)


def _fail(error: PushError) -> Response:
    raise error


def _read(answer: Callable[[], _Came]) -> _Came | PushError:
    try:
        return answer()
    except PushError as error:
        return error


def _judged(came: Response | PushError, receipt: Receipt, rules: Rules, *, file: str) -> Replayed:
    """receipt: what was sent; no fields when it cannot be read."""
    message_id, status = one_line(receipt.message_id, 60), one_line(receipt.status, 30)
    end = _end(came, rules, old_signature="sig" in receipt.fields and not rules.renewed)
    return Replayed(file, message_id, status, *end, sent_again=came.sent_again)


def _end(
    came: Response | PushError, rules: Rules, *, old_signature: bool
) -> tuple[ReplayOutcome, int | None, float | None, str, str]:
    """The outcome, the answer's status and milliseconds, and what went wrong and what to do when no answer came."""
    if isinstance(came, PushError):
        outcome: ReplayOutcome = "unreachable" if came.reason == "unreachable" else "failed"
        return outcome, None, None, came.message, came.hint
    ms = round(came.seconds * 1000, 1)
    if rules.expect.allows(came.status):
        return "ok", came.status, ms, "", ""
    return "failed", came.status, ms, "", advice(came.status, old_signature=old_signature)


def _parts(shots: Sequence[ScheduledRequest], jobs: int) -> Sequence[Sequence[ScheduledRequest]]:
    """The shots dealt out so that all of one message are in one part, in their order."""
    if jobs == 1:
        return [shots]
    parts: list[list[ScheduledRequest]] = [[] for _ in range(jobs)]
    for shot in shots:
        key = shot.recording.receipt.message_id or str(shot.recording.path)
        parts[crc32(key.encode("utf-8", "surrogatepass")) % jobs].append(shot)
    return [part for part in parts if part]
