"""Records the receipts that the receiver takes in, and publishes an event for each."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from devkit.errors import StoreError
from devkit.events import Publish
from devkit.events.session import NotRecorded, Probe, ReceiptTaken, Refused
from devkit.fixture.format import Fixture
from devkit.fixture.store import Store
from devkit.http.channel import AfterResponse
from devkit.receiver.app import IncomingRequest
from devkit.webhook.callback import REACHABILITY_HEADER, Callback
from devkit.webhook.masking import one_line
from devkit.webhook.receipt import Receipt, Unreadable, read
from devkit.webhook.signature import Method, Verdict, is_stale, verify
from devkit.webhook.vocabulary import meaning

_REFUSALS = {
    404: "not the callback path of this session",
    405: "a method that Vonage does not use",
}

_STALE = (
    "The signature is right, but older than Vonage sends a receipt again: somebody may have sent it anew."
)

_OBJECTED = 401  # the answer to a signature that is not as required
_REMEMBERED = 10_000  # messages whose first receipt is remembered, to tell the time since


@dataclass(slots=True)
class Recorder:
    """Takes arrivals, in any thread. A receipt is on disk before it is answered 200.

    nonce: marks our own question through the public URL, which is told to nobody but `heard`.
    forward: gets each recorded callback with its message id and file, and must return at once.
    """

    store: Store
    publish: Publish
    clock: Callable[[], datetime]
    nonce: str
    secret: str = field(default="", repr=False)
    method: Method = "md5hash"
    require_signature: bool = False
    forward: Callable[[Callback, str, str], None] | None = None
    heard: threading.Event = field(default_factory=threading.Event)
    recorded: int = 0
    _refused: Counter[str] = field(default_factory=Counter)
    _first_seen: OrderedDict[str, datetime] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def handle_batch(self, requests: Sequence[IncomingRequest]) -> tuple[list[int], AfterResponse]:
        """Record the receipts among requests that came together; they share one wait for the disk.

        Gives the HTTP status of each request, and the work to run after the responses were sent: publish the
        receipts, and forward the recorded ones.
        """
        evaluations = [self._evaluate(request) for request in requests]
        to_record = {
            place: evaluation
            for place, evaluation in enumerate(evaluations)
            if evaluation and evaluation.is_to_record
        }
        recordings = [(evaluation.fixture, evaluation.reading) for evaluation in to_record.values()]
        files = dict(zip(to_record, self.store.record_all(recordings), strict=True))
        statuses = [
            _status(evaluation, files.get(place)) if evaluation else self._handle_other(request)
            for place, (request, evaluation) in enumerate(zip(requests, evaluations, strict=True))
        ]
        return statuses, partial(self._publish_all, evaluations, files)

    def _evaluate(self, incoming: IncomingRequest) -> "_Evaluation | None":
        """Read a receipt and check its signature; None for a request that is no receipt, or was refused already."""
        if incoming.kind not in ("receipt", "replay"):
            return None
        now = self.clock()
        reading = read(incoming.callback)
        verdict = self._verdict(reading)
        stale = verdict == "valid" and incoming.kind == "receipt" and _is_stale(reading, now)
        objection = ""
        if self.require_signature and (stale or verdict != "valid"):
            objection = f"the signature is {'stale' if stale else verdict}"
        return _Evaluation(incoming, now, reading, verdict, stale, objection)

    def _handle_other(self, incoming: IncomingRequest) -> int:
        # Report probes before responding: the caller waits for this event after it gets its 200.
        if incoming.kind == "refused":
            self._publish_refused(incoming.status, _REFUSALS.get(incoming.status, "not a callback"))
            return incoming.status
        if incoming.callback.header(REACHABILITY_HEADER) == self.nonce:
            self.heard.set()
        else:
            self.publish(Probe(one_line(incoming.callback.header("User-Agent") or "", 60)))
        return 200

    def _publish_all(
        self, evaluations: Sequence["_Evaluation | None"], files: Mapping[int, str | StoreError]
    ) -> None:
        """files: of those evaluations that were to be recorded, by their place."""
        for place, evaluation in enumerate(evaluations):
            if evaluation:
                self._publish_receipt(evaluation, files.get(place))

    def _publish_receipt(self, evaluation: "_Evaluation", file: str | StoreError | None) -> None:
        if evaluation.objection:
            self._publish_refused(_OBJECTED, evaluation.objection)
        elif isinstance(file, StoreError):  # a full disk, or a directory that has gone
            self.publish(NotRecorded(file.message, file.hint))
        else:
            event = self._event(evaluation, file or "")
            self.publish(event)
            if file and self.forward:
                self.forward(evaluation.incoming.callback, event.message_id, event.file)

    def _verdict(self, reading: Receipt | Unreadable) -> Verdict:
        return verify(reading.fields, self.secret, self.method) if isinstance(reading, Receipt) else "absent"

    def _event(self, evaluation: "_Evaluation", file: str) -> ReceiptTaken:
        reading, callback = evaluation.reading, evaluation.incoming.callback
        receipt = reading if isinstance(reading, Receipt) else Receipt({})
        message_id, err_code = one_line(receipt.message_id, 60), one_line(receipt.err_code, 30)
        return ReceiptTaken(
            file=file,
            message_id=message_id,
            status=one_line(receipt.status, 30),
            err_code=err_code,
            meaning=meaning(err_code, receipt.status),
            signature=evaluation.verdict,
            network=one_line(receipt.text("network-code"), 20),
            latency_ms=self._count(message_id, bool(file), evaluation.now),
            msisdn=_masked(receipt.text("msisdn")),
            transport=callback.transport,
            problem=reading.problem if isinstance(reading, Unreadable) else "",
            replay=evaluation.incoming.kind == "replay",
        )

    def _count(self, message_id: str, recorded: bool, now: datetime) -> int | None:
        """Count a recording; milliseconds since the first receipt of the message, None for the first one."""
        with self._lock:
            self.recorded += recorded
            first = self._first_seen.setdefault(message_id, now)
            if len(self._first_seen) > _REMEMBERED:
                self._first_seen.popitem(last=False)
        return None if first is now or not message_id else int((now - first).total_seconds() * 1000)

    def _publish_refused(self, status: int, reason: str) -> None:
        with self._lock:
            # For each reason of its own: a stranger's 404 must not keep a refused signature from being told.
            self._refused[reason] += 1
            count = self._refused[reason]
        self.publish(Refused(status, reason, count))


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """What was read and checked of one receipt. objection: why it is refused, empty when it is not."""

    incoming: IncomingRequest
    now: datetime
    reading: Receipt | Unreadable
    verdict: Verdict
    stale: bool
    objection: str

    @property
    def is_to_record(self) -> bool:
        return self.incoming.kind == "receipt" and not self.objection

    @property
    def fixture(self) -> Fixture:
        note = _STALE if self.stale else ""
        incoming = self.incoming
        return Fixture(
            self.now, incoming.callback, signature=self.verdict, captured=incoming.captured, note=note
        )


def _status(evaluation: _Evaluation, file: str | StoreError | None) -> int:
    """file: where it was recorded; None when it was not to be."""
    if evaluation.objection:
        return _OBJECTED
    return 503 if isinstance(file, StoreError) else 200


def _is_stale(reading: Receipt | Unreadable, now: datetime) -> bool:
    return isinstance(reading, Receipt) and is_stale(reading.fields, now)


def _masked(msisdn: str) -> str:
    # Not by its digits: "+44 7700 900001" is a number too, and in this field anything may be one.
    text = one_line(msisdn, 30)
    return "*" * (len(text) - 3) + text[-3:]
