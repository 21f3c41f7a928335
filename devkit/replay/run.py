"""Sends recorded callbacks again, each when it is due, and says what came of it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar
from zlib import crc32

from devkit.callback import Callback, to_wire
from devkit.errors import PushError
from devkit.push import Address, Answer, Connection
from devkit.receipt import Receipt, read
from devkit.redact import one_line
from devkit.replay.lane import Lane, take_turns
from devkit.replay.outcome import Expectation, Outcome, Replayed, advice
from devkit.replay.plan import Shot
from devkit.selector import shown

Finish = Callable[[Callback], Callback]
_Ready = tuple[bytes, str]  # a request as it goes over the wire, and its method
_Came = TypeVar("_Came", Answer, Answer | None)


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
    shots: Sequence[Shot],
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

    def judge(came: Answer | PushError, receipt: Receipt, file: str) -> Replayed:
        nonlocal failed
        outcome = _judged(came, receipt, rules, file=file)
        failed = failed or outcome.outcome != "ok"
        return outcome

    def lane(connection: Connection, part: Sequence[Shot]) -> Lane[Replayed]:
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
            file, receipt = shown(shot.recording.path), shot.recording.receipt
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


def _ask(connection: Connection, ready: _Ready) -> Callable[[], Answer | None]:
    """As `Connection.ask`, but a PushError is raised where the answer is read."""
    try:
        return connection.ask(*ready)
    except PushError as error:
        return partial(_fail, error)


def _fail(error: PushError) -> Answer:
    raise error


def _read(answer: Callable[[], _Came]) -> _Came | PushError:
    try:
        return answer()
    except PushError as error:
        return error


def _judged(came: Answer | PushError, receipt: Receipt, rules: Rules, *, file: str) -> Replayed:
    """receipt: what was sent; no fields when it cannot be read."""
    message_id, status = one_line(receipt.message_id, 60), one_line(receipt.status, 30)
    end = _end(came, rules, old_signature="sig" in receipt.fields and not rules.renewed)
    return Replayed(file, message_id, status, *end, sent_again=came.sent_again)


def _end(
    came: Answer | PushError, rules: Rules, *, old_signature: bool
) -> tuple[Outcome, int | None, float | None, str, str]:
    """The outcome, the answer's status and milliseconds, and what went wrong and what to do when no answer came."""
    if isinstance(came, PushError):
        outcome: Outcome = "unreachable" if came.reason == "unreachable" else "failed"
        return outcome, None, None, came.message, came.hint
    ms = round(came.seconds * 1000, 1)
    if rules.expect.allows(came.status):
        return "ok", came.status, ms, "", ""
    return "failed", came.status, ms, "", advice(came.status, old_signature=old_signature)


def _parts(shots: Sequence[Shot], jobs: int) -> Sequence[Sequence[Shot]]:
    """The shots dealt out so that all of one message are in one part, in their order."""
    if jobs == 1:
        return [shots]
    parts: list[list[Shot]] = [[] for _ in range(jobs)]
    for shot in shots:
        key = shot.recording.receipt.message_id or str(shot.recording.path)
        parts[crc32(key.encode("utf-8", "surrogatepass")) % jobs].append(shot)
    return [part for part in parts if part]
