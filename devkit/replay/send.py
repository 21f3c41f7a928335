"""Sends recorded callbacks again over one or more connections, and yields a result for each."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, TypeVar
from zlib import crc32

from devkit.errors import PushError, UsageError
from devkit.events import Event
from devkit.fixture.format import format_time
from devkit.fixture.select import display_path
from devkit.http.address import Address
from devkit.http.client import Connection, Response
from devkit.replay.schedule import Recording, ScheduledRequest
from devkit.replay.tasks import Task, run_tasks
from devkit.webhook.callback import Callback, to_wire
from devkit.webhook.masking import one_line
from devkit.webhook.receipt import Webhook, read, webhook_in

ReplayOutcome = Literal["ok", "failed", "unreachable"]


@dataclass(frozen=True, slots=True)
class Replayed(Event):
    """A receipt was sent, or could not be. file: where it is from, empty for a triggered one.

    answer: the HTTP status; null without a response, then problem says why. ms: from the first byte sent to the
    last byte read; null without a response. hint: what to try when the outcome is not ok.
    sent_again: the receipt was sent a second time, because the connection was closed before a response began, see
    `http.client.Connection`. answer and ms are those of the second time.
    err_code: of the receipt. recorded_at: UTC, as text; empty for a triggered one.
    """

    name: ClassVar[str] = "replayed"
    file: str
    message_id: str
    status: str
    outcome: ReplayOutcome
    answer: int | None
    ms: float | None
    problem: str = ""
    hint: str = ""
    sent_again: bool = False
    err_code: str = ""
    recorded_at: str = ""


@dataclass(frozen=True, slots=True)
class ReplaySummary(Event):
    """How many receipts had which outcome. failed: an unexpected response, or none after the receipt was sent."""

    name: ClassVar[str] = "summary"
    ok: int = 0
    failed: int = 0
    unreachable: int = 0

    @property
    def exit_code(self) -> int:
        """4 when the target was unreachable, even once: other failures may follow from that. Else 1 or 0."""
        return 4 if self.unreachable else 1 if self.failed else 0

    def __str__(self) -> str:
        return f"replay: {self.ok} ok, {self.failed} failed, {self.unreachable} unreachable"


Expectation = tuple[str, ...]  # the HTTP statuses that are ok, such as `204` or `2xx`, in lower case


def is_expected(status: int, expectation: Expectation) -> bool:
    return f"{status}" in expectation or f"{status // 100}xx" in expectation


def parse_expectation(text: str) -> Expectation:
    """An expectation from the command line, such as `2xx`, `204` or `200,4xx`. Raises UsageError."""
    patterns = tuple(part.strip().lower() for part in text.split(","))
    if not all(re.fullmatch(r"[1-5](?:xx|[0-9]{2})", pattern, re.ASCII) for pattern in patterns):
        raise UsageError(
            f"Not an HTTP status to expect: {text!r}.", hint="Use --expect 2xx or --expect 200,204"
        )
    return patterns


Transform = Callable[[Callback], Callback]
Observe = Callable[[Path, Response | PushError], None]
_Wire = tuple[bytes, str]  # the bytes of a request, and its method
_Received = TypeVar("_Received", Response, Response | None)


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
    start, failed = clock(), False

    def judge(received: Response | PushError, recording: Recording, file: str, recorded_at: str) -> Replayed:
        nonlocal failed
        if observe:
            observe(recording.path, received)
        sent = recording.callback, recording.receipt
        result = _judged(received, *sent, rules, file=file, recorded_at=recorded_at)
        failed = failed or result.outcome != "ok"
        return result

    def task(connection: Connection, part: Sequence[ScheduledRequest]) -> Task[Replayed]:
        # The previous result is yielded late, while the target handles the next request.
        previous: Callable[[], Replayed] | None = None
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
            recording = request.recording
            # Read now, while the target is busy.
            file, recorded_at, _ = (
                display_path(recording.path),
                format_time(recording.recorded_at),
                recording.receipt,
            )
            is_next_early = not rules.fresh and number < len(part)
            wire = _wire(transform(part[number].recording.callback)) if is_next_early else None
            yield connection
            while (received := receive()) is None:  # it was sent again
                yield connection
            previous = partial(judge, received, recording, file, recorded_at)
        if previous:
            yield previous()

    with ExitStack() as stack:
        tasks = [
            task(stack.enter_context(Connection(address, timeout=rules.timeout)), part)
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
    receipt = webhook_in(read(callback))
    received = _received(partial(connection.push, callback))
    observe(received)
    return _judged(received, callback, receipt, rules, file=file)


def _wire(callback: Callback) -> _Wire:
    return to_wire(callback), callback.method


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


def _judged(
    received: Response | PushError,
    callback: Callback,
    receipt: Webhook,
    rules: Rules,
    *,
    file: str,
    recorded_at: str = "",
) -> Replayed:
    """receipt: what was sent; without fields when it cannot be read."""
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
            hint = advice(answer, old_signature=not rules.renewed and _is_signed(callback, receipt))
    message_id, status = one_line(receipt.message_id, 60), one_line(receipt.status, 30)
    return Replayed(
        file,
        message_id,
        status,
        outcome,
        answer,
        ms,
        problem,
        hint,
        received.sent_again,
        one_line(receipt.err_code, 30),
        recorded_at,
    )


def _is_signed(callback: Callback, receipt: Webhook) -> bool:
    """Whether it has a signature among its fields, or a token."""
    return "sig" in receipt.fields or (callback.header("Authorization") or "")[:7].lower() == "bearer "


def advice(status: int, *, old_signature: bool) -> str:
    """What to try after an unexpected status."""
    if 300 <= status < 400:
        return "Redirects are not followed: give the final address with --to"
    if status in (404, 405):
        return "Give the path of your handler with --path /your/path, or another transport with --as"
    if old_signature and 400 <= status < 500:
        return "The receipt has an old signature and time: renew both with --now --resign"
    return "Look at the log of the program that answered."


def _parts(scheduled: Sequence[ScheduledRequest], jobs: int) -> Sequence[Sequence[ScheduledRequest]]:
    """The requests of each job: all of one message in one part, in their order."""
    if jobs == 1:
        return [scheduled]
    parts: list[list[ScheduledRequest]] = [[] for _ in range(jobs)]
    for request in scheduled:
        key = request.recording.receipt.message_id or str(request.recording.path)
        parts[crc32(key.encode("utf-8", "surrogatepass")) % jobs].append(request)
    return [part for part in parts if part]
