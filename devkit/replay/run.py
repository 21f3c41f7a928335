"""Sends recorded callbacks again, each when it is due, and says what came of it."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from zlib import crc32

from devkit.callback import Callback
from devkit.errors import PushError
from devkit.push import Address, Answer, Connection
from devkit.receipt import Receipt, read
from devkit.redact import one_line
from devkit.replay.outcome import Expectation, Outcome, Replayed, advice
from devkit.replay.pace import wait_until
from devkit.replay.plan import Shot
from devkit.selector import shown

Finish = Callable[[Callback], Callback]


@dataclass(frozen=True, slots=True)
class Rules:
    """How receipts are sent and judged.

    timeout: seconds to wait for an answer. jobs: connections at once. fail_fast: send no more after a failure.
    renewed: the receipts bear a new time and signature, so an old one cannot be why they are refused.
    """

    expect: Expectation = field(default_factory=Expectation)
    timeout: float = 15
    jobs: int = 1
    fail_fast: bool = False
    renewed: bool = False


def replay(
    shots: Sequence[Shot],
    address: Address,
    finish: Finish,
    rules: Rules,
    *,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], object] | None = None,
) -> Iterator[Replayed]:
    """Send the shots and yield what came of each. finish: makes the callback that goes out, just before it does.

    With one job the shots go in their order. With more, those of one message do.
    Raises UsageError when the address is remote and must not be.
    """
    ended = threading.Event()
    start = clock()

    def send(part: Iterable[Shot]) -> Iterator[Replayed]:
        former: Replayed | None = None  # told while the target is at work on the next one
        with Connection(address, timeout=rules.timeout) as connection:
            for shot in part:
                due = start + shot.due
                if former and clock() < due:  # it need not wait for that long
                    yield former
                    former = None
                wait_until(due, clock, wait or ended.wait)
                if ended.is_set():
                    break
                callback = finish(shot.recording.callback)
                answer = _ask(connection, callback)
                if former:
                    yield former
                former = _judged(answer, callback, rules, file=shown(shot.recording.path))
                if rules.fail_fast and former.outcome != "ok":
                    ended.set()
        if former:
            yield former

    if rules.jobs == 1:
        yield from send(shots)
    else:
        yield from _in_parallel(send, _parts(shots, rules.jobs), ended)


def attempt(connection: Connection, callback: Callback, rules: Rules, *, file: str = "") -> Replayed:
    """Push one callback and judge the answer. file: where it is from. Raises UsageError as `replay`."""
    return _judged(_ask(connection, callback), callback, rules, file=file)


def _ask(connection: Connection, callback: Callback) -> Callable[[], Answer]:
    """As `Connection.ask`, but a PushError is raised where the answer is read."""
    try:
        return connection.ask(callback)
    except PushError as error:
        return partial(_fail, error)


def _fail(error: PushError) -> Answer:
    raise error


def _judged(answer: Callable[[], Answer], callback: Callback, rules: Rules, *, file: str) -> Replayed:
    reading = read(callback)
    receipt = reading if isinstance(reading, Receipt) else Receipt({})
    message_id, status = one_line(receipt.message_id, 60), one_line(receipt.status, 30)
    end = _end(answer, rules, old_signature="sig" in receipt.fields and not rules.renewed)
    return Replayed(file, message_id, status, *end)


def _end(
    answer: Callable[[], Answer], rules: Rules, *, old_signature: bool
) -> tuple[Outcome, int | None, float | None, str, str]:
    """The outcome, the answer's status and milliseconds, and what went wrong and what to do when no answer came."""
    try:
        came = answer()
    except PushError as error:
        return (
            "unreachable" if error.reason == "unreachable" else "failed",
            None,
            None,
            error.message,
            error.hint,
        )
    ms = round(came.seconds * 1000, 1)
    if rules.expect.allows(came.status):
        return "ok", came.status, ms, "", ""
    return "failed", came.status, ms, "", advice(came.status, old_signature=old_signature)


def _parts(shots: Sequence[Shot], jobs: int) -> list[list[Shot]]:
    """The shots dealt out so that all of one message are in one part, in their order."""
    parts: list[list[Shot]] = [[] for _ in range(jobs)]
    for shot in shots:
        key = shot.recording.receipt.message_id or str(shot.recording.path)
        parts[crc32(key.encode("utf-8", "surrogatepass")) % jobs].append(shot)
    return [part for part in parts if part]


def _in_parallel(
    send: Callable[[Iterable[Shot]], Iterator[Replayed]],
    parts: Sequence[Sequence[Shot]],
    ended: threading.Event,
) -> Iterator[Replayed]:
    done: SimpleQueue[Replayed | BaseException | None] = SimpleQueue()

    def work(part: Sequence[Shot]) -> None:
        try:
            for outcome in send(part):
                done.put(outcome)
        except BaseException as error:  # noqa: BLE001 - it is raised again where somebody hears it
            done.put(error)
        else:
            done.put(None)

    threads = [threading.Thread(target=work, args=(part,), daemon=True) for part in parts]
    for thread in threads:
        thread.start()
    try:
        running = len(threads)
        while running:
            result = done.get()
            if isinstance(result, BaseException):
                raise result
            if result is None:
                running -= 1
            else:
                yield result
    finally:
        ended.set()
